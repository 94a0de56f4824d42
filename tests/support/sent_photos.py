"""Photos that patients send, and what became of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot import clock
from bot.photos.models import ArrivalStatus, PhotoArrival
from bot.records.models import StaffTask
from tests.support.desk import Desk

URL = "https://media.example.test/1"
LONG_TREATED = "+15550100171"
TASK_NOTE = "photo: "


def media(*urls: str, content_type: str = "image/jpeg") -> list[dict[str, Any]]:
    return [{"url": url, "content_type": content_type} for url in urls or (URL,)]


def photo_tasks(desk: Desk) -> list[str]:
    return [task.note for task in desk.rows(StaffTask) if task.note.startswith(TASK_NOTE)]


def statuses(desk: Desk) -> list[ArrivalStatus]:
    return [arrival.status for arrival in desk.rows(PhotoArrival)]


def treated_long_ago(desk: Desk) -> str:
    """A patient for whom a picture with words is no alarm. Returns the patient's id."""
    treated = (clock.now() - timedelta(days=40)).isoformat()
    enrolled = desk.enrol("Lou", "Example", LONG_TREATED, treated_at=treated)
    desk.settle()
    desk.carrier.sent.clear()
    return enrolled.patient_id
