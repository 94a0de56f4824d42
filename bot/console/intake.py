"""The summary of an intake for the clinician: one page, as text to paste and as a PDF for the chart."""

from __future__ import annotations

from fastapi import APIRouter, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import clock
from bot.access.door import door
from bot.access.permissions import Permission
from bot.clinic.models import Patient
from bot.console.access import intake_for
from bot.console.chart import as_file
from bot.console.pages import ConsoleRoute, SignedIn
from bot.console.sessions import Visitor
from bot.console.strings import translator
from bot.console.times import Times
from bot.db.engine import reading
from bot.intake import summary
from bot.intake.models import Intake, IntakeStatus
from bot.intake.service import answers_of
from bot.messaging.threads import latest_treatment
from bot.protocols.phrases import as_language
from bot.records.document import Document, Section, as_text, one_line, paper_for
from bot.records.pdf import as_pdf

router = APIRouter(route_class=ConsoleRoute)


@router.get("/intakes/{intake_id}.txt")
@door("intake.view", Permission.VIEW_PATIENTS)
def intake_text(who: SignedIn, intake_id: str) -> Response:
    """The summary as plain text, shown in the browser."""
    document = _page(who, intake_id)
    return as_file(as_text(document), "text/plain; charset=utf-8", f'inline; filename="intake-{_day()}.txt"')


@router.get("/intakes/{intake_id}.pdf")
@door("intake.pdf", Permission.EXPORT)
def intake_pdf(who: SignedIn, intake_id: str) -> Response:
    """The summary as a PDF to keep."""
    document = _page(who, intake_id)
    return as_file(
        as_pdf(document, one_page=True), "application/pdf", f'attachment; filename="intake-{_day()}.pdf"'
    )


def newest_of(session: Session, patient: Patient) -> Intake | None:
    """The patient's newest intake, if any."""
    return session.scalars(
        select(Intake).where(Intake.patient_id == patient.id).order_by(Intake.id.desc()).limit(1)
    ).first()


def _day() -> str:
    return f"{clock.now():%Y-%m-%d}"


def _page(who: Visitor, intake_id: str) -> Document:
    """The document. Raises `NotThere` for an intake of another clinic."""
    t, language = translator(who.language), as_language(who.language)
    with reading() as session:
        intake = intake_for(session, who, intake_id)
        thread, clinic = intake.conversation, intake.conversation.clinic
        treatment = latest_treatment(session, intake.patient_id)
        name = thread.patient.name if thread.patient else t("patient.unknown")
        moment = Times(t, clinic.time_zone, clock.now()).moment(intake.heard_at)
        status = t(f"intake.{IntakeStatus(intake.status).value}")
        sections = summary.sections(answers_of(intake), language, treatment.product if treatment else None)
    return Document(
        title=t("intake.title"),
        subtitle="\n".join(
            [f"{name} · {clinic.name}", f"{status}, {moment} ({clinic.time_zone})", t("intake.lead")]
        ),
        sections=tuple(
            Section(heading, tuple(map(one_line, lines)) or (t("chart.nothing"),))
            for heading, lines in sections
        ),
        made_at=clock.now(),
        language=language,
        paper=paper_for(clinic.country),
        foot=name,
    )
