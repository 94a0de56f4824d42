"""A crowd of patients over months, in seconds: the real record, planning, triage and delivery, a carrier that
keeps everything in memory, and the clock moved from one due moment to the next. A large crowd is spread over
clinics that live side by side (`clinics.py`).

The conversation is the one thing left out: a short reader takes a whole check-in from one text. Rasa's turns
have stories of their own (`play.py`).
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import bindparam, func, select

from bot import clock
from bot.channels.base import CarrierError, Inbound, Outbound, Sent
from bot.clinic.enrolment import enrol
from bot.clinic.models import Clinic, Patient, Role, Staff
from bot.db.engine import reading
from bot.dialogue.scores import read_named
from bot.dialogue.turn import Turn
from bot.durable import inline, sweep
from bot.escalation import service
from bot.escalation.models import Alert, AlertStatus, Outcome
from bot.followup import answers
from bot.followup.models import CheckIn, CheckInStatus
from bot.messaging import inbox
from bot.messaging.models import Channel, Message, Status
from bot.protocols.catalogue import catalogue
from bot.protocols.render import render_piece
from bot.records.models import StaffTask
from bot.simulation.crowd import Person, answer_to
from bot.simulation.invariants import INVARIANTS

#: How long the clinic takes to close an alert.
CLOSES_AFTER = timedelta(hours=3)
LOOKS_EVERY = timedelta(minutes=30)
# asked at every step, and made once
_OPEN = select(Alert.id).where(Alert.status != AlertStatus.CLOSED, Alert.created_at <= bindparam("since"))
_CONTENT = select(Message.content_id).where(Message.id == bindparam("id"))
_OVERALL = {"1": "well", "2": "so_so", "3": "unwell"}


@dataclass(frozen=True, slots=True)
class Said:
    """A reply in approved words."""

    text: str
    content_id: str
    content_version: int
    question: str | None = None
    buttons: tuple[dict[str, Any], ...] = ()


class OneTextReader:
    """Opens check-ins, and reads a whole one from a single text: "1 pain 2 swelling 3"."""

    def start_check_in(self, conversation_id: str, metadata: dict[str, Any]) -> list[Said]:  # noqa: ARG002
        """The opening question."""
        return [self._say("checkin.open", metadata, question="checkin.overall")]

    def handle(self, conversation_id: str, text: str, metadata: dict[str, Any]) -> list[Said]:  # noqa: ARG002
        """Record what the text answers, and finish the check-in that waits."""
        with reading() as session:
            check_in_id = session.scalars(
                select(CheckIn.id)
                .where(
                    CheckIn.patient_id == metadata["patient_id"],
                    CheckIn.status.in_([CheckInStatus.SENT, CheckInStatus.REMINDED]),
                )
                .order_by(CheckIn.due_at.desc())
            ).first()
        if check_in_id is None:
            return [self._say("dialogue.fallback", metadata)]
        message_id = metadata["message_id"]
        first, _, rest = text.partition(" ")
        found: dict[str, Any] = {"overall": _OVERALL[first]} if first in _OVERALL else {}
        found |= read_named(rest if found else text)
        told = [answers.Told(name, value, text, message_id) for name, value in found.items()]
        answers.record_all(check_in_id, told)
        return [self._say(f"checkin.done_{answers.finish(check_in_id, message_id)}", metadata)]

    def _say(self, content_id: str, metadata: dict[str, Any], question: str | None = None) -> Said:
        turn = Turn.of(metadata)
        said = render_piece(catalogue().piece(content_id), turn.situation, dict(turn.values))
        return Said(said.text, said.content_id, said.version, question)


class Listener(Protocol):
    """Hears every text as it is delivered."""

    def __call__(self, message: Outbound) -> None: ...


class MemoryCarrier:
    """Delivers at once, and tells who listens."""

    name = "memory"

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def send(self, message: Outbound) -> Sent:
        """Deliver."""
        self._listener(message)
        return Sent(f"M-{message.message_id}", Status.DELIVERED)

    def fetch_media(self, url: str) -> bytes:
        """Nobody here sends pictures."""
        raise CarrierError(f"there is no file at {url}", permanent=True)

    def find(self, message: Outbound, since: datetime) -> Sent | None:  # noqa: ARG002
        """Nothing is ever in doubt here."""
        return None


@dataclass
class Result:
    """What happened: counts for the table, and violations by invariant."""

    counts: Counter[str]
    violations: dict[str, list[str]]

    def __add__(self, other: Result) -> Result:
        """What happened in both."""
        counts = Counter(self.counts)
        counts.update(other.counts)  # `+` would drop what never happened
        violations = {name: found + other.violations[name] for name, found in self.violations.items()}
        return Result(counts, violations)

    @property
    def clean(self) -> bool:
        """Whether every invariant held."""
        return not any(self.violations.values())


@dataclass
class Population:
    """The patients of one clinic as they live."""

    people: list[Person]
    days: int
    seed: int
    _pending: list[tuple[datetime, int, str, str]] = field(default_factory=list)
    _asked: Counter[str] = field(default_factory=Counter)

    def run(self) -> Result:
        """Live through the days and look at what was left behind."""
        self._dice, self._ids = random.Random(self.seed), itertools.count()
        self._by_phone = {person.phone: person for person in self.people}
        self._carrier, self._reader = MemoryCarrier(self._hear), OneTextReader()
        with reading() as session:
            self._clinic = session.scalars(select(Clinic)).one()
            closer = session.scalars(select(Staff.id).where(Staff.role == Role.MEDICAL_DIRECTOR))
            self._staff_id = closer.one()
        self._looked = clock.now()
        end = self._looked + timedelta(days=self.days)
        for person in self.people:
            self._enrol(person)
        inline.settle(self._carrier, self._reader)
        while (moment := self._next(end)) is not None:
            clock.advance(max(timedelta(), moment - clock.now()) + timedelta(milliseconds=1))
            self._answer()
            self._close()
            inline.settle(self._carrier, self._reader)
        clock.advance(max(timedelta(), end - clock.now()))
        return self._result(clock.now())

    def _enrol(self, person: Person) -> None:
        for product in person.products:
            enrol(
                self._clinic.id,
                {
                    "first_name": "Sample",
                    "last_name": f"Patient {person.number}",
                    "phone": person.phone,
                    "language": person.language,
                    "time_zone": person.time_zone,
                    "product": product,
                    "lot": "DEMO-0001",
                    "expiry": "2099-12-31",
                    "areas": ["lateral cheek"],
                    "treated_at": (clock.now() - person.treated_before).isoformat(),
                    "consent_aftercare_texts": True,
                },
                in_person=False,
            )

    def _hear(self, message: Outbound) -> None:
        person = self._by_phone.get(message.to)
        if person is None:
            return
        with reading() as session:
            content_id = session.scalar(_CONTENT, {"id": message.message_id}) or ""
        self._asked[person.phone] += content_id == "checkin.open"
        answer = answer_to(person, content_id, self._asked[person.phone], self._dice)
        if answer is not None:
            due = clock.now() + answer.after
            heapq.heappush(self._pending, (due, next(self._ids), person.phone, answer.text))

    def _next(self, end: datetime) -> datetime | None:
        moments = [sweep.next_moment(clock.now()), self._pending[0][0] if self._pending else None]
        soonest = min((moment for moment in moments if moment is not None), default=None)
        return soonest if soonest is not None and soonest < end else None

    def _answer(self) -> None:
        while self._pending and self._pending[0][0] <= clock.now():
            _, number, phone, text = heapq.heappop(self._pending)
            inbox.receive(Inbound(Channel.SMS, f"IN{number}", self._clinic.text_number, phone, text))

    def _close(self) -> None:
        """The clinic looks after its alerts, every half hour."""
        if clock.now() - self._looked < LOOKS_EVERY:
            return
        self._looked = clock.now()
        with reading() as session:
            waiting = session.scalars(_OPEN, {"since": clock.now() - CLOSES_AFTER}).all()
        for alert_id in waiting:
            service.close(alert_id, self._staff_id, Outcome.ADVISED_BY_PHONE, "Phoned, in this simulation.")

    def _result(self, now: datetime) -> Result:
        with reading() as session:
            check_ins = Counter(session.scalars(select(CheckIn.status)))
            reminded = session.scalar(
                select(func.count()).select_from(CheckIn).where(CheckIn.reminded_at.is_not(None))
            )
            sent = session.scalar(
                select(func.count()).select_from(CheckIn).where(CheckIn.sent_at.is_not(None))
            )
            tasks = Counter(session.scalars(select(StaffTask.kind)))
            counts = Counter(
                {
                    "patients": len(self.people),
                    "check-ins sent": sent or 0,
                    "answered": check_ins[CheckInStatus.ANSWERED],
                    "reminded": reminded or 0,
                    "not answered": check_ins[CheckInStatus.UNANSWERED],
                    "by phone instead": check_ins[CheckInStatus.BY_PHONE],
                    "asked with another": check_ins[CheckInStatus.COMBINED],
                    "dropped": check_ins[CheckInStatus.CANCELLED],
                    "alerts": session.scalar(select(func.count()).select_from(Alert)) or 0,
                    "opted out": session.scalar(
                        select(func.count()).select_from(Patient).where(Patient.opted_out_at.is_not(None))
                    )
                    or 0,
                    **{f"task: {kind.value}": count for kind, count in sorted(tasks.items())},
                }
            )
            violations = {check.__name__: list(check(session, now)) for check in INVARIANTS}
        return Result(counts, violations)
