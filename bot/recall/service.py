"""Recalls: who was treated with a lot, drafting, approving by a second person, and telling everybody once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot import clock, events
from bot.access.permissions import Permission, roles_with
from bot.clinic.models import Patient, Staff, Treatment
from bot.db.engine import transaction
from bot.governance.standing import standing_of
from bot.ids import new_id
from bot.links import service as links
from bot.links.models import LinkPurpose
from bot.messaging import optout
from bot.messaging.consent import agreed_to_texts
from bot.messaging.models import Channel, Kind
from bot.messaging.threads import find_or_open
from bot.protocols.catalogue import catalogue
from bot.protocols.phrases import Language, on_day
from bot.recall.models import Recall, RecallNotice, RecallStatus
from bot.records.models import TaskKind
from bot.records.tasks import open_task

#: Who may let a recall go out.
APPROVERS = roles_with(Permission.APPROVE_RECALLS)
#: What patients get: the text, and the page behind its link.
TEXT, PAGE = "recall.text", "recall.page"
#: Patients read about a recall for longer than they answer a check-in.
LINK_LASTS = timedelta(days=30)


class Refused(ValueError):
    """The recall cannot be drafted, withdrawn or approved; `code` says why (`recall.refused_*`)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Treated:
    """A patient and their treatments with the lot, newest first."""

    patient: Patient
    treatments: tuple[Treatment, ...]


def lot_key(lot: str) -> str:
    """A lot without case and spaces, as two people may write it."""
    return "".join(lot.split()).casefold()


def treated_with(session: Session, clinic_id: str, product: str, lot: str) -> list[Treated]:
    """Everybody whom the clinic treated with this lot of the product, by last and first name."""
    where = (Treatment.clinic_id == clinic_id, Treatment.product == product)
    written = session.scalars(select(Treatment.lot).where(*where).distinct()).all()
    meant = [one for one in written if lot_key(one) == lot_key(lot)]
    treatments = session.scalars(
        select(Treatment).where(*where, Treatment.lot.in_(meant)).order_by(Treatment.treated_at.desc())
    ).all()
    by_patient: dict[str, list[Treatment]] = {}
    for treatment in treatments:
        by_patient.setdefault(treatment.patient_id, []).append(treatment)
    people = session.scalars(
        select(Patient).where(Patient.clinic_id == clinic_id, Patient.id.in_(by_patient))
    )
    found = [Treated(person, tuple(by_patient[person.id])) for person in people]
    return sorted(
        found, key=lambda one: (one.patient.last_name.casefold(), one.patient.first_name.casefold())
    )


def draft(staff_id: str, product: str, lot: str, reason: str) -> str:
    """Prepare a recall. Returns its id. Raises `Refused` when there is one, or nobody to tell."""
    key, reason = lot_key(lot), reason.strip()
    if product not in catalogue().products or not key:
        raise Refused("lot")
    if not reason:
        raise Refused("reason")
    try:
        with transaction() as session:
            staff = session.get_one(Staff, staff_id)
            if not treated_with(session, staff.clinic_id, product, lot):
                raise Refused("nobody")
            recall = session.scalars(
                select(Recall)
                .where(Recall.clinic_id == staff.clinic_id, Recall.product == product, Recall.lot_key == key)
                .with_for_update()
            ).first()
            if recall is None:
                recall = Recall(clinic_id=staff.clinic_id, product=product, lot_key=key)
                session.add(recall)
            elif recall.status is not RecallStatus.WITHDRAWN:
                raise Refused("sent" if recall.status is RecallStatus.APPROVED else "drafted")
            recall.lot, recall.reason, recall.status = lot.strip(), reason, RecallStatus.DRAFT
            recall.drafted_by_id, recall.drafted_at = staff.id, clock.now()
            session.flush()
    except IntegrityError:  # somebody else drafted it in the same moment
        raise Refused("drafted") from None
    events.committed(recall.clinic_id)
    return recall.id


def withdraw(staff_id: str, recall_id: str) -> None:
    """Take a draft back; the lot can be drafted again. Raises `Refused` for what has gone out."""
    with transaction() as session:
        _, recall = _theirs(session, staff_id, recall_id)
        if recall.status is RecallStatus.APPROVED:
            raise Refused("sent")
        recall.status = RecallStatus.WITHDRAWN
    events.committed(recall.clinic_id)


def approve(staff_id: str, recall_id: str) -> int:
    """Tell every patient of the recall, once, and return how many. Raises `Refused`.

    A medical director or an admin approves, and not whoever drafted it, unless nobody else at the clinic may.
    Whoever may not be texted becomes a task to phone.
    """
    with transaction() as session:
        staff, recall = _theirs(session, staff_id, recall_id)
        _check(session, staff, recall)
        recall.status, recall.approved_by_id, recall.approved_at = (
            RecallStatus.APPROVED,
            staff.id,
            clock.now(),
        )
        people = treated_with(session, recall.clinic_id, recall.product, recall.lot)
        for one in people:
            _tell(session, recall, one.patient)
    events.committed(recall.clinic_id)
    return len(people)


def _theirs(session: Session, staff_id: str, recall_id: str) -> tuple[Staff, Recall]:
    staff = session.get_one(Staff, staff_id)
    recall = session.scalars(
        select(Recall).where(Recall.id == recall_id, Recall.clinic_id == staff.clinic_id).with_for_update()
    ).one()
    return staff, recall


def _check(session: Session, staff: Staff, recall: Recall) -> None:
    if recall.status is not RecallStatus.DRAFT:
        raise Refused("sent" if recall.status is RecallStatus.APPROVED else "withdrawn")
    if not staff.active or staff.role not in APPROVERS:
        raise Refused("role")
    if staff.id == recall.drafted_by_id and _others(session, staff):
        raise Refused("own")
    if words_missing(session, recall.clinic_id):
        raise Refused("words")


def _others(session: Session, staff: Staff) -> Sequence[str]:
    """Who else at the clinic may approve."""
    return session.scalars(
        select(Staff.id).where(
            Staff.clinic_id == staff.clinic_id,
            Staff.id != staff.id,
            Staff.active.is_(True),
            Staff.role.in_(APPROVERS),
        )
    ).all()


def words_missing(session: Session, clinic_id: str) -> list[str]:
    """The pieces of a recall that the clinic has not approved as they stand now."""
    return [piece for piece in (TEXT, PAGE) if standing_of(session, clinic_id, piece).name != "approved"]


def _tell(session: Session, recall: Recall, patient: Patient) -> None:
    thread = find_or_open(session, patient.clinic, Channel.SMS, patient.phone)
    notice = RecallNotice(id=new_id(), clinic_id=recall.clinic_id, recall_id=recall.id, patient_id=patient.id)
    session.add(notice)
    session.flush()
    if optout.is_opted_out(thread):
        kind = TaskKind.OPTED_OUT_PHONE
    elif not agreed_to_texts(session, patient):
        kind = TaskKind.NO_CONSENT
    else:
        link = links.issue(session, patient, LinkPurpose.RECALL, notice.id, lasts=LINK_LASTS)
        notice.message_id = links.text_with_link(session, thread, TEXT, Kind.RECALL, link).id
        return
    task = open_task(session, kind, f"recall:{notice.id}", thread, note=f"lot {recall.lot}")
    notice.task_id = task.id


def what_patient_reads(session: Session, notice: RecallNotice, language: Language) -> dict[str, str]:
    """The values of the recall's page: product, lot, and the day of the newest treatment with it."""
    recall = notice.recall
    treated = treated_with(session, recall.clinic_id, recall.product, recall.lot)
    mine = next((one.treatments[0] for one in treated if one.patient.id == notice.patient_id), None)
    day = ""
    if mine is not None:
        local = mine.treated_at.astimezone(ZoneInfo(notice.patient.time_zone)).date()
        day = on_day(local, language)
    product = catalogue().products.get(recall.product)
    return {
        "product_name": product.name if product else recall.product,
        "lot": recall.lot,
        "treated_on_phrase": day,
    }


def mark_read(session: Session, notice_id: str) -> RecallNotice:
    """The patient says that they have read it."""
    notice = session.get_one(RecallNotice, notice_id, with_for_update=True)
    notice.read_at = notice.read_at or clock.now()
    return notice
