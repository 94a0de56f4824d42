"""Whether a number means one of the six signs, or the score that was asked for just before them. Pure.

In a check-in a few words on the swelling may bring the six signs, and the "3" that follows may answer either
question. A wrong alarm can be borne and a missed one cannot: it is asked once, and whatever is no clear "no"
counts as the sign.
"""

from __future__ import annotations

import re

from bot.triage.normalise import NUMBER_WORDS, bare_words, plain

#: The rule that asks what a number means, which follows; and the one of a number that is a score.
ASKED, SCORE = "answer.which-", "answer.score-told"

#: Nobody puts more words around one number.
MOST_WORDS = 15
_NUMBER = rf"(?:\d{{1,2}}|{'|'.join(NUMBER_WORDS)})"
#: What a 0-10 question asks about, as an answer names it.
_ANY_SCORE = r"scores?|scale|rating|puntos?|puntuacion|puntaje|nota|escala"
_SCALES = {
    "checkin.pain": r"pain|painful|hurts?|dolor|duele",
    "checkin.swelling": (
        r"swelling|swollen|puffy|puffiness|hinchazon|hinchad[oa]s?|inflamacion|inflamad[oa]s?"
    ),
    "checkin.bruising": r"bruis(?:e|es|ed|ing)|moraton(?:es)?|moreton(?:es)?",
    "checkin.tenderness": r"tender|tenderness|sensible|sensibilidad",
    "checkin.satisfaction": r"satisfied|satisfaction|happy|satisfaccion|satisfech[oa]|content[oa]",
    "symptom.severity": _ANY_SCORE,
}
_SCALE = rf"(?:{'|'.join(dict.fromkeys((_ANY_SCORE, *_SCALES.values())))})"
#: What may stand around a number without saying what it means.
_AROUND = (
    r"(?:a|an|about|around|maybe|like|just|only|its|it|is|was|for|my|the|of|on|in|id|say|i|meant|mean|so|and|"
    r"please|thanks|thank|you|sorry|now|today|un|una|como|unos|quizas?|mas|o|menos|solo|es|era|fue|de|del|"
    r"la|el|"
    r"mi|para|en|diria|yo|quise|queria|decir|y|por|favor|gracias|perdon|ahora|hoy|creo|think)"
)
_NO = (
    r"(?:(?:not|no|isnt|wasnt|not one of) (?:the|a|any) signs?|no signs?|"
    r"no (?:(?:es|era|fue) )?(?:(?:la|una) senal|ninguna(?: de las)? senal(?:es)?)|ninguna senal|"
    r"no|nope|nah|none|0|zero|cero|ningun[oa])"
)
_LONE = re.compile(rf"(?:{_AROUND} )*(?P<number>{_NUMBER})(?: {_AROUND})*")
_OF_TEN = re.compile(r"(?P<number>10|\d) ?(?:/|out of|over|sobre|de) ?(?:10|ten|diez)")
#: What else may stand around a score that has risen; no word of `_AROUND`, so that each fits one way.
_RISEN = (
    r"(?:up|to|at|went|gone|going|got|has|been|more|already|still|feels|pain|swelling|"
    r"worse|subio|subido|ha|ya|va|voy|esta|estoy|sigue|peor|dolor|hinchazon|hurts?|duele|me|im)"
)
_NOW = re.compile(
    rf"(?:(?:{_AROUND}|{_RISEN}) )*(?:from (?:an? )?{_NUMBER} to (?:an? )?)?(?P<number>{_NUMBER})"
    rf"(?: (?:{_AROUND}|{_RISEN}))*"
)
_TOLD = {
    question: re.compile(
        rf"(?=.*\b(?:{scale}|{_ANY_SCORE})\b)(?:(?:{_AROUND}|{scale}|{_ANY_SCORE}) )*(?P<number>{_NUMBER})"
        rf"(?: (?:{_AROUND}|{scale}|{_ANY_SCORE}))*"
    )
    for question, scale in _SCALES.items()
}
#: How many signs the list has.
LAST_SIGN = 6
#: The sign that is one of pain: "5 pain" may mean it.
OF_PAIN = 5
_SIGN_OF_PAIN = re.compile(r"(?:5|five|cinco)\b.*")
#: What else may stand around a score that is named: no word that tells of the body.
_CHATTER = (
    r"(?:lol|lmao|(?:ha){2,}h?|(?:ja){2,}j?|xd|bit|little|poco|poquito|me|referia|refiero|a|los|las|this|that|"
    r"eso|esto|sorry|oh|ah|number|numero|one|uno|out|actually)"
)
_HARMLESS = rf"(?:(?>{_NO}\b)|(?>(?:{_SCALE}|{_AROUND}|{_CHATTER}|{_NUMBER})\b))"
_NO_SIGN = re.compile(rf"{_HARMLESS}(?: {_HARMLESS})*+")
_YES = re.compile(r"(?:yes|yeah|yep|yup|si|sip) (?=.)")
#: What "yes, the swelling" can be no sign of: "yes, the swelling" may mean the throat or the face as well.
_NEVER_SWELLING = frozenset({4, 5})
_SAYS_NO = re.compile(rf"\b{_NO}\b")


def lone_number(text: str) -> int | None:
    """The one number from 1 to 10 that is all that `text` says, or None; "0" says "none"."""
    words = bare_words(text)
    found = _LONE.fullmatch(words) if _is_short(words) else None
    value = _value(found["number"]) if found else 0
    return value if 1 <= value <= 10 else None


def score_told(text: str, question: str) -> int | None:
    """The score that the whole of `text` gives and names as what `question` asks: "swelling 3", "3/10"; None
    when it may be another thing."""
    words = bare_words(text)
    if not _is_short(words):
        return None
    of_ten = _OF_TEN.search(words)
    if of_ten and _NO_SIGN.fullmatch(_OF_TEN.sub("0", words, count=1).strip()):
        return int(of_ten["number"])
    pattern = _TOLD.get(question)
    found = pattern.fullmatch(words) if pattern and not _SIGN_OF_PAIN.fullmatch(words) else None
    value = _value(found["number"]) if found else -1
    return value if 0 <= value <= 10 else None


def score_now(text: str) -> int | None:
    """The score that is all that `text` tells, with what it has risen from: "its a 9 now", "8/10"."""
    words = _OF_TEN.sub(r"\g<number>", bare_words(text))
    found = _NOW.fullmatch(words) if _is_short(words) else None
    value = _value(found["number"]) if found else -1
    return value if 0 <= value <= 10 else None


def is_no_sign(text: str, number: int, question: str | None) -> bool:
    """Whether the whole of `text` says that `number` is no sign but what `question` asked for: "no", "the
    swelling". Another number says something else."""
    words = _OF_TEN.sub(r"\g<number>", bare_words(text))
    agreed = _YES.match(words)
    rest = words[agreed.end() :] if agreed else words
    if "?" in plain(text) or not _is_short(rest) or not _NO_SIGN.fullmatch(rest):
        return False
    others = {_value(found) for found in re.findall(rf"\b{_NUMBER}\b", rest)} - {0, number}
    if others:
        return False
    if re.search(rf"\b(?:{_ANY_SCORE})\b", rest):
        return True
    if agreed and not (question == "checkin.swelling" and number in _NEVER_SWELLING):
        return False  # "yes" says that it is the sign
    of_pain = question == "checkin.pain" and number == OF_PAIN
    scale = _SCALES.get(question or "", _ANY_SCORE)
    named = not of_pain and re.search(rf"\b(?:{scale})\b", rest) is not None
    return named or (not agreed and _SAYS_NO.search(rest) is not None)


def score_instead(text: str, number: int) -> int | None:
    """The one other score that the whole of `text` puts in the place of `number`: "no, 10 pain"; or None."""
    words = _OF_TEN.sub(r"\g<number>", bare_words(text))
    if not _is_short(words) or not _NO_SIGN.fullmatch(words) or not _SAYS_NO.search(words):
        return None
    others = {_value(found) for found in re.findall(rf"\b{_NUMBER}\b", words)} - {0, number}
    # another number of the list may be the sign that was meant
    return others.pop() if len(others) == 1 and min(others) > LAST_SIGN else None


def is_sign(text: str) -> bool:
    """Whether `text` says that a sign was meant, or both."""
    return re.search(r"\b(?:signs?|senal(?:es)?|both|amb[oa]s|las dos)\b", bare_words(text)) is not None


def asked_of(rule: str) -> int | None:
    """The number of which the finding of `rule` asks what it means, or None."""
    return int(rule.removeprefix(ASKED)) if rule.startswith(ASKED) else None


def _is_short(words: str) -> bool:
    """Whether `words` are few enough to be a number and what is said around it."""
    return len(words.split()) <= MOST_WORDS


def _value(said: str) -> int:
    return NUMBER_WORDS[said] if said in NUMBER_WORDS else int(said)
