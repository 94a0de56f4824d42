"""The staff console under /console: signing in, the alert queue, patients, tasks, enrolment."""

from __future__ import annotations

from fastapi import APIRouter

from bot.console import alerts, assets, auth, enrol, patients, queue, tasks

router = APIRouter(include_in_schema=False)
for part in (assets, auth, queue, alerts, patients, tasks, enrol):
    router.include_router(part.router, prefix="/console")
