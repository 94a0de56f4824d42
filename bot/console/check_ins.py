"""Who has not answered a check-in: to phone before it is a task, and after."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter, Request, Response
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from bot import clock
from bot.access.door import door
from bot.access.permissions import Permission
from bot.console import pages
from bot.console.pages import ConsoleRoute, SignedIn
from bot.db.engine import reading
from bot.followup.models import CheckIn, CheckInStatus

router = APIRouter(route_class=ConsoleRoute)

#: What is shown: those whose answer is still awaited, or those that were given up.
SHOWN = {
    "waiting": (CheckInStatus.SENT, CheckInStatus.REMINDED),
    "unanswered": (CheckInStatus.UNANSWERED,),
}
#: How long silence is listed, and how many at most.
BACK = timedelta(days=30)
LIMIT = 200


@router.get("/check-ins")
@door("check_in.list", Permission.VIEW_PATIENTS)
def check_ins_page(request: Request, who: SignedIn, show: str = "waiting") -> Response:
    """Check-ins without an answer: those that wait by age, those that were given up newest first."""
    show = show if show in SHOWN else "waiting"
    order = CheckIn.sent_at if show == "waiting" else CheckIn.sent_at.desc()
    with reading() as session:
        rows = session.scalars(
            select(CheckIn)
            .where(
                CheckIn.clinic_id == who.clinic_id,
                CheckIn.status.in_(SHOWN[show]),
                CheckIn.due_at > clock.now() - BACK,
            )
            .options(joinedload(CheckIn.patient))
            .order_by(order, CheckIn.id)
            .limit(LIMIT)
        ).all()
        return pages.render(
            request, "check_ins.html", who, rows=rows, show=show, filters=tuple(SHOWN), limit=LIMIT
        )
