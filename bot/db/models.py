"""Every table, imported in one place so that migrations and tests see them all."""

from __future__ import annotations

from bot.clinic import models as clinic
from bot.counselling import models as counselling
from bot.db.base import Base
from bot.escalation import models as escalation
from bot.followup import models as followup
from bot.governance import models as governance
from bot.intake import models as intake
from bot.messaging import models as messaging
from bot.oncall import models as oncall
from bot.records import models as records

__all__ = [
    "Base",
    "clinic",
    "counselling",
    "escalation",
    "followup",
    "governance",
    "intake",
    "messaging",
    "oncall",
    "records",
]
