"""What every notifier speaks: a `Notice` goes out through a `Notifier`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.channels.base import Sent
from bot.protocols.phrases import Language


@dataclass(frozen=True, slots=True)
class Notice:
    """What a notifier is asked to bring to somebody. `to` may hold a secret: it is never logged."""

    id: str  #: of the notification; "" for a message that no alert is behind
    to: str  #: E.164, an e-mail address, or an apprise URL
    sender: str  #: the clinic's number
    subject: str
    text: str
    language: Language
    link: str = ""
    link_label: str = ""


class Notifier(Protocol):
    """A way to bring a notice to somebody. Calls block and are made from worker threads."""

    #: whether `find` can tell what became of a notice whose sending we saw no end of
    can_look: bool

    def send(self, notice: Notice) -> Sent:
        """Hand over one notice. Raises `CarrierError`, or `OutcomeUnknown` when it may have left or not."""
        ...

    def find(self, notice: Notice, since: datetime, /) -> list[Sent]:
        """The records of what may be `notice`, handed over at `since` or later, oldest first; raises
        `OutcomeUnknown` when they cannot be read. Always empty where `can_look` is false."""
        ...
