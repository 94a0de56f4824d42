"""What the demo page shows: the clock, and what the carrier did with each phone's texts."""

from __future__ import annotations

import functools
import re
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, aliased

from bot import clock
from bot.channels.simulator.calls import Call, SimulatedCaller
from bot.channels.simulator.carrier import SimulatedCarrier
from bot.channels.simulator.store import CarriedText
from bot.clinic import demo
from bot.clinic.models import Clinic, Patient, Staff
from bot.db.engine import reading
from bot.escalation.models import Alert, AlertStatus
from bot.followup.models import CheckIn, CheckInStatus
from bot.messaging import segments
from bot.messaging.models import Status

#: A phone shows its newest texts only; a demo that ran for days stays quick.
TEXTS_SHOWN = 80

_CODE = re.compile(r"\bACK\s+([A-Z0-9]{1,8})\b")
_STATES = {
    Status.SENT: "sent",
    Status.DELIVERED: "delivered",
    Status.FAILED: "not delivered",
}


class Bubble(BaseModel):
    """One text on a phone's screen."""

    id: str
    mine: bool  #: written on this phone
    body: str
    photos: int
    at: datetime
    state: str
    error_code: str
    encoding: str
    segments: int
    page: bool  #: a page that asks to be acknowledged


class CallView(BaseModel):
    """A call on a phone's screen."""

    id: str
    ringing: bool
    said: str
    language: str
    listening: bool  #: keys do something now


class PhoneView(BaseModel):
    """One simulated phone with its owner."""

    number: str
    owner: str
    role: Literal["patient", "staff"]
    detail: str
    language: str
    on: bool
    suggestions: list[str]
    #: code of the newest page that this phone has not answered and that still waits for somebody
    ack_code: str | None
    call: CallView | None
    texts: list[Bubble]


class NextCheckIn(BaseModel):
    """The check-in that is due first."""

    due_at: datetime
    who: str
    day: int


class DemoState(BaseModel):
    """Everything the page shows at one moment."""

    clinic: str
    clinic_number: str
    time_zone: str
    now: datetime
    next_check_in: NextCheckIn | None
    phones: list[PhoneView]


def demo_clinic(session: Session) -> Clinic | None:
    """The clinic that the demo plays in: the one seeded first."""
    return session.scalars(select(Clinic).order_by(Clinic.created_at, Clinic.id).limit(1)).first()


def next_check_in(session: Session, clinic: Clinic) -> CheckIn | None:
    """The planned check-in of `clinic` that is due first."""
    query = select(CheckIn).where(CheckIn.clinic_id == clinic.id, CheckIn.status == CheckInStatus.PLANNED)
    return session.scalars(query.order_by(CheckIn.due_at, CheckIn.id).limit(1)).first()


def read_state(carrier: SimulatedCarrier, caller: SimulatedCaller | None = None) -> DemoState | None:
    """The page's content now; None while no clinic is seeded."""
    with reading() as session:
        clinic = demo_clinic(session)
        if clinic is None:
            return None
        due = next_check_in(session, clinic)
        patients = _patients(session, clinic)
        staff = _staff(session, clinic)
        waiting = _codes_waiting(session, clinic)
        upcoming = NextCheckIn(due_at=due.due_at, who=due.patient.first_name, day=due.day) if due else None
    on = {phone.number: phone.on for phone in carrier.phones()}
    views = []
    for person in [*patients, *staff]:
        texts = carrier.thread_of(person["number"], TEXTS_SHOWN)
        number = person["number"]
        views.append(
            PhoneView(
                **person,
                on=on.get(number, True),
                ack_code=_waiting_code(texts, waiting) if person["role"] == "staff" else None,
                call=_call(caller.current(number)) if caller else None,
                texts=[_bubble(text, staff=person["role"] == "staff") for text in texts],
            )
        )
    return DemoState(
        clinic=clinic.name,
        clinic_number=clinic.text_number,
        time_zone=clinic.time_zone,
        now=clock.now(),
        next_check_in=upcoming,
        phones=views,
    )


@functools.cache
def suggestions() -> dict[str, dict[str, list[str]]]:
    """Quick texts by role and language."""
    path = Path(__file__).with_name("suggestions.yml")
    found: dict[str, dict[str, list[str]]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def _patients(session: Session, clinic: Clinic) -> list[dict[str, Any]]:
    """The demo's own two first, even after a made-up quarter was filled in, and whoever was enrolled last."""
    own = case((Patient.phone.in_(demo.PATIENT_PHONES), 0), else_=1)
    here = select(Patient).where(Patient.clinic_id == clinic.id)
    own_two = session.scalars(here.order_by(own, Patient.created_at, Patient.id).limit(2)).all()
    newest = session.scalars(here.order_by(Patient.created_at.desc(), Patient.id.desc()).limit(2)).all()
    people = []
    for patient in dict.fromkeys((*own_two, *reversed(newest))):
        language = "es" if patient.language == "es" else "en"
        people.append(
            {
                "number": patient.phone,
                "owner": patient.name,
                "role": "patient",
                "detail": "Patient, " + ("Spanish" if language == "es" else "English"),
                "language": language,
                "suggestions": suggestions()["patient"][language],
            }
        )
    return people


def _staff(session: Session, clinic: Clinic) -> list[dict[str, Any]]:
    query = (
        select(Staff)
        .where(Staff.clinic_id == clinic.id, Staff.active, Staff.phone.is_not(None))
        .where(Staff.on_call_order.is_not(None))
        .order_by(Staff.on_call_order, Staff.id)
    )
    return [
        {
            "number": person.phone,
            "owner": person.name,
            "role": "staff",
            "detail": "On call " + ("first", "second")[place],
            "language": person.language,
            "suggestions": suggestions()["staff"]["es" if person.language == "es" else "en"],
        }
        for place, person in enumerate(session.scalars(query.limit(2)))
    ]


def _call(call: Call | None) -> CallView | None:
    if call is None:
        return None
    return CallView(
        id=call.call_id,
        ringing=call.state == "ringing",
        said=call.said,
        language=call.language,
        listening=call.listening,
    )


def _bubble(text: CarriedText, *, staff: bool) -> Bubble:
    return Bubble(
        id=text.provider_id,
        mine=text.inbound,
        body=text.body,
        photos=len(text.media),
        at=text.at,
        state=_STATES.get(text.status, text.status.value),
        error_code=text.error_code,
        encoding=segments.encoding(text.body),
        segments=segments.segments(text.body),
        page=staff and not text.inbound and _CODE.search(text.body) is not None,
    )


def _codes_waiting(session: Session, clinic: Clinic) -> set[str]:
    """The codes of the alerts that nobody has taken yet, and of those that have become part of them."""
    whole = aliased(Alert)
    query = (
        select(Alert.code)
        .outerjoin(whole, whole.id == Alert.joined_into_id)
        .where(Alert.clinic_id == clinic.id, func.coalesce(whole.status, Alert.status) == AlertStatus.OPEN)
    )
    return {code.upper() for code in session.scalars(query)}


def _waiting_code(texts: list[CarriedText], waiting: set[str]) -> str | None:
    """The code of the newest page on this phone that it has not answered and that is among `waiting`."""
    answered: set[str] = set()
    for text in reversed(texts):
        found = _CODE.search(text.body.upper())
        if found is None or text.status is Status.FAILED:
            continue
        code = found.group(1)
        if text.inbound:
            answered.add(code)
        elif code in waiting - answered:
            return code
    return None
