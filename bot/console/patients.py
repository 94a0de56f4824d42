"""The list of patients and one patient's page."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.access.door import door
from bot.access.permissions import Permission
from bot.clinic.models import Patient, Treatment
from bot.console import counts, outcomes, pages, photos, timeline
from bot.console.access import patient_for
from bot.console.enrol import locations_of
from bot.console.follow_up import enrolments_of
from bot.console.intake import newest_of as newest_intake
from bot.console.pages import ConsoleRoute, Posted, SignedIn
from bot.console.sessions import Visitor
from bot.console.wording import flag_label, product_name
from bot.counselling import service as counselling
from bot.db.engine import reading
from bot.escalation.models import Alert, AlertStatus
from bot.escalation.signs import by_number
from bot.followup.models import CheckIn, CheckInStatus
from bot.messaging.consent import agreed_to_texts, awaits_answer
from bot.messaging.models import Conversation
from bot.messaging.threads import local_day, staff_at
from bot.photos import gallery
from bot.triage.answers import RED_FLAG_LIST

router = APIRouter(route_class=ConsoleRoute)

PAGE_SIZE = 50
NEXT_SHOWN = 6
#: What was just done on this page.
DID = (
    *("enrolled", "enrolled_over", "known", "relocated", "asked", "changed", "saved", "judged"),
    *("rated", "unrated_gais", "unrated_treatment", "linked", "link_opted_out"),
)
#: What is said of an enrolment while no texts go out to the patient.
ENROLLED = {
    "awaited": "enrolled_awaited",
    "not_agreed": "enrolled_no_texts",
    "opted_out": "enrolled_no_texts",
}
LOT_FROM = 3  #: signs of a lot number to search by, at least


@router.get("/patients")
@door("patient.search", Permission.VIEW_PATIENTS)
def patients_page(request: Request, who: SignedIn, q: str = "", page: int = 1) -> Response:
    """The clinic's patients by name, or those whose name, phone number or lot fits `q`."""
    q, page = q.strip()[:100], max(1, page)
    with reading() as session:
        found = matching(session, who.clinic_id, q)
        shown = found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
        people = {p.id: p for p in session.scalars(select(Patient).where(Patient.id.in_(shown)))}
        return pages.render(
            request,
            "patients.html",
            who,
            q=q,
            page=page,
            total=len(found),
            last=max(1, -(-len(found) // PAGE_SIZE)),
            patients=[people[patient_id] for patient_id in shown],
            newest=_newest_treatments(session, shown),
            alerts=_waiting(session, shown),
            product_name=product_name,
            local_day=local_day,
        )


@router.get("/patients/{patient_id}")
@door("patient.view", Permission.VIEW_PATIENTS)
def patient_page(
    request: Request, who: SignedIn, patient_id: str, show: str = "all", did: str = "", of: str = ""
) -> Response:
    """Who it is, what was done, what comes next, and everything that happened."""
    return one_page(request, who, patient_id, show, did, of)


@router.post("/patients/{patient_id}/acknowledgement")
@door("patient.ask_acknowledgement", Permission.ENROL)
def ask_acknowledgement(request: Request, who: SignedIn, form: Posted, patient_id: str) -> Response:  # noqa: ARG001
    """Ask the patient to confirm the counselling texts that are not confirmed yet."""
    with reading() as session:
        patient_for(session, who, patient_id)
    try:
        counselling.ask(who.staff_id, patient_id)
    except counselling.NothingToAsk as problem:
        return one_page(request, who, patient_id, problem=str(problem), status=422)
    return RedirectResponse(f"/console/patients/{patient_id}?did=asked", 303)


@dataclass(frozen=True, slots=True)
class Relocating:
    """A location that was typed for a treatment and refused, and why."""

    treatment_id: str
    typed: str
    error: str


def one_page(
    request: Request,
    who: Visitor,
    patient_id: str,
    show: str = "all",
    did: str = "",
    of: str = "",
    problem: str = "",
    relocating: Relocating | None = None,
    status: int = 200,
) -> Response:
    """One patient's page. `of`: the treatment that was found on record already."""
    show = show if show in timeline.FILTERS else timeline.FILTERS[0]
    with reading() as session:
        patient = patient_for(session, who, patient_id)
        newest = patient.treatments[0] if patient.treatments else None
        entries, cut = timeline.entries(session, patient.id, show)
        written = [entry.row.id for entry in entries if entry.kind == "messages"]
        opted_out_at = _opted_out(session, patient)
        texts = _texts(session, patient, opted_out_at)
        known = next((one for one in patient.treatments if did == "known" and one.id == of), None)
        said = ENROLLED.get(texts, did) if did == "enrolled" else did if did in DID else ""
        return pages.render(
            request,
            "patient.html",
            who,
            status=status,
            patient=patient,
            acknowledgements=counselling.of_patient(session, patient.id),
            unconfirmed=counselling.unconfirmed(session, patient.id),
            counselling_problem=problem,
            opted_out_at=opted_out_at,
            texts=texts,
            known=known,
            relocating=relocating,
            locations=locations_of(session, who.clinic_id),
            intake=newest_intake(session, patient),
            open_alerts=_open_alerts(session, patient),
            coming=_coming(session, patient),
            conversations=_conversations(session, patient),
            enrolments=enrolments_of(session, patient),
            also_staff=staff_at(session, who.clinic_id, patient.phone) is not None,
            newest=newest,
            outcomes=outcomes.shown(session, patient, newest),
            entries=entries,
            arrivals=gallery.with_messages(session, written),
            numbers=by_number(session, written),
            danger_signs=list(RED_FLAG_LIST),
            photos=gallery.of_patient(session, patient.id),
            newest_photos=photos.NEWEST_SHOWN,
            **photos.shown_with(session, who, patient),
            cut=cut,
            show=show,
            filters=timeline.FILTERS,
            did="" if did == "known" and known is None else said,
            flag_label=flag_label,
            product_name=product_name,
            local_day=local_day,
        )


def folded(words: str) -> str:
    """Lower case without accents, so that "jose" finds José."""
    plain = unicodedata.normalize("NFKD", words.casefold())
    return "".join(sign for sign in plain if not unicodedata.combining(sign))


def matching(session: Session, clinic_id: str, q: str) -> list[str]:
    """Ids by last and first name. Matching is done here: databases differ on accents."""
    rows = session.execute(
        select(Patient.id, Patient.first_name, Patient.last_name, Patient.phone).where(
            Patient.clinic_id == clinic_id
        )
    ).all()
    words, digits = folded(q).split(), "".join(sign for sign in q if sign.isdigit())
    by_lot = _by_lot(session, clinic_id, q)
    by_phone = len(digits) >= 3 and not any(sign.isalpha() for sign in q)
    found = []
    for patient_id, first, last, phone in rows:
        name = folded(f"{first} {last}")
        fits = digits in phone if by_phone else all(word in name for word in words)
        if fits or patient_id in by_lot:
            found.append((folded(last), folded(first), patient_id))
    return [patient_id for _last, _first, patient_id in sorted(found)]


def _by_lot(session: Session, clinic_id: str, q: str) -> set[str]:
    """Ids of the patients who were given a lot that contains `q`: who must be called when one is recalled."""
    if len(q) < LOT_FROM:
        return set()
    fits = func.lower(Treatment.lot).contains(q.lower(), autoescape=True)
    return set(session.scalars(select(Treatment.patient_id).where(Treatment.clinic_id == clinic_id, fits)))


def _newest_treatments(session: Session, ids: list[str]) -> dict[str, Treatment]:
    query = select(Treatment).where(Treatment.patient_id.in_(ids)).order_by(Treatment.treated_at)
    return {treatment.patient_id: treatment for treatment in session.scalars(query)}


def _waiting(session: Session, ids: list[str]) -> dict[str, int]:
    query = (
        select(Alert.patient_id, func.count())
        .where(Alert.patient_id.in_(ids), Alert.status != AlertStatus.CLOSED)
        .group_by(Alert.patient_id)
    )
    return {str(patient_id): count for patient_id, count in session.execute(query)}


def _opted_out(session: Session, patient: Patient) -> object:
    """When the patient wrote STOP: noted with the patient, or with a conversation before we knew them."""
    if patient.opted_out_at is not None:
        return patient.opted_out_at
    return session.scalar(
        select(func.max(Conversation.opted_out_at)).where(Conversation.patient_id == patient.id)
    )


def _texts(session: Session, patient: Patient, opted_out_at: object) -> str:
    """Whether texts go out to the patient, and what is missing if not."""
    if opted_out_at:
        return "opted_out"
    if agreed_to_texts(session, patient):
        return "receives"
    return "awaited" if awaits_answer(session, patient) else "not_agreed"


def _open_alerts(session: Session, patient: Patient) -> list[Alert]:
    query = select(Alert).where(Alert.patient_id == patient.id, Alert.status != AlertStatus.CLOSED)
    return sorted(session.scalars(query), key=counts.queue_order)


def _conversations(session: Session, patient: Patient) -> list[Conversation]:
    query = select(Conversation).where(Conversation.patient_id == patient.id).order_by(Conversation.id)
    return list(session.scalars(query))


def _coming(session: Session, patient: Patient) -> list[CheckIn]:
    query = (
        select(CheckIn)
        .where(CheckIn.patient_id == patient.id, CheckIn.status == CheckInStatus.PLANNED)
        .order_by(CheckIn.due_at)
        .limit(NEXT_SHOWN)
    )
    return list(session.scalars(query))
