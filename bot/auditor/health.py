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


def missed(settings: Settings) -> str:
    """Why nobody seems to look, in words; empty when somebody did a short time ago."""
    run = newest()
    if run is None or run.finished_at is None:
        return "it has not looked yet"
    waited = clock.now() - run.finished_at
    if waited > timedelta(seconds=_MISSED * (settings.auditor_interval_s or _OUTSIDE_S)):
        return f"its last look was {waited.total_seconds() / 60:.0f} minutes ago"
    return ""


def faults() -> list[str]:
    """What the newest look could not do."""
    run = newest()
    if run is None:
        return []
    found = [run.error] if run.error else []
    if run.heartbeat not in (heartbeat.OK, heartbeat.OFF, heartbeat.WITHHELD):
        found.append(f"the heartbeat URL {run.heartbeat}")
    return found


def problems(settings: Settings) -> list[str]:
    """What is wrong with the auditor; empty when it looks and its heartbeat gets through."""
    late = missed(settings)
    return [*([late] if late else []), *faults()]
