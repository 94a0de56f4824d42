"""Recognises the answer to an open question, so that forms get "7/10", "igual" or "on the left".

Reads the tracker: which form is running and which slot it asked for, or which choices were offered. Without
one of these, the message's metadata may name the open question (a probe that triage sent).
"""
# ruff: noqa: ARG003  (Rasa creates every component with the same four arguments)

from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.core.events import BotUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import INTENT, INTENT_RANKING_KEY, METADATA, TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.dialogue import manner, reading, topics
from bot.dialogue.components.classifier import COMPARISONS, TOPICS
from bot.intake import reading as intake
from bot.intake import talk
from bot.intake.items import ADULT, BY_QUESTION
from bot.triage.settled import nobody_answers
from bot.triage.types import PROBE, PROBES, RED

#: What may interrupt a question, beside topics. Each has a rule that ends or keeps the form.
INTERRUPTS = ("clinic.human", "opt_out", "cancel_dialogue")
INTAKE_FORM = "intake_form"
#: What a message of pictures alone comes closest to, and what tears are no answer to.
CHEERFUL = ("smalltalk.thanks", "smalltalk.greeting")
#: What cannot be read as an answer to these is taken for one all the same; the form asks once more.
ASKED_ONCE_MORE = ("scale", "signs", "trend", "choice", "yes_no", "photo", "words")
#: Needed to take a statement, which no question mark marks, for an interruption.
SURE = 0.5
#: Needed to take for a question what has no question mark, in the middle of the intake.
SURE_UNMARKED = 0.8
#: So many words and a question mark, not understood: rather asked about than taken for an answer.
QUESTION_WORDS = 3


def open_question(tracker: DialogueStateTracker, metadata: dict[str, Any]) -> str | None:
    """The id of the question that the message may answer, or None. Triage's probe comes before any other."""
    if metadata.get("question") in PROBES:
        return str(metadata["question"])
    if tracker.active_loop_name:
        return reading.question_of_slot(tracker.get_slot("requested_slot"))
    if tracker.get_slot("offered"):
        return "dialogue.offer"
    return metadata.get("question")


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class AnswerReader(GraphComponent):  # type: ignore[misc]
    """Sets the intent to `answer_number` or `answer_words` when the message answers the open question."""

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "AnswerReader":
        return cls()

    def process(self, messages: list[Message], tracker: DialogueStateTracker) -> list[Message]:
        """Correct the intent of `messages`."""
        for message in messages:
            text = message.get(TEXT) or ""
            by_manner = manner.intent_of_manner(text)
            pressing = (message.get(METADATA) or {}).get("open_alert") in RED
            if by_manner is None and (nobody_answers(text) or (pressing and manner.seeks_help(text))):
                by_manner = "clinic.human"  # said with the alert in mind: no opening hours, no flights
            if by_manner is not None:
                _set_intent(message, by_manner)
                continue
            about_intake = _about_intake(text, tracker, message.get(METADATA) or {})
            if about_intake is not None:
                _set_intent(message, about_intake)
                continue
            several = message.get(TOPICS)
            if several and (message.get(INTENT) or {}).get("name") not in several:
                _set_intent(message, several[0])
            metadata = message.get(METADATA) or {}
            if manner.cries_without_words(text) and str((message.get(INTENT) or {}).get("name")) in CHEERFUL:
                _set_intent(message, "nlu_fallback")
            instead = _about_another_product(text, tracker) or _asked_before_treatment(
                message, text, metadata
            )
            if instead is not None:
                _set_intent(message, instead)
            question = open_question(tracker, metadata)
            kind = reading.QUESTIONS.get(question or "")
            if kind is None:
                continue
            if question in PROBES:
                waits = _probe_holds_something(tracker) or question != PROBE
                waiting = waits and not _interrupts(message, text)
                if waiting or reading.readable(question, text):
                    _set_intent(message, "probe_answered")
            elif kind == "intake":
                if _answers_intake(message, question, text):
                    _set_intent(message, "answer_words")
            elif reading.readable(question, text):
                _set_intent(message, "answer_number")
            elif kind == "words" and reading.is_none(text):
                _set_intent(message, "answer_words")  # whatever else a bare "0" may mean elsewhere
            elif kind in ASKED_ONCE_MORE:
                puzzling = kind == "words" and _puzzles(message, text)
                if puzzling and tracker.get_slot("asked_again") != question:
                    continue  # the form asks once more
                if not _interrupts(message, text):
                    _set_intent(message, "answer_words")
            elif kind == "offer" and reading.is_none(text):
                _set_intent(message, "deny")
            elif kind == "offer" and reading.agrees(text):
                _set_intent(message, "affirm")
        return messages


def _about_intake(text: str, tracker: DialogueStateTracker, metadata: dict[str, Any]) -> str | None:
    """Whether somebody who has answered questions of the intake wants to see or to correct the answers."""
    if not metadata.get("intake") and tracker.active_loop_name != INTAKE_FORM:
        return None
    if intake.asks_to_read_back(text):
        return "read_back_intake"
    if tracker.active_loop_name == INTAKE_FORM and (talk.resumes(text) or talk.greets(text)):
        return "start_intake"  # says where it stopped, and asks that again
    if metadata.get("intake") == "open" and not tracker.active_loop_name and talk.resumes(text):
        return "start_intake"
    if metadata.get("intake") == "stopped" and intake.age_after_all(text, ADULT):
        return "correct_intake"
    corrected = {f"intake.{answer.item}" for answer in intake.corrections(text)}
    asked = open_question(tracker, metadata)
    if corrected == {asked} and not intake.corrections(text, plainly=True):
        return None  # it answers what is asked
    return "correct_intake" if corrected else None


def _about_another_product(text: str, tracker: DialogueStateTracker) -> str | None:
    """The topic just answered, when the text asks the same of another product."""
    product = topics.product_instead(text)
    if product is None or tracker.active_loop_name:
        return None
    spoken = (
        str(event.metadata.get("content_id") or "")
        for event in reversed(tracker.events)
        if isinstance(event, BotUttered)
    )
    last = next((said for said in spoken if topics.may_be_offered(said)), None)
    return COMPARISONS.get(product, last) if (last or "").startswith("product.compare_") else last


def _asked_before_treatment(message: Message, text: str, metadata: dict[str, Any]) -> str | None:
    """The likeliest topic of a question that reads like a symptom, of somebody not treated here."""
    told = (message.get(INTENT) or {}).get("name") == "report_symptom"
    calm = metadata.get("tier") in (None, "T4") and not metadata.get("probe")
    if not told or not calm or metadata.get("phase") == "after" or not reading.is_question(text):
        return None
    ranking = [(str(one["name"]), float(one["confidence"])) for one in message.get(INTENT_RANKING_KEY) or ()]
    return next(iter(topics.choices(ranking, metadata.get("phase"))), None)


def _answers_intake(message: Message, question: str | None, text: str) -> bool:
    """Whether a text answers the open question of the intake, rather than asking something or leaving."""
    item = BY_QUESTION[question or ""]
    answer = intake.read(item, text)
    if answer is not None and answer.said in ("skipped", "no"):
        return True
    intent = message.get(INTENT) or {}
    name, confidence = str(intent.get("name")), float(intent.get("confidence", 0.0))
    if name == "start_intake" and confidence >= SURE:
        return False
    if name in INTERRUPTS and confidence >= SURE and (answer is None or not answer.codes):
        return False
    if name == "smalltalk.abuse":
        return False
    if not topics.is_topic(name) or confidence < SURE:
        return True
    if "?" in text or "¿" in text:
        return False
    names_it = answer is not None and bool(answer.codes)  # "what I take is aspirin"
    return names_it or confidence < SURE_UNMARKED or not reading.asks_outright(text)


def _interrupts(message: Message, text: str) -> bool:
    intent = message.get(INTENT) or {}
    name, confidence = intent.get("name"), intent.get("confidence", 0.0)
    if name in INTERRUPTS:
        return float(confidence) >= SURE
    if not topics.is_topic(name):
        return False
    # "I want to note some itching" tells of it; "I want my money back" asks for something.
    demands = reading.is_request(text) and not str(name).startswith("recovery.")
    return demands or name == "smalltalk.abuse" or reading.is_question(text)


def _puzzles(message: Message, text: str) -> bool:
    """Whether a text is marked as a question, and which one is not understood."""
    unknown = (message.get(INTENT) or {}).get("name") == "nlu_fallback"
    return unknown and ("?" in text or "¿" in text) and len(text.split()) >= QUESTION_WORDS


def _probe_holds_something(tracker: DialogueStateTracker) -> bool:
    """Whether a form, or the last words of a check-in, wait for the answer to the probe."""
    held = str(tracker.get_slot("held_topic") or "")
    return bool(tracker.active_loop_name) or held.startswith("checkin.")


def _set_intent(message: Message, name: str) -> None:
    message.set(INTENT, {"name": name, "confidence": 1.0}, add_to_output=True)
