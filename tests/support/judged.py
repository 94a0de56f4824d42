"""Questions with every outcome that the dialogue may give them."""

from __future__ import annotations

from typing import Any

from bot.dialogue.evaluation.measures import Judged
from bot.dialogue.evaluation.questions import Question

SURE = (("aftercare.exercise", 0.95), ("aftercare.massage", 0.01))
UNSURE = (("aftercare.exercise", 0.5), ("aftercare.massage", 0.3))


def judged(
    answered: str | None,
    *,
    offered: tuple[str, ...] = (),
    said: tuple[str, ...] | None = None,
    ranking: tuple[tuple[str, float], ...] = SURE,
    both: tuple[str, ...] = (),
    **row: Any,
) -> Judged:
    fields = {"id": "q-1", "text": "gym tomorrow?", "topic": "aftercare.exercise", **row}
    default = (answered,) if answered else ("dialogue.offer",) if offered else ("dialogue.fallback",)
    return Judged(Question(**fields), answered, offered, default if said is None else said, ranking, both)


RIGHT = judged("aftercare.exercise")
ALSO = judged("aftercare.sleep", also_ok=("aftercare.sleep",))
WRONG = judged("aftercare.massage", ranking=(("aftercare.massage", 0.97),), text="gym | or\nnot")
OFFERED = judged(None, offered=("aftercare.massage", "aftercare.exercise"), ranking=UNSURE)
OFFERED_WRONG = judged(None, offered=("aftercare.massage",), ranking=UNSURE[1:])
BACK = judged(None, ranking=(("aftercare.ice", 0.05),))
REPORT = judged(None, said=("symptom.what",), ranking=(("report_symptom", 0.9),))
