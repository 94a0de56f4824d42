"""Every table, imported in one place so that migrations and tests see them all."""

from __future__ import annotations

from bot.access import models as access
from bot.audit import models as audit
from bot.auditor import models as auditor
from bot.clinic import models as clinic
from bot.counselling import models as counselling
from bot.db.base import Base
from bot.escalation import models as escalation
from bot.followup import models as followup
from bot.governance import models as governance
from bot.handover import models as handover
from bot.intake import models as intake
from bot.judgement import models as judgement
from bot.links import models as links
from bot.messaging import models as messaging
from bot.notify import models as notify
from bot.oncall import models as oncall
from bot.outcomes import models as outcomes
from bot.photos import models as photos
from bot.recall import models as recall
from bot.records import models as records

__all__ = [
    "Base",
    "access",
    "audit",
    "auditor",
    "clinic",
    "counselling",
    "escalation",
    "followup",
    "governance",
    "handover",
    "intake",
    "judgement",
    "links",
    "messaging",
    "notify",
    "oncall",
    "outcomes",
    "photos",
    "recall",
    "records",
]
