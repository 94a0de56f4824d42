"""Keeps the conversation coherent around what triage found before Rasa saw the message.

The last word on the intent: no topic is answered, and no form goes on, over a red flag.
"""
# ruff: noqa: ARG003  (Rasa creates every component with the same four arguments)

from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import INTENT, METADATA, TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.dialogue.manner import asks_for_person
from bot.triage.types import RED

SOON = ("T2", "T3")
#: Flags (`bot.triage.types.FLAGS`) of the body, which a symptom report takes down in more detail.
BODILY = frozenset({"VO", "VIS", "STR", "ALL", "INF", "DIR", "HSV", "HEM", "NRV", "COS"})
#: The flag of distress and of danger at home.
PSYCHE = "PSY"
LAST_OF_CHECK_IN = "checkin_other"
#: What a patient may still do while a safety text or a probe is out.
ALWAYS = ("clinic.human", "opt_out", "EXTERNAL_checkin")


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class TriageAnnotator(GraphComponent):  # type: ignore[misc]
    """Forces `red_flag`, `safety_spoke` or `report_symptom` where the assessment calls for it."""

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "TriageAnnotator":
        return cls()

    def process(self, messages: list[Message], tracker: DialogueStateTracker) -> list[Message]:
        """Correct the intent of `messages`."""
        in_form = bool(tracker.active_loop_name)
        last = in_form and tracker.get_slot("requested_slot") == LAST_OF_CHECK_IN
        for message in messages:
            if asks_for_person(message.get(TEXT) or ""):
                continue  # the one word that we promise brings a human, also while an alert is open
            intent = (message.get(INTENT) or {}).get("name") or ""
            forced = forced_intent(intent, message.get(METADATA) or {}, in_form, last_question=last)
            if forced and forced != intent:
                message.set(INTENT, {"name": forced, "confidence": 1.0}, add_to_output=True)
        return messages


def forced_intent(
    intent: str, metadata: dict[str, Any], in_form: bool, *, last_question: bool = False
) -> str | None:
    """The intent that the assessment in `metadata` demands instead of `intent`, or None.

    `last_question`: the check-in has asked its last, so that whatever raised a safety text is its answer.
    """
    tier = metadata.get("tier")
    if tier in RED:
        return "red_flag"
    if intent in ALWAYS:
        return None
    if in_form and PSYCHE in (metadata.get("flags") or ()):
        return "clinic.human"  # nobody who suffers is asked for the next number
    if metadata.get("probe") and metadata.get("safety_sent"):
        return "safety_spoke"  # the probe comes first; topic and form go on after it
    if last_question and metadata.get("safety_sent"):
        return "answer_words"
    if in_form or tier not in SOON:
        return None
    told = intent.startswith("recovery.") or intent in ("report_symptom", "nlu_fallback", "answer_words")
    if told and BODILY.intersection(metadata.get("flags") or ()):
        return "report_symptom"
    if metadata.get("safety_sent") and (told or intent == "out_of_scope" or intent.startswith("smalltalk.")):
        return "safety_spoke"
    return None
