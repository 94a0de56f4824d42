"""Notices by e-mail: SMTP as the settings say."""

from __future__ import annotations

import html
import smtplib
import ssl
from datetime import datetime
from email.message import EmailMessage
from email.utils import make_msgid

from bot.channels.base import CarrierError, OutcomeUnknown, Sent
from bot.messaging.models import Status
from bot.notify.base import Notice
from bot.settings import Settings

_TIMEOUT_S = 10.0


class MailNotifier:
    """Hands mails to one SMTP server. Implements `bot.notify.base.Notifier`."""

    can_look = False

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def send(self, notice: Notice) -> Sent:
        """Hand over one mail. Errors name no address: a refused one is known by its notification."""
        if not self._settings.smtp_host or not self._settings.smtp_from:
            raise CarrierError(
                "e-mail is not set up: set AFTERGLOW_SMTP_HOST and AFTERGLOW_SMTP_FROM", permanent=True
            )
        mail = self._compose(notice)
        try:
            with self._connect() as server:
                _hand_over(server, mail)
        except smtplib.SMTPAuthenticationError:
            raise CarrierError(
                "the mail server refused the sign-in: check AFTERGLOW_SMTP_USER and _PASSWORD"
            ) from None
        except (smtplib.SMTPException, OSError) as error:
            raise CarrierError(f"the mail server cannot be used ({type(error).__name__})") from None
        return Sent(str(mail["Message-ID"]).strip("<>"), Status.SENT)

    def find(self, _notice: Notice, _since: datetime) -> list[Sent]:
        """Nothing: a mail server keeps no list to ask."""
        return []

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        host, port = settings.smtp_host or "", settings.smtp_port
        if settings.smtp_security == "ssl":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, port, timeout=_TIMEOUT_S, context=ssl.create_default_context()
            )
        else:
            server = smtplib.SMTP(host, port, timeout=_TIMEOUT_S)
        try:
            if settings.smtp_security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if settings.smtp_user:
                password = settings.smtp_password.get_secret_value() if settings.smtp_password else ""
                server.login(settings.smtp_user, password)
        except BaseException:
            server.close()
            raise
        return server

    def _compose(self, notice: Notice) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = notice.subject
        mail["From"], mail["To"] = self._settings.smtp_from, notice.to
        # the same for every attempt, so that mail programs show a repeated one once
        domain = (self._settings.smtp_from or "").rpartition("@")[2].strip(">") or "afterglow"
        mail["Message-ID"] = f"<{notice.id}@{domain}>" if notice.id else make_msgid(domain=domain)
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(notice.text)
        mail.add_alternative(_html(notice), subtype="html")
        return mail


def _hand_over(server: smtplib.SMTP, mail: EmailMessage) -> None:
    try:
        server.send_message(mail)
    except smtplib.SMTPRecipientsRefused as refused:
        code = next((answer[0] for answer in refused.recipients.values()), 0)
        raise CarrierError(f"the mail server refused the address ({code})", permanent=code >= 500) from None
    except smtplib.SMTPResponseException as error:
        raise CarrierError(
            f"the mail server refused the mail ({error.smtp_code})", permanent=error.smtp_code >= 500
        ) from None
    except (smtplib.SMTPServerDisconnected, OSError) as error:
        raise OutcomeUnknown(f"no answer from the mail server ({type(error).__name__})") from None


def _html(notice: Notice) -> str:
    words = html.escape(notice.text.replace(notice.link, "").rstrip(" :") if notice.link else notice.text)
    link = (
        f'<p><a href="{html.escape(notice.link)}">{html.escape(notice.link_label)}</a></p>'
        if notice.link
        else ""
    )
    head = f'<html lang="{notice.language}"><head><meta charset="utf-8"></head>'
    return f"<!doctype html>{head}<body><p>{words}</p>{link}</body></html>"
