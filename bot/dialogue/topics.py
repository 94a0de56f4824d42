"""Counselling topics as the dialogue handles them: which intents are topics, which one the phase means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from bot.protocols.catalogue import catalogue
from bot.protocols.names import product_named
from bot.triage.normalise import flat

GROUPS = frozenset(
    {"product", "candidacy", "prep", "procedure", "recovery", "aftercare", "clinic", "smalltalk"}
)
#: Questions that the words leave open and only the patient's phase decides: (before, after).
PHASE_PAIRS = (
    ("prep.alcohol", "aftercare.alcohol"),
    ("prep.dental", "aftercare.dental"),
    ("prep.vaccine", "aftercare.vaccine"),
)
#: Intents with a rule of their own that still are a topic to whoever asks which topic it was.
TOPIC_OF_INTENT = {"opt_out": "clinic.stop_messages"}
#: Never offered as a choice: they are no question that a text answers.
NOT_OFFERED = frozenset({"out_of_scope", "clinic.human", "clinic.stop_messages"})
MAX_OFFERED = 3
#: Less likely than this is no help as a choice (see `config.yml` for how likely is enough to answer).
WORTH_OFFERING = 0.02
#: With a best candidate less likely than this, no choices at all: they would be guesses.
PLAUSIBLE = 0.1
#: Words of a product's name at most.
LONGEST_PRODUCT_NAME = 3


def may_be_offered(topic: str) -> bool:
    """Whether `topic` is a question that a text answers: no small talk, no way out (that is always last)."""
    return is_topic(topic) and topic not in NOT_OFFERED and not topic.startswith("smalltalk.")


def is_topic(intent: str | None) -> bool:
    """Whether `intent` is the id of a counselling topic."""
    return intent == "out_of_scope" or (intent or "").partition(".")[0] in GROUPS


def resolve(topic: str, phase: str | None) -> str:
    """`topic`, or its twin when the patient's `phase` says so."""
    for before, after in PHASE_PAIRS:
        if topic in (before, after) and phase is not None:
            return after if phase == "after" else before
    return topic


_TREATMENT = (
    r"(?: \w+){0,3}? (?:treatments?|appointments?|appt|procedures?|injections?|fillers?|visit"
    r"|(?:it|this|them) done|tratamientos?|cita|procedimientos?|inyecci\w+|rellenos?|sesion)\b"
)
_SAID = {
    "before": re.compile(rf"\b(?:before|prior to|ahead of|antes de|antes del){_TREATMENT}"),
    "after": re.compile(rf"\b(?:after|following|post|since|despues de|despues del|tras){_TREATMENT}"),
}


def phase_said(text: str) -> Literal["before", "after"] | None:
    """The phase of a treatment that the words themselves name ("wine before my appointment?"); None when they
    name none, or both."""
    words = flat(text)
    before, after = (pattern.search(words) is not None for pattern in _SAID.values())
    return None if before == after else "before" if before else "after"


_INSTEAD = re.compile(
    r"^(?:(?:and|or|no|sorry|i mean|i meant|meant|mean|what about|how about|what if its|the|with|for|its|"
    r"is it the same (?:for|with)|y|o|perdon|digo|me (?:refiero|referia) a|(?:queria|quise) decir|que hay de|"
    r"si es|con|para|el|la|es igual con) )*"
)


def product_instead(text: str) -> str | None:
    """The product that the whole of `text` puts in the place of another ("I mean Radiesse"); else None."""
    words = flat(text)
    rest = words[_INSTEAD.match(words).end() :]  # type: ignore[union-attr]  # it matches nothing at least
    return product_named(rest) if 0 < len(rest.split()) <= LONGEST_PRODUCT_NAME else None


def choices(ranking: Sequence[tuple[str, float]], phase: str | None) -> list[str]:
    """Up to three topics to offer from `ranking` (intent, confidence), most likely first.

    None when even the best of them is unlikely.
    """
    offered: list[str] = []
    for intent, confidence in ranking:
        topic = resolve(TOPIC_OF_INTENT.get(intent, intent), phase)
        if not may_be_offered(topic) or topic in offered or topic not in catalogue().pieces:
            continue
        if confidence < (WORTH_OFFERING if offered else PLAUSIBLE):
            break
        offered.append(topic)
    return offered[:MAX_OFFERED]


def title(content_id: str, language: str) -> str:
    """The short name of a piece of content, for a list of choices."""
    return str(getattr(catalogue().piece(content_id).title, language))


def choice_titles(offered: Iterable[str], language: str) -> list[str]:
    """What a list of choices says: the topics, and last the way out."""
    return [title(topic, language) for topic in (*offered, "dialogue.fallback")]
