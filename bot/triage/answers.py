"""Answers that mean something only with the question that was asked, or with what came before.

A score, a number from a list, "yes", a thumb, a picture without a word, "never mind".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.triage.matcher import View
from bot.triage.modifiers import Modifiers
from bot.triage.normalise import plain
from bot.triage.types import Context, Finding, Tier

EARLY_DAYS = 3
PAIN_QUESTIONS = frozenset({"checkin.pain", "symptom.severity"})
SWELLING_QUESTIONS = frozenset({"checkin.swelling"})
LIST_QUESTIONS = frozenset({"checkin.red_flags", "probe"})

#: The numbered list that the check-in and the probe send: number -> flag, tier, source.
RED_FLAG_LIST: dict[int, tuple[str, Tier, str]] = {
    1: ("VIS", Tier.T0, "FDA-2015"),
    2: ("ALL", Tier.T0, "NHS-Ana"),
    3: ("STR", Tier.T0, "FDA-2015"),
    4: ("VO", Tier.T1, "CMAC-VO"),
    5: ("VO", Tier.T1, "Lavish"),
    6: ("INF", Tier.T2, "ACE-Inf"),
}
#: Questions on one sign, answered with yes: question -> flag, tier, source.
YES_MEANS: dict[str, tuple[str, Tier, str]] = {
    "checkin.vision": ("VIS", Tier.T0, "FDA-2015"),
    "checkin.breathing": ("ALL", Tier.T0, "NHS-Ana"),
    "checkin.speech": ("STR", Tier.T0, "FDA-2015"),
    "checkin.red_flags": ("VO", Tier.T1, "prop"),
    "probe": ("VO", Tier.T1, "prop"),
    "checkin.skin": ("VO", Tier.T1, "CMAC-VO"),
    "checkin.fever": ("INF", Tier.T2, "ACE-Inf"),
}
_NUMBER_WORDS = {
    "zero": 0, "cero": 0, "nil": 0, "none": 0, "one": 1, "uno": 1, "two": 2, "dos": 2, "three": 3, "tres": 3,
    "four": 4, "cuatro": 4, "five": 5, "cinco": 5, "six": 6, "seis": 6, "seven": 7, "siete": 7, "eight": 8,
    "ocho": 8, "nine": 9, "nueve": 9, "ten": 10, "diez": 10,
}  # fmt: skip
_NUMBER = re.compile(r"(?<![\d.,/:])(\d{1,2})(?:[.,]\d)?(?: ?(?:/|out of|over|sobre|de) ?10\b)?(?![\d:])")
_LIST_WORDS = re.compile(r"[a-z]+")
_LIST_FILLERS = frozenset(
    [
        "and",
        "y",
        "number",
        "no",
        "numero",
        "opcion",
        "option",
        "the",
        "el",
        "la",
        "just",
        "solo",
        "only",
        "yes",
        "si",
        "to",
        "a",
        "n",
        "please",
        "maybe",
    ]
)
_PLACEHOLDER = re.compile(r"\[(?:photo|image|picture|video|media|voice|audio|foto|imagen)[^\]]*\]", re.I)


def findings(text: str, view: View, around: Modifiers, context: Context) -> Iterator[Finding]:
    """What the answer means in `context`; nothing when it is no answer."""
    question = context.question
    words = view.reading.words
    if _PLACEHOLDER.search(text) or (context.has_media and not _says_something(words)):
        yield _media(context)
        return
    if question in PAIN_QUESTIONS or question in SWELLING_QUESTIONS:
        score = read_score(text, falling=around.improving)
        if score is not None:
            yield from _score(score, question in SWELLING_QUESTIONS, context)
            return
    if question in LIST_QUESTIONS:
        chosen = read_choices(text)
        if chosen:
            for number in chosen:
                flag, tier, source = RED_FLAG_LIST[number]
                yield Finding(flag, tier, f"answer.list-{number}", f"{number}", source)
            return
    if question in YES_MEANS and "@affirmative" in view.spans and _is_yes(view, around):
        flag, tier, source = YES_MEANS[question]
        yield Finding(flag, tier, "answer.yes", " ".join(words[:8]), source)
    if _worrying_without_sign(text, view, context):
        yield Finding(
            "NEG", Tier.T2, "answer.worried", " ".join(words[:8]) or text.strip()[:20], "prop", True
        )


def kept_open(view: View, around: Modifiers, context: Context) -> Finding | None:
    """An open alert stays as urgent as it is when the patient takes it back, says stop, thanks or little.

    Only a named member of staff closes an alert (`clinical.md` section 6, multi-turn).
    """
    tier = context.open_alert_tier
    words = view.reading.words
    takes_back = "@retraction" in view.spans or around.resolved or around.improving or len(words) <= 4
    if tier is None or not (takes_back or any(around.negated)):
        return None
    return Finding(
        context.open_alert_flag or "NEG", tier, "answer.alert-stays-open", " ".join(words[:12]), "prop"
    )


def read_score(text: str, *, falling: bool = False) -> int | None:
    """The 0-10 score in an answer: the highest one said, or the lowest when it is said to be falling."""
    flat = plain(text)
    scores = [int(match[1]) for match in _NUMBER.finditer(flat)]
    scores += [_NUMBER_WORDS[word] for word in _LIST_WORDS.findall(flat) if word in _NUMBER_WORDS]
    scores = [score for score in scores if 0 <= score <= 10]
    if not scores:
        return None
    return min(scores) if falling else max(scores)


def read_choices(text: str) -> list[int]:
    """The numbers chosen from the red-flag list, when the answer is a choice and not a sentence."""
    flat = plain(text)
    words = [word for word in _LIST_WORDS.findall(flat) if word not in _LIST_FILLERS]
    if any(word not in _NUMBER_WORDS for word in words) and not re.match(
        r"^\W*[1-6]\b(?![/.,]?\d)(?! ?(?:more|mas|days?|dias?|hours?|horas?|weeks?|am|pm)\b)", flat
    ):
        return []
    numbers = [int(digits) for digits in re.findall(r"(?<![\d/.])\d+(?![\d/])", flat)]
    numbers += [_NUMBER_WORDS[word] for word in words if word in _NUMBER_WORDS]
    return sorted({number for number in numbers if number in RED_FLAG_LIST})


def _score(score: int, swelling: bool, context: Context) -> Iterator[Finding]:
    early = context.day is None or context.day <= EARLY_DAYS
    if swelling:
        if score >= 9:
            yield Finding(
                "ALL", Tier.T2, "answer.swelling-score", f"swelling {score}/10", "Mikkilineni", True
            )
    elif score >= 8 or (score == 7 and early):
        yield Finding("VO", Tier.T1, "answer.pain-score", f"pain {score}/10", "Pearce")
    elif score == 7:
        yield Finding("VO", Tier.T2, "answer.pain-score", f"pain {score}/10", "Pearce")


def _media(context: Context) -> Finding:
    """A picture alone: no one here reads skin from a picture, a person looks at it [RealSelf-1]."""
    if context.day is None:
        return Finding("NEG", Tier.T3, "answer.media", "picture without text", "RealSelf-1")
    if context.day <= EARLY_DAYS:
        return Finding("VO", Tier.T1, "answer.media", "picture without text", "RealSelf-1")
    return Finding("VO", Tier.T2, "answer.media", "picture without text", "RealSelf-1", True)


def _says_something(words: tuple[str, ...]) -> bool:
    return any(word.isalnum() and not word.startswith("emoji") for word in words)


def _is_yes(view: View, around: Modifiers) -> bool:
    return (
        any(not around.negated[start] for start, _end in view.spans["@affirmative"])
        and len(view.reading.words) <= 12
    )


def _worrying_without_sign(text: str, view: View, context: Context) -> bool:
    """A treated patient in the watch window cries for help without words that say why."""
    if context.day is None or context.day > EARLY_DAYS:
        return False
    distress = "@worry" in view.spans or any(sign in text for sign in "😭😱😨😰🆘")
    return distress and len(view.reading.words) <= 3
