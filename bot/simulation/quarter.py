"""A simulated quarter of a clinic that does not exist, written straight into the record.

Playing ten thousand messages through the real dialogue would take hours, and figures need rows, not talk. So
this rolls dice by `quarter.yml`: the same seed on the same day gives the same quarter. Nothing in it is still
due: no text goes out and nobody is paged.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import yaml
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from bot.clinic.models import Clinic, Consent, ConsentPurpose, Patient, Role, Staff, Treatment
from bot.db.base import Base
from bot.db.engine import transaction
from bot.escalation.models import Alert, AlertEvent, AlertStatus, EventKind, Outcome
from bot.followup.models import CheckIn, CheckInStatus, Enrolment, EnrolmentStatus
from bot.followup.planning import NEVER
from bot.judgement.models import Judgement
from bot.messaging.models import Channel, Conversation, Direction, Kind, Message, Status, Turn
from bot.protocols.catalogue import catalogue
from bot.protocols.schema import Schedule
from bot.records.models import AssessmentRecord
from bot.triage.types import Tier

WEEKS = 13
FILE = Path(__file__).with_name("quarter.yml")
#: Numbers that no telephone has: +1 555 012 0000 and following.
FIRST_PHONE = 15550120000

T = TypeVar("T")


class QuarterRefused(RuntimeError):
    """The record is not one for a made-up quarter; the text says why and what to do."""


def seed_quarter(now: datetime, *, seed: int = 1, patients_per_week: int | None = None) -> dict[str, int]:
    """Add the quarter that ends at `now` to the demo clinic. Returns how many rows of each table.

    Raises QuarterRefused for a record with any other clinic, or with a quarter in it already.
    """
    plan = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    with transaction() as session:
        clinic, staff = _demo_clinic(session)
        quarter = _Quarter(plan, clinic, staff, now, random.Random(seed))
        quarter.fill(patients_per_week or plan["patients_per_week"])
        for model in _ORDER:
            rows = quarter.rows.get(model, [])
            for start in range(0, len(rows), 1000):
                session.execute(insert(model), rows[start : start + 1000])
    return {model.__tablename__: len(quarter.rows.get(model, [])) for model in _ORDER}


def _demo_clinic(session: Session) -> tuple[Clinic, list[Staff]]:
    clinics = session.scalars(select(Clinic)).all()
    if len(clinics) != 1 or "(demo)" not in clinics[0].name:
        raise QuarterRefused(
            "A made-up quarter is for the demo clinic alone, and this record has another. "
            "Give it a record of its own: AFTERGLOW_VAR_DIR=/some/new/folder afterglow demo-quarter"
        )
    if session.scalars(select(Patient.id).where(Patient.phone == f"+{FIRST_PHONE}")).first():
        raise QuarterRefused("This record has a made-up quarter already. Remove the folder to start anew.")
    staff = session.scalars(select(Staff).where(Staff.active.is_(True)).order_by(Staff.email)).all()
    clinical = [one for one in staff if one.role in (Role.NURSE, Role.MEDICAL_DIRECTOR)]
    if not clinical:
        raise QuarterRefused("The demo clinic has no nurse and no medical director to take alerts.")
    return clinics[0], clinical


#: Tables in the order in which rows refer to each other.
_ORDER: tuple[type[Base], ...] = (
    Patient, Treatment, Consent, Conversation, Enrolment, CheckIn, Message, AssessmentRecord, Alert,
    AlertEvent, Judgement,
)  # fmt: skip


@dataclass
class _Quarter:
    """The rows as they are made up."""

    plan: Mapping[str, Any]
    clinic: Clinic
    staff: Sequence[Staff]
    now: datetime
    dice: random.Random
    rows: dict[type[Base], list[dict[str, Any]]] = field(default_factory=dict)

    def fill(self, patients_per_week: int) -> None:
        """Thirteen weeks of patients, with all that came of them."""
        zone = ZoneInfo(self.clinic.time_zone)
        today = self.now.astimezone(zone).date()
        schedules = {one.product: one for one in catalogue().schedules.values()}
        number = 0
        for week in range(WEEKS, 0, -1):
            for _ in range(patients_per_week):
                day = today - timedelta(days=7 * week - self.dice.randrange(6))
                hour = time(9 + self.dice.randrange(9), self.dice.randrange(60))
                treated = datetime.combine(day, hour, zone)
                self._patient(number, treated, schedules)
                number += 1

    def add(self, model: type[Base], at: datetime, **values: Any) -> str:
        """A row of this clinic that was made at `at`; its id sorts by that moment."""
        key = f"{int(at.timestamp() * 1000):012x}7{self.dice.getrandbits(76):019x}"
        row = {"id": key, "created_at": at, "clinic_id": self.clinic.id, **values}
        self.rows.setdefault(model, []).append(row)
        return key

    def _pick(self, weights: Mapping[T, Any]) -> T:
        """One key, as often as its weight, or its entry's `weight`, says."""
        each = [w["weight"] if isinstance(w, dict) else w for w in weights.values()]
        return self.dice.choices(list(weights), each)[0]

    def _times(self, average: float) -> int:
        """How often something happens that happens `average` times (Poisson)."""
        limit, times, product = math.exp(-average), 0, self.dice.random()
        while product > limit:
            times, product = times + 1, product * self.dice.random()
        return times

    def _patient(self, number: int, treated: datetime, schedules: Mapping[str, Schedule]) -> None:
        language = "es" if self.dice.random() < self.plan["spanish"] else "en"
        phone = f"+{FIRST_PHONE + number}"
        product = self._pick(self.plan["products"])
        who = self.add(
            Patient,
            treated,
            first_name=self.dice.choice(self.plan["first_names"]),
            last_name=f"Demo {number + 1:04}",
            phone=phone,
            language=language,
            time_zone=self.clinic.time_zone,
        )
        treatment = self.add(
            Treatment,
            treated,
            patient_id=who,
            product=product,
            lot=f"DEMO-Q{1 + number % 7}",
            expiry=(treated + timedelta(days=400)).date(),
            areas=self.dice.choice(self.plan["areas"]),
            treated_at=treated,
            injector_id=self.staff[0].id,
        )
        self.add(
            Consent,
            treated,
            patient_id=who,
            purpose=ConsentPurpose.AFTERCARE_TEXTS,
            granted=True,
            wording_version="demo-1",
            channel="paper",
        )
        thread = self.add(
            Conversation, treated, channel=Channel.SMS, address=phone, language=language, patient_id=who
        )
        mine = _Thread(self, who, thread, language, product, treated)
        if product in schedules:
            self._check_ins(mine, treatment, schedules[product])
        for _ in range(self._times(self.plan["questions"])):
            mine.asks(self._pick(self.plan["topics"]), self._moment(treated))
        alerts = sorted(self._moment(treated) for _ in range(self._times(self.plan["alerts"])))
        for at in alerts:
            self._alert(mine, at)

    def _moment(self, treated: datetime) -> datetime:
        """Some moment after a treatment, most in the first days, never after now."""
        days = min(self.dice.expovariate(1 / 3.5), 30)
        room = (self.now - treated).total_seconds() / 86400
        return treated + timedelta(days=days if days < room else room * self.dice.random())

    def _check_ins(self, mine: _Thread, treatment: str, schedule: Schedule) -> None:
        ended = mine.treated + timedelta(days=schedule.days[-1] + 1) < self.now
        enrolment = self.add(
            Enrolment,
            mine.treated,
            patient_id=mine.patient,
            treatment_id=treatment,
            protocol_id=schedule.id,
            protocol_version=schedule.version,
            status=EnrolmentStatus.FINISHED if ended else EnrolmentStatus.STOPPED,
        )
        for contact in schedule.check_ins:
            zone = ZoneInfo(self.clinic.time_zone)
            day = contact.day
            on = mine.treated.astimezone(zone).date() + timedelta(days=day)
            due = datetime.combine(on, time(contact.hour or schedule.hour), zone)
            row: dict[str, Any] = {"status": CheckInStatus.CANCELLED, "answers": {}, "asked": []}
            if due < self.now - timedelta(days=1):
                row = {**self._asked(mine, day, due), "asked": list(contact.ask)}
            moments = {"sent_at": None, "reminded_at": None, "answered_at": None}
            self.add(
                CheckIn,
                mine.treated,
                **{
                    **moments,
                    "enrolment_id": enrolment,
                    "patient_id": mine.patient,
                    "day": day,
                    "due_at": due,
                    "next_step_at": NEVER,
                    **row,
                },
            )

    def _asked(self, mine: _Thread, day: int, due: datetime) -> dict[str, Any]:
        mine.says(self.plan["says"]["check_in"][mine.language], due, Kind.CHECK_IN)
        known = [at for at in self.plan["answered"] if at <= day]
        if self.dice.random() >= self.plan["answered"][max(known)]:
            return {
                "status": CheckInStatus.UNANSWERED,
                "sent_at": due,
                "reminded_at": due + timedelta(hours=4),
                "answers": {},
            }
        answered = due + timedelta(minutes=self.dice.lognormvariate(math.log(35), 1.1))
        answered = min(answered, due + timedelta(hours=23))
        pain = max(0, min(10, round(self.dice.gauss(4.5 * math.exp(-day / 5), 1.3))))
        mine.writes(str(pain), answered, Tier.T4, "NEG")
        return {
            "status": CheckInStatus.ANSWERED,
            "sent_at": due,
            "answered_at": answered,
            "answers": {"pain": {"value": pain, "words": str(pain)}},
        }

    def _alert(self, mine: _Thread, at: datetime) -> None:
        tier = Tier(self._pick(self.plan["tiers"]))
        aims = self.plan["tiers"][tier.value]
        flag = self._pick(self.plan["flags"][tier.value])
        words = self.plan["flags"][tier.value][flag][mine.language]
        took, ended = (
            timedelta(minutes=self.dice.lognormvariate(math.log(aims[name]), aims["spread"]))
            for name in ("acknowledge", "close")
        )
        if at + took + ended >= self.now or at < mine.free_from:
            return  # it would still be open, and somebody would be paged about it
        mine.free_from = at + took + ended
        holder = self.dice.choice(self.staff)
        message = mine.writes(words, at, tier, flag)
        alert = self.add(
            Alert,
            at,
            patient_id=mine.patient,
            conversation_id=mine.thread,
            message_id=message,
            tier=tier,
            flag=flag,
            psych=flag == "PSY",
            code=str(self.dice.randrange(10, 100)),
            status=AlertStatus.CLOSED,
            policy={},
            steps_taken=1,
            acknowledged_at=at + took,
            acknowledged_by_id=holder.id,
            closed_at=at + took + ended,
            closed_by_id=holder.id,
            outcome=Outcome(self._pick(self.plan["outcomes"])),
            close_note=self.plan["says"]["done"][holder.language],
        )
        for kind, moment, person in (
            (EventKind.OPENED, at, None),
            (EventKind.ACKNOWLEDGED, at + took, holder.id),
            (EventKind.CLOSED, at + took + ended, holder.id),
        ):
            self.add(AlertEvent, moment, alert_id=alert, kind=kind, staff_id=person, detail="")
        self._judge(message, alert, tier, holder, at + took + ended)

    def _judge(self, message: str, alert: str, tier: Tier, holder: Staff, at: datetime) -> None:
        chances = self.plan["judged"][tier.value]
        verdict = self._pick({**chances, "": 100 - sum(chances.values())})
        if not verdict:
            return
        right = {"correct": tier, "false_alarm": Tier.T4, "more_urgent": tier.raised()}
        self.add(
            Judgement,
            at,
            message_id=message,
            alert_id=alert,
            verdict=verdict,
            given=tier,
            judged=right[verdict],
            staff_id=holder.id,
            role=holder.role,
        )


@dataclass
class _Thread:
    """One patient's conversation as it is made up."""

    quarter: _Quarter
    patient: str
    thread: str
    language: str
    product: str
    treated: datetime
    #: from when on no alert of this patient is open
    free_from: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.free_from = self.treated

    def _message(self, at: datetime, body: str, **values: Any) -> str:
        columns = {"turn": None, "in_reply_to_id": None, "position": None, "content_id": None}
        return self.quarter.add(
            Message,
            at,
            conversation_id=self.thread,
            patient_id=self.patient,
            channel=Channel.SMS,
            body=body,
            language=self.language,
            assessed=True,
            **{**columns, "content_version": None, **values},
        )

    def says(self, body: str, at: datetime, kind: Kind, **values: Any) -> str:
        """We write."""
        return self._message(at, body, direction=Direction.OUT, kind=kind, status=Status.DELIVERED, **values)

    def writes(self, body: str, at: datetime, tier: Tier, flag: str) -> str:
        """The patient writes, and triage says `tier`."""
        message = self._message(
            at,
            body,
            direction=Direction.IN,
            kind=Kind.PATIENT,
            status=Status.RECEIVED,
            turn=Turn.ANSWERED,
        )
        finding = {"flag": flag, "tier": tier.value, "rule": "demo.quarter", "words": "", "source": "prop"}
        self.quarter.add(
            AssessmentRecord,
            at,
            message_id=message,
            tier=tier,
            probe=False,
            psych=flag == "PSY",
            hold=False,
            findings=[finding] if tier is not Tier.T4 else [],
            reasons=[],
            context={"day": (at - self.treated).days, "product": self.product},
            engine="demo",
        )
        return message

    def asks(self, topic: str, at: datetime) -> None:
        """The patient asks about a topic and gets an answer."""
        says, piece = self.quarter.plan["says"], catalogue().piece(topic)
        title = piece.title.es if self.language == "es" else piece.title.en
        asked = self.writes(says["question"][self.language].format(topic=title), at, Tier.T4, "NEG")
        self.says(
            says["answer"][self.language].format(topic=title),
            at + timedelta(seconds=2),
            Kind.REPLY,
            in_reply_to_id=asked,
            position=1,
            content_id=topic,
            content_version=piece.version,
        )
