"""Rasa's response generator: a response names a piece of approved content; the words come from there."""

from __future__ import annotations

from typing import Any, get_args

from rasa.core.nlg.generator import NaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

from bot.dialogue.reading import PROBE_PIECES
from bot.dialogue.scores import SCALES
from bot.dialogue.turn import NOT_APPROVED, Turn
from bot.intake.items import BY_QUESTION, ITEMS
from bot.protocols.catalogue import catalogue
from bot.protocols.render import render_piece
from bot.protocols.schema import Piece, QuestionId

CHECK_IN_QUESTIONS: tuple[str, ...] = get_args(QuestionId)
#: `asked_again` when an answer only compares with the check-in before, whose score follows it.
COMPARED = "compared:"
#: `asked_again` when an answer in words is kept as a remark of the question, whose id follows.
NOTED = "noted:"
#: The question that a piece of content asks, where it asks one.
QUESTION_OF = {
    "symptom.ask_what": "symptom.what",
    "symptom.ask_where": "symptom.where",
    "symptom.ask_since": "symptom.since",
    "symptom.ask_severity": "symptom.severity",
    "symptom.reask_severity": "symptom.severity",
    "symptom.ask_trend": "symptom.trend",
    "symptom.reask_trend": "symptom.trend",
    **{f"checkin.{name}": f"checkin.{name}" for name in CHECK_IN_QUESTIONS},
    "checkin.open": "checkin.overall",
    "checkin.reask_red_flags": "checkin.red_flags",
    "dialogue.offer": "dialogue.offer",
    **PROBE_PIECES,
    "intake.offer": "intake.offer",
    **{item.content: item.question for item in ITEMS},
}
#: What is said instead when the same question is asked again because the answer could not be read.
ASKED_AGAIN = {
    **{f"checkin.{name}": "checkin.reask_scale" for name in SCALES},
    "checkin.overall": "checkin.reask_choice",
    "checkin.gais": "checkin.reask_choice",
    "checkin.lumps": "checkin.reask_yes_no",
    "checkin.red_flags": "checkin.reask_red_flags",
    "symptom.ask_severity": "symptom.reask_severity",
    "symptom.ask_trend": "symptom.reask_trend",
    "intake.ask_age": "intake.reask_age",
}
#: What is said instead when what the patient said of it is kept. The danger signs are asked as ever.
NOTED_AND_ASKED = {
    **{f"checkin.{name}": "checkin.noted_scale" for name in SCALES},
    "checkin.overall": "checkin.noted_choice",
    "checkin.gais": "checkin.noted_choice",
    "checkin.lumps": "checkin.noted_yes_no",
}
#: Responses that Rasa's forms ask for by name; `domain.yml` lists the same.
CONTENT_OF = {
    "utter_ask_symptom_what": "symptom.ask_what",
    "utter_ask_symptom_where": "symptom.ask_where",
    "utter_ask_symptom_since": "symptom.ask_since",
    "utter_ask_symptom_severity": "symptom.ask_severity",
    "utter_ask_symptom_trend": "symptom.ask_trend",
    **{f"utter_ask_checkin_{name}": f"checkin.{name}" for name in CHECK_IN_QUESTIONS},
    **{f"utter_ask_{item.slot}": item.content for item in ITEMS},
}


def _choices(question: str, language: str) -> str:
    """The numbered answers of a check-in question that has a few; empty for any other."""
    asked = catalogue().questions.get(question.rpartition(".")[2])
    names = [getattr(choice.label, language) for choice in asked.choices] if asked else []
    return " ".join(f"{number} {name}" for number, name in enumerate(names, start=1))


class ContentGenerator(NaturalLanguageGenerator):  # type: ignore[misc]
    """Resolves `utter_*` names by product, phase, day, language and channel.

    An action names its content with `content=`, and gives values for its placeholders with `values=`. The
    questions of a form, which Rasa asks for by name, are listed in `CONTENT_OF`.
    """

    def __init__(self, endpoint_config: EndpointConfig | None = None, domain: Domain | None = None) -> None:
        """Both are what Rasa hands to every generator; neither is needed here."""

    async def generate(
        self,
        utter_action: str,
        tracker: DialogueStateTracker,
        output_channel: str,  # noqa: ARG002  (the turn knows the patient's channel)
        **kwargs: Any,
    ) -> dict[str, Any] | None:
        """The text and what is recorded with it. Raises `ContentError` when nothing approved fits."""
        turn = Turn.of(_metadata(tracker))
        content_id = kwargs.get("content") or CONTENT_OF[utter_action]
        question = QUESTION_OF.get(content_id)
        values = {**turn.values, **(kwargs.get("values") or {})}
        asked_again = str(tracker.get_slot("asked_again") or "")
        if question and asked_again in (question, f"{NOTED}{question}"):
            again = ASKED_AGAIN.get(content_id, content_id)
            is_noted = asked_again.startswith(NOTED)
            content_id = NOTED_AND_ASKED.get(content_id, again) if is_noted else again
            values |= {"choices": _choices(question, turn.language)}
        elif question and asked_again.startswith(COMPARED):
            content_id, values = "checkin.reask_compared", values | {"before": asked_again.rpartition(":")[2]}
        elif content_id == "checkin.overall" and turn.check_in_id:
            content_id = "checkin.open"  # the first words of a check-in are its greeting as well
        if question in BY_QUESTION and asked_again.partition(":")[0] == question:
            item = BY_QUESTION[question]
            content_id = (
                "intake.ask_detail" if ":" in asked_again else ASKED_AGAIN.get(item.content, "intake.reask")
            )
            values |= {
                "question": getattr(item.title, turn.language),
                "example": getattr(item.example, turn.language),
            }
        if content_id in turn.withheld:
            content_id = NOT_APPROVED
        own = turn.own_words.get(content_id)
        piece = catalogue().piece(content_id) if own is None else Piece.model_validate(own)
        said = render_piece(piece, turn.situation, values)
        return {
            "text": said.text,
            "content_id": said.content_id,
            "content_version": said.version,
            "question": question,
        }


def _metadata(tracker: DialogueStateTracker) -> dict[str, Any]:
    latest = tracker.latest_message
    return (latest.metadata if latest else None) or {}
