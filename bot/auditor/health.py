"""Is somebody looking? From the runs on record."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from bot import clock
from bot.auditor import heartbeat
from bot.auditor.models import AuditorRun
from bot.db.engine import reading
from bot.settings import Settings

#: A look that was due this many intervals ago has been missed.
_MISSED = 3
#: The interval that is expected where it is run by a timer outside.
_OUTSIDE_S = 300.0


def newest() -> AuditorRun | None:
    """The newest look that came to its end."""
    with reading() as session:
        query = select(AuditorRun).where(AuditorRun.finished_at.is_not(None))
        return session.scalars(query.order_by(AuditorRun.id.desc()).limit(1)).first()


def problems(settings: Settings) -> list[str]:
    """What is wrong with the auditor; empty when it looks and its heartbeat gets through."""
    run = newest()
    if run is None or run.finished_at is None:
        return ["it has not looked yet"]
    waited = clock.now() - run.finished_at
    interval = settings.auditor_interval_s or _OUTSIDE_S
    found = []
    if waited > timedelta(seconds=_MISSED * interval):
        found.append(f"its last look was {waited.total_seconds() / 60:.0f} minutes ago")
    if run.error:
        found.append(run.error)
    if run.heartbeat not in (heartbeat.OK, heartbeat.OFF, heartbeat.WITHHELD):
        found.append(f"the heartbeat URL {run.heartbeat}")
    return found
