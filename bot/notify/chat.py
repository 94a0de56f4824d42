"""Notices to chat tools and paging services (Slack, Teams, PagerDuty and the rest) by their apprise URL.

The URL holds a secret. It is never logged, and shown masked.
"""

from __future__ import annotations

import logging
from datetime import datetime

import apprise

from bot.channels.base import CarrierError, Sent
from bot.ids import new_id
from bot.messaging.models import Status
from bot.notify.base import Notice

# their messages quote addresses
logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
logging.getLogger("urllib3").setLevel(logging.INFO)

#: What would show something on the server's own screen or log instead of reaching a person.
_LOCAL = {"dbus", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows"}


class ChatNotifier:
    """Implements `bot.notify.base.Notifier`."""

    can_look = False

    def send(self, notice: Notice) -> Sent:
        """Hand over one notice. apprise tells no reasons: whatever went wrong is tried again."""
        target = _target(notice.to)
        if target is None:
            raise CarrierError("the address is not an apprise URL that can be used", permanent=True)
        box = apprise.Apprise()
        box.add(target)
        if not box.notify(body=notice.text, title=notice.subject):
            raise CarrierError("the service did not take the message; check the address")
        return Sent(new_id(), Status.SENT)

    def find(self, _notice: Notice, _since: datetime) -> list[Sent]:
        """Nothing: these services are not asked."""
        return []


def _target(url: str) -> apprise.NotifyBase | None:
    scheme = url.partition("://")[0].lower()
    if scheme in _LOCAL:
        return None
    made = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    return made or None


def is_usable(url: str) -> bool:
    """Whether apprise knows what to do with `url`. Nothing is sent."""
    return _target(url) is not None


def masked(url: str) -> str:
    """`url` as it may be shown: which service, and no secret."""
    return f"{url.partition('://')[0].lower()}://…"
