"""The services the actions call. Without a stored message (`rasa shell`) nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.dialogue.turn import Turn
from bot.intake.reading import Answer
from bot.triage.types import RED, Tier

#: Reasons of a hand-over, as staff tasks name them (`bot.records.models.TaskKind`).
ASKED_FOR_PERSON, NOT_UNDERSTOOD, IN_DISTRESS = "talk_to_patient", "not_understood", "in_distress"
#: Longest words kept in one field of a report.
MAX_WORDS = 200


def hand_over(turn: Turn, reason: str) -> str:
    """Open a task for staff. Gives the id of what to say: beside an open alert of the hour nobody is told of
    opening hours."""
    if turn.message_id is None:
        return "dialogue.handover"
    from bot.records import tasks

    said = str(tasks.hand_over(turn.message_id, reason))
    return "dialogue.handover_alert" if turn.open_alert in RED else said


def opt_out(turn: Turn) -> str:
    """Stop texts to the sender. Gives the id of the one confirmation."""
    if turn.message_id is None:
        return "optout.stopped"
    from bot.messaging import optout

    return str(optout.opt_out_by_message(turn.message_id))


def log_mention(turn: Turn, topic: str) -> None:
    """Note that a treated patient asked about a reaction."""
    if turn.message_id is None or not turn.treated:
        return
    from bot.records import symptoms

    symptoms.log_mention(turn.message_id, topic)


def ask_to_confirm(turn: Turn, topic: str) -> None:
    """Ask staff to confirm a fact to the sender, as the answer to `topic` promises."""
    if turn.message_id is None:
        return
    from bot.records import tasks

    tasks.ask_to_confirm(turn.message_id, topic)


def log_report(turn: Turn, slots: Mapping[str, Any]) -> Tier:
    """Store the symptom report in `slots`. Gives the tier that decides the next step."""
    if turn.message_id is None:
        return Tier.T4
    from bot.records import symptoms

    severity, trend = slots.get("symptom_severity"), slots.get("symptom_trend")
    told = [slots.get("symptom_what"), *(words for words in (severity, trend) if _only_words(words))]
    return symptoms.log_report(
        turn.message_id,
        what="; ".join(str(words) for words in told if words)[:MAX_WORDS],
        where=str(slots.get("symptom_where") or "")[:MAX_WORDS],
        since=str(slots.get("symptom_since") or "")[:MAX_WORDS],
        severity=severity if isinstance(severity, int) else None,
        trend=None if _only_words(trend) else trend,
    )


def record_answer(turn: Turn, check_in_id: str | None, question: str, value: Any, words: str) -> None:
    """Store one answer of a check-in as it arrives."""
    if turn.message_id is None or check_in_id is None:
        return
    from bot.followup import answers

    answers.record(check_in_id, question, value, words=words, message_id=turn.message_id)


def record_remark(turn: Turn, check_in_id: str | None, question: str, words: str) -> None:
    """Store words that do not say what a question of a check-in asks for."""
    if turn.message_id is None or check_in_id is None:
        return
    from bot.followup import answers

    answers.remark(check_in_id, question, words=words, message_id=turn.message_id)


def finish_check_in(turn: Turn, check_in_id: str | None, slots: Mapping[str, Any]) -> str:
    """Close a check-in. Gives `well` or `concern`."""
    if turn.message_id is None or check_in_id is None:
        return "concern" if slots.get("checkin_red_flags") else "well"
    from bot.followup import answers

    return answers.finish(check_in_id, turn.message_id)


def _only_words(value: Any) -> bool:
    return isinstance(value, str) and value not in ("better", "same", "worse")


def begin_intake(turn: Turn) -> dict[str, Answer]:
    """Open or take up the sender's intake. Gives the answers that are there."""
    if turn.message_id is None:
        return {}
    from bot.intake import service

    return service.begin(turn.message_id)


def intake_answers(turn: Turn) -> dict[str, Answer]:
    """The sender's answers so far, by question."""
    if turn.message_id is None:
        return {}
    from bot.intake import service

    return service.stored(turn.message_id)


def store_answers(turn: Turn, answers: Sequence[Answer]) -> None:
    """Store answers of the intake as they arrive."""
    if turn.message_id is None or not answers:
        return
    from bot.intake import service

    service.record(turn.message_id, answers)


def finish_intake(turn: Turn, *, minor: bool) -> None:
    """Close the intake, and ask staff to read it."""
    if turn.message_id is None:
        return
    from bot.intake import service

    service.finish(turn.message_id, minor=minor)
