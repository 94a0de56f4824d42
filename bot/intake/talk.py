"""What is said during the questions and answers none: "hi, I'm back", "later, the kids are screaming". Pure.

Taken for an answer it would stand in the clinician's summary.
"""

from __future__ import annotations

import re

from bot.intake.terms import vocabulary
from bot.triage import answers
from bot.triage.language import asked_for
from bot.triage.normalise import bare_words

#: A reason for putting the questions off takes no more words.
MOST_WORDS = 10

_HELLO = r"(?:hi|hello|hey|hola|buenas|buenos dias|buenas (?:tardes|noches))"
_GREETS = rf"(?:{_HELLO}|ok|okay|vale|bueno|sorry|perdon|so|and|y|ya)"
_BACK = (
    r"(?:(?:im|i am) (?:back|here)(?: now| again)?|back(?: now| again)|here again|where were we|"
    r"where did we (?:stop|leave off)|"
    r"what was (?:the (?:last )?question|i saying)|(?:can you )?(?:ask|repeat)(?: me)? (?:it |"
    r"the question |that )?again|"
    r"(?:can you |could you )?(?:repeat|say) the question|lets (?:continue|go on|carry on)|(?:continue|"
    r"carry on|go on|resume)|"
    r"(?:ya )?(?:volvi|he vuelto|regrese|estoy (?:de vuelta|aqui|de regreso)|aqui estoy)|de vuelta|"
    r"(?:por |en )?(?:donde|que) (?:ibamos|estabamos|nos quedamos|quedamos)|cual era la pregunta|"
    r"repite la pregunta|"
    r"(?:sigamos|continuemos|seguimos|continuamos|sigo|continuo))"
)
_RESUMES = re.compile(rf"(?:{_GREETS} )*{_BACK}(?: (?:{_BACK}|{_GREETS}|now|please|por favor))*")
_ONLY_GREETS = re.compile(rf"{_HELLO}(?: {_GREETS})*")
_CLAUSE = re.compile(r"[,.;:!]| - |\b(?:because|cos|cuz|since|porque|que)\b")


def resumes(text: str) -> bool:
    """Whether the whole of `text` says that somebody is back, or asks where the questions stopped."""
    words = bare_words(text)
    return len(words.split()) <= MOST_WORDS and _RESUMES.fullmatch(words) is not None


def greets(text: str) -> bool:
    """Whether the whole of `text` greets, or asks for another language: the question is asked again."""
    return asked_for(text) is not None or _ONLY_GREETS.fullmatch(bare_words(text)) is not None


_SOMEBODY = r"(?:(?:my|mi|the|el|la) [a-z]+|he|she|they|mum|mom)"
_KILLS = (
    r"(?:(?:is |are |s )?(?:going to|gonna|will|would|ll) (?:kill|murder) me|"
    r"me (?:va a|van a) matar|(?:va a|van a) matarme|me mata)"
)
_LAUGH = r"(?:lol|lmao|(?:ha){2,}h?|(?:ja){2,}j?|(?:je){2,}|xd)"
_JOKES = re.compile(
    rf"(?:{_LAUGH} )*{_SOMEBODY} {_KILLS}"
    rf"(?: (?:if|when|for|over|si|cuando|por)(?: [a-z]+){{1,6}}?)?(?: {_LAUGH})*"
)


def jokes(text: str) -> bool:
    """Whether the whole of `text` is said with a laugh of what somebody at home will say: no answer.

    Without the laugh it may be a threat, and is kept for the clinician to read.
    """
    words = bare_words(text)
    laughs = re.search(rf"\b{_LAUGH}\b", words) or any(sign in text for sign in "😂🤣😅😆😄")
    return bool(laughs) and len(words.split()) <= 2 * MOST_WORDS and _JOKES.fullmatch(words) is not None


def puts_off(text: str) -> bool:
    """Whether `text` says that the rest is for another time, and in a few words why; nothing of health."""
    if answers.puts_off(text):
        return True
    first, *rest = _CLAUSE.split(text, maxsplit=1)
    why = " ".join(rest)
    return (
        bool(rest)
        and answers.puts_off(first)
        and len(bare_words(why).split()) <= MOST_WORDS
        and not re.search(r"\d", why)
        and not vocabulary().mentions(why)
    )
