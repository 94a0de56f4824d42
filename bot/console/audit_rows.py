"""Entries of the audit log in words: who acted, what they did, of whom, and how it ended."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.audit.models import AuditEntry
from bot.clinic.models import ApiKey, Patient, Staff
from bot.console.sessions import Visitor
from bot.console.strings import Translate, catalogue, translator
from bot.escalation.models import Alert
from bot.spreadsheet import harmless

#: Patients named in one line; only those whose names are shown are loaded, and so noted as seen.
NAMED = 3
#: Kinds of record that have a page of their own, by their address.
PAGES = {
    "patient": "/console/patients/{}",
    "alert": "/console/alerts/{}",
    "conversation": "/console/messages/{}",
    "staff": "/console/staff/{}",
    "recall": "/console/recall/{}",
}
CSV_COLUMNS = (
    "seq", "at", "actor_kind", "actor_id", "actor", "action", "what", "subject_kind", "subject_id",
    "patients", "detail", "ip", "outcome", "hash",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody, or another system, that the clinic's log can name."""

    name: str
    kind: str  #: staff or api_key
    active: bool = True


@dataclass(frozen=True, slots=True)
class Shown:
    """One line of the page. `subject` and `patients` are words with the address of their page, if any."""

    seq: int
    at: datetime
    who: str
    what: str
    subject: tuple[str, str] | None
    patients: Sequence[Patient]
    more_patients: int
    outcome: str
    ip: str
    hash: str
    detail: Mapping[str, str]


def actors(session: Session, clinic_id: str) -> dict[str, Actor]:
    """Everybody who works or worked at the clinic, and its other systems, by id."""
    staff = session.execute(
        select(Staff.id, Staff.name, Staff.active).where(Staff.clinic_id == clinic_id).order_by(Staff.name)
    )
    keys = session.execute(select(ApiKey.id, ApiKey.name).where(ApiKey.clinic_id == clinic_id))
    found = {staff_id: Actor(name, "staff", active) for staff_id, name, active in staff}
    return found | {key_id: Actor(name, "api_key") for key_id, name in keys}


def actor_options(names: Mapping[str, Actor], t: Translate) -> list[tuple[str, str]]:
    """Whom the page can be narrowed to: value and words."""
    people = [(actor_id, _named(actor, t)) for actor_id, actor in names.items()]
    return [*people, ("command", t("audit.command")), ("nobody", t("audit.nobody"))]


def action_words(t: Translate, action: str) -> str:
    """What an action is called; its name in the log when there are no words for it."""
    key = f"audit_action.{action}"
    return t(key) if key in catalogue() else action


def shown(
    session: Session, who: Visitor, rows: Sequence[AuditEntry], names: Mapping[str, Actor], first: str
) -> list[Shown]:
    """The entries as lines. Where many patients are concerned, `first` is named first."""
    t = translator(who.language)
    concerned = {row.id: _concerned(row, first) for row in rows}
    wanted = {patient_id for ids in concerned.values() for patient_id in ids[:NAMED]}
    people = {
        one.id: one
        for one in session.scalars(
            select(Patient).where(Patient.id.in_(wanted), Patient.clinic_id == who.clinic_id)
        )
    }
    alerts = [row.subject_id for row in rows if row.subject_kind == "alert"]
    of_alerts = select(Alert.id, Alert.code).where(Alert.id.in_(alerts), Alert.clinic_id == who.clinic_id)
    codes = {str(alert_id): str(code) for alert_id, code in session.execute(of_alerts)}
    return [
        Shown(
            seq=row.seq,
            at=row.at,
            who=_who(row, names, t),
            what=action_words(t, row.action),
            subject=_subject(row, names, codes, t),
            patients=[people[one] for one in concerned[row.id][:NAMED] if one in people],
            more_patients=max(0, len(concerned[row.id]) - NAMED),
            outcome=row.outcome,
            ip=row.ip,
            hash=row.hash,
            detail={name: _plain(value) for name, value in sorted(row.detail.items()) if name != "patients"},
        )
        for row in rows
    ]


def cells(row: AuditEntry, names: Mapping[str, Actor], t: Translate) -> list[str]:
    """The entry for a spreadsheet."""
    patients = list(row.detail.get("patients", []))
    detail = {name: value for name, value in row.detail.items() if name != "patients"}
    return [
        str(row.seq),
        row.at.isoformat(),
        row.actor_kind,
        row.actor_id,
        _who(row, names, t),
        row.action,
        action_words(t, row.action),
        row.subject_kind,
        row.subject_id,
        " ".join(patients),
        json.dumps(detail, sort_keys=True, ensure_ascii=False) if detail else "",
        row.ip,
        row.outcome,
        row.hash,
    ]


def csv_line(of: Iterable[str]) -> str:
    """One line of a CSV file."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([harmless(cell) for cell in of])
    return out.getvalue()


def _concerned(row: AuditEntry, first: str) -> list[str]:
    """Ids of the patients whose data was seen or changed; `first` comes before the others."""
    about = [row.subject_id] if row.subject_kind == "patient" else []
    ids = list(dict.fromkeys([*about, *row.detail.get("patients", [])]))
    return sorted(ids, key=lambda one: one != first)


def _who(row: AuditEntry, names: Mapping[str, Actor], t: Translate) -> str:
    known = names.get(row.actor_id)
    if known is not None:
        return _named(known, t)
    if row.actor_kind in ("command", "nobody"):
        return t(f"audit.{row.actor_kind}")
    return t("audit.unknown", id=row.actor_id)


def _named(actor: Actor, t: Translate) -> str:
    if actor.kind == "api_key":
        return t("audit.system", name=actor.name)
    return actor.name if actor.active else t("audit.left", name=actor.name)


def _subject(
    row: AuditEntry, names: Mapping[str, Actor], codes: Mapping[str, str], t: Translate
) -> tuple[str, str] | None:
    """The record that the entry is about, unless it is a patient: they are named beside it."""
    if not row.subject_id or row.subject_kind == "patient":
        return None
    key = f"audit.kind_{row.subject_kind}"
    words = t(key) if key in catalogue() else row.subject_kind
    if row.subject_kind == "alert" and row.subject_id in codes:
        words = t("alert.code", code=codes[row.subject_id])
    elif row.subject_kind == "staff" and row.subject_id in names:
        words = f"{words}: {_named(names[row.subject_id], t)}"
    elif row.subject_kind in ("text", "protocol", "tier"):
        words = f"{words}: {row.subject_id}"
    address = PAGES.get(row.subject_kind, "").format(row.subject_id)
    return words, address


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
