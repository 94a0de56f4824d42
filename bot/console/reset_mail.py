"""Links to reset a password, by e-mail."""

from __future__ import annotations

from bot.access.resets import Sender
from bot.console.strings import translator
from bot.notify.base import Notice, Notifier
from bot.protocols.phrases import as_language


def by(notifier: Notifier) -> Sender:
    """What sends a link through `notifier`. Raises what that raises."""

    def send(email: str, language: str, link: str) -> None:
        t = translator(language)
        notifier.send(
            Notice(
                id="",
                to=email,
                sender="",
                subject=t("reset.mail_subject"),
                text=f"{t('reset.mail_text')} {link}",
                language=as_language(language),
                link=link,
                link_label=t("reset.title"),
            )
        )

    return send
