"""One look at everything: find, repair, tell, write down, give a sign of life."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot import clock
from bot import settings as app_settings
from bot.auditor import heartbeat, look
from bot.auditor.decide import Due, Plan, decide
from bot.auditor.models import AuditorRun, Incident, Neglect
from bot.auditor.repair import Gear, repair
from bot.auditor.tell import tell
from bot.db.engine import reading, transaction

log = structlog.get_logger(__name__)

#: Runs are kept for so long; incidents are kept.
KEEP_RUNS = timedelta(days=7)


def check(gear: Gear) -> AuditorRun:
    """Look once. What goes wrong is in the run's `error`, and the heartbeat is withheld then.

    Raises only when the record itself cannot be read or written: then there is no heartbeat either.
    """
    with transaction() as session:
        run = AuditorRun()
        session.add(run)
        session.execute(delete(AuditorRun).where(AuditorRun.created_at < clock.now() - KEEP_RUNS))
    errors: list[str] = []
    try:
        now = clock.now()
        with reading() as session:
            plan = decide(look.due(session, now), look.known(session, now), now)
        _write_down(plan, now)
        run.found = len(plan.new)
        run.repaired = _repair(plan, gear)
        run.paged = _tell(plan, gear, errors)
    except Exception as error:
        log.exception("the auditor's look failed")
        errors.append(f"the look failed ({type(error).__name__})")
    run.error = "; ".join(errors)[:200]
    run.heartbeat = heartbeat.WITHHELD if errors else heartbeat.ping(app_settings.get_settings())
    run.finished_at = clock.now()
    with transaction() as session:
        session.merge(run)
    return run


def _write_down(plan: Plan, now: datetime) -> None:
    for row in plan.new:
        try:
            with transaction() as session:
                session.add(
                    Incident(clinic_id=row.clinic_id, kind=row.kind, row_id=row.row_id, since=row.since)
                )
        except IntegrityError:
            continue  # another process has just found it too
        log.error("left undone", kind=row.kind.value, row_id=row.row_id, since=row.since.isoformat())
    with transaction() as session:
        for known in plan.resolved:
            query = select(Incident).where(
                Incident.kind == known.kind,
                Incident.row_id == known.row_id,
                Incident.resolved_at.is_(None),
            )
            for incident in session.scalars(query):
                incident.resolved_at = now


def _repair(plan: Plan, gear: Gear) -> int:
    """Repair what can be; one row that cannot does not keep the others waiting."""
    done = 0
    for row in plan.repair:
        try:
            repair(row, gear)
            done += 1
        except Exception as error:  # not its text: a database error quotes patients
            log.error(
                "cannot be repaired", kind=row.kind.value, row_id=row.row_id, error=type(error).__name__
            )
        with transaction() as session:
            if (incident := _incident(row, session)) is not None:
                incident.repairs += 1
    return done


def _tell(plan: Plan, gear: Gear, errors: list[str]) -> int:
    """Tell people about each incident once, bundled by clinic. What could be told to nobody is an error, and
    is tried again at the next look."""
    bundles: dict[tuple[str, bool], list[Due]] = defaultdict(list)
    for row in plan.page:
        bundles[row.clinic_id, row.kind is Neglect.NOBODY_ON_CALL].append(row)
    told = 0
    for (clinic_id, _), rows in bundles.items():
        if not tell(clinic_id, rows, gear):
            log.critical("nobody could be told about what is left undone", clinic_id=clinic_id)
            errors.append("nobody could be told")
            continue
        told += len(rows)
        with transaction() as session:
            for row in rows:
                if (incident := _incident(row, session)) is not None:
                    incident.paged_at = clock.now()
    return told


def _incident(row: Due, session: Session) -> Incident | None:
    """The open incident of `row`; None when another process has put it away."""
    query = select(Incident).where(
        Incident.kind == row.kind, Incident.row_id == row.row_id, Incident.resolved_at.is_(None)
    )
    return session.scalars(query).first()
