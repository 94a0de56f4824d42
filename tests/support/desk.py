"""A desk on a bench: the real record, triage, escalation and follow-up, with a carrier and a dialogue that
the test holds in its hands, and no threads. `settle()` does everything that is due, as the sweeper would."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.channels.base import CarrierError, Inbound, Outbound, OutcomeUnknown, Sent
from bot.clinic import demo
from bot.clinic.demo import TEXT_NUMBER
from bot.clinic.enrolment import EnrolmentResult, enrol
from bot.clinic.models import Clinic
from bot.db.engine import reading
from bot.durable import inline, sweep
from bot.escalation.models import Alert
from bot.messaging import inbox
from bot.messaging.models import Channel, Message, Status
from bot.notify.base import Notice, Notifier
from bot.notify.models import ContactKind

ANA, PAT = "+15550100111", "+15550100112"
NURSE, DOCTOR = "+15550100121", "+15550100122"
STRANGER = "+15550100199"


@dataclass
class HandCarrier:
    """Keeps what it is given. `faults` are raised by the next sends, in order; None lets one through."""

    name: str = "hand"
    sent: list[Outbound] = field(default_factory=list)
    faults: list[Exception | None] = field(default_factory=list)
    #: faults that strike after the message was taken
    late_faults: list[Exception | None] = field(default_factory=list)
    status: Status = Status.DELIVERED
    lookups: int = 0
    #: files by address, or what asking for one raises; any other address does not answer
    media: dict[str, bytes | Exception] = field(default_factory=dict)

    def send(self, message: Outbound) -> Sent:
        if self.faults and (fault := self.faults.pop(0)) is not None:
            raise fault
        self.sent.append(message)
        if self.late_faults and (fault := self.late_faults.pop(0)) is not None:
            raise fault
        return self._sent(message)

    def find(self, message: Outbound, since: datetime) -> Sent | None:
        self.lookups += 1
        for known in self.sent:
            if (known.to, known.body) == (message.to, message.body):
                return self._sent(known)
        return None

    def fetch_media(self, url: str) -> bytes:
        answer = self.media.get(url, CarrierError("no answer", code="unreachable"))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _sent(self, message: Outbound) -> Sent:
        return Sent(f"SM-{message.message_id}", self.status)


class SilentCarrier(HandCarrier):
    """Never says what became of a message, and does not know it when asked."""

    def send(self, message: Outbound) -> Sent:
        self.sent.append(message)
        raise OutcomeUnknown("timeout")

    def find(self, message: Outbound, since: datetime) -> Sent | None:
        self.lookups += 1
        raise OutcomeUnknown("timeout")


@dataclass
class Say:
    """A reply of the hand-held dialogue."""

    text: str = "An approved answer."
    content_id: str = "aftercare.exercise"
    content_version: int = 1
    question: str | None = None
    buttons: Sequence[dict[str, Any]] = ()


@dataclass
class HandDialogue:
    """Answers what the test says; remembers what it was asked."""

    answer: Callable[[str], Sequence[Say]] = lambda text: [Say(f"You said: {text}")]
    heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def handle(self, conversation_id: str, text: str, metadata: dict[str, Any]) -> Sequence[Say]:
        self.heard.append((text, metadata))
        return self.answer(text)

    def start_check_in(self, conversation_id: str, metadata: dict[str, Any]) -> Sequence[Say]:
        self.heard.append(("check-in", metadata))
        return [
            Say("How are you?", "checkin.intro"),
            Say("Pain 0-10?", "checkin.pain", question="checkin.pain"),
        ]


@dataclass
class HandNotifier:
    """Keeps what it is given, like `HandCarrier`; `can_look` says whether it knows afterwards."""

    can_look: bool = False
    status: Status = Status.SENT
    sent: list[Notice] = field(default_factory=list)
    faults: list[Exception | None] = field(default_factory=list)
    late_faults: list[Exception | None] = field(default_factory=list)
    lookups: int = 0

    def send(self, notice: Notice) -> Sent:
        if self.faults and (fault := self.faults.pop(0)) is not None:
            raise fault
        self.sent.append(notice)
        if self.late_faults and (fault := self.late_faults.pop(0)) is not None:
            raise fault
        return Sent(f"N{len(self.sent)}", self.status)

    def find(self, notice: Notice, since: datetime) -> list[Sent]:
        self.lookups += 1
        return [
            Sent(f"N{number}", self.status)
            for number, known in enumerate(self.sent, start=1)
            if self.can_look and known.to == notice.to
        ]


class Desk:
    """What a test does to the desk, and what it can see of it."""

    def __init__(self) -> None:
        self.carrier = HandCarrier()
        self.dialogue: HandDialogue | None = HandDialogue()
        self.calls = HandNotifier(can_look=True)
        self.mails = HandNotifier()
        self.chats = HandNotifier()
        self.notifiers: dict[ContactKind, Notifier] = {
            ContactKind.VOICE: self.calls,
            ContactKind.EMAIL: self.mails,
            ContactKind.APPRISE: self.chats,
        }
        self._ids = itertools.count(1)

    @classmethod
    def of_demo_clinic(cls) -> Desk:
        """The demo clinic on whatever record is open, with the welcome texts out of the way."""
        demo.seed()
        mine = cls()
        mine.settle()
        mine.carrier.sent.clear()
        return mine

    def text(
        self, sender: str, body: str, *, provider_id: str | None = None, media: Sequence[dict[str, Any]] = ()
    ) -> inbox.Receipt:
        """Somebody texts the clinic."""
        sid = provider_id or f"IN{next(self._ids)}"
        return inbox.receive(Inbound(Channel.SMS, sid, TEXT_NUMBER, sender, body, list(media)))

    def enrol(
        self, first_name: str, last_name: str, phone: str, *, agrees: bool = True, **changes: Any
    ) -> EnrolmentResult:
        """The clinic enrols somebody who was treated just now, and who answers Y unless told not to."""
        form = {
            "first_name": first_name,
            "last_name": last_name,
            "phone": phone,
            "product": "harmonyca",
            "lot": "LOT-7",
            "expiry": "2099-12-31",
            "areas": ["jaw angle"],
            "treated_at": clock.now().isoformat(),
            "consent_aftercare_texts": True,
        }
        enrolled = enrol(self.rows(Clinic)[0].id, form | changes)
        if agrees:
            self.text(phone, "Y")
        return enrolled

    def web(self, session_id: str, body: str) -> inbox.Receipt:
        """Somebody writes in the chat on the clinic's page."""
        return inbox.receive(
            Inbound(Channel.WEB, f"WEB{next(self._ids)}", "blue-heron-demo", session_id, body)
        )

    def settle(self) -> None:
        """Do everything that is due, until nothing is."""
        inline.settle(self.carrier, self.dialogue, self.notifiers)

    def sweep_once(self) -> list[Exception]:
        """One sweep as a server makes it: what fails fails alone. Returns what failed."""
        sweep.repair()
        failures = []
        for work in sweep.due(clock.now()):
            try:
                inline.do(work, self.carrier, self.dialogue, self.notifiers)
            except Exception as error:
                failures.append(error)
        return failures

    def advance(self, **step: float) -> None:
        """Let time pass, then do what is due."""
        clock.advance(timedelta(**step))
        self.settle()

    def texts_to(self, number: str) -> list[str]:
        """What this phone received, oldest first."""
        return [message.body for message in self.carrier.sent if message.to == number]

    def alerts(self) -> list[Alert]:
        """All alerts, oldest first, with what hangs on them."""
        with reading() as session:
            return [_whole(session, alert) for alert in session.scalars(select(Alert).order_by(Alert.id))]

    def rows(self, model: type[Any], **where: Any) -> list[Any]:
        """Rows of a table, oldest first."""
        with reading() as session:
            return list(session.scalars(select(model).filter_by(**where).order_by(model.id)))

    def message(self, message_id: str) -> Message:
        """One message as it is now."""
        with reading() as session:
            return session.get_one(Message, message_id)


def _whole(session: Session, alert: Alert) -> Alert:
    for event in alert.events:
        _ = event.staff
    for one in alert.notifications:
        _ = one.staff, one.message
    _ = alert.acknowledged_by
    return alert
