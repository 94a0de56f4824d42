"""Reading the answer to a question that we asked. Pure functions; what cannot be read gives None.

Whether an answer is dangerous is for triage, which has read it before the dialogue does.
"""

from __future__ import annotations

import re
from typing import Literal

from bot.intake.items import ITEMS
from bot.triage.answers import read_choices, read_score
from bot.triage.normalise import plain

Kind = Literal["scale", "signs", "trend", "words", "offer", "intake"]

#: What kind of answer each question wants.
QUESTIONS: dict[str, Kind] = {
    "checkin.pain": "scale",
    "checkin.swelling": "scale",
    "checkin.red_flags": "signs",
    "checkin.other": "words",
    "symptom.what": "words",
    "symptom.where": "words",
    "symptom.since": "words",
    "symptom.severity": "scale",
    "symptom.trend": "trend",
    "dialogue.offer": "offer",
    "intake.offer": "offer",
    "probe": "signs",
    **{item.question: "intake" for item in ITEMS},
}

_NONE = re.compile(
    r"(?:no|nope|nah|none|nothing|nil|zero|0|not? (?:at all|really)|none of (?:them|those|these)|"
    r"all (?:good|fine)|"
    r"nada|ningun[oa]?|cero|para nada|nada de eso|ningun[oa]? de (?:esos|esas|ellos)|todo bien)"
    r"(?: (?:of them|thanks|thank you|gracias|pain|dolor|swelling))*"
)
_YES = re.compile(
    r"(?:yes|yeah|yep|yup|sure|correct|si|claro|correcto|vale|eso es|exacto)(?: (?:please|por favor))?"
)
_TRENDS = {
    "1": "better", "2": "same", "3": "worse", "one": "better", "two": "same", "three": "worse",
    "uno": "better", "dos": "same", "tres": "worse",
}  # fmt: skip
_WORSE = re.compile(r"\b(?:worse|worst|worsening|increasing|growing|peor|peores|empeora\w*|aumenta\w*)\b")
_SAME = re.compile(r"\b(?:same|unchanged|no change|no different|igual|iguales|lo mismo|sin cambios?)\b")
_BETTER = re.compile(r"\b(?:better|improv\w+|easing|going down|mejor|mejora\w*|mejorando|bajando)\b")
_NOT_BETTER = re.compile(
    r"\b(?:not?|isnt|hasnt|nothing|never|tampoco)\b[^.!?]{0,20}\b(?:better|mejor\w*|improv\w+)\b"
)
_SCORES = {
    "zero": 0, "cero": 0, "none": 0, "nada": 0, "one": 1, "uno": 1, "two": 2, "dos": 2, "three": 3, "tres": 3,
    "four": 4, "cuatro": 4, "five": 5, "cinco": 5, "six": 6, "seis": 6, "seven": 7, "siete": 7, "eight": 8,
    "ocho": 8, "nine": 9, "nueve": 9, "ten": 10, "diez": 10,
}  # fmt: skip
_SCORE = rf"(?:\d{{1,2}}|{'|'.join(_SCORES)})"
_SIGN = r"(?:pain|dolor|swelling|swollen|hinchazon|inflamacion)"
_LINK = r"(?:[.,]? (?:and|y|e)|[.,])?"
_TWO_SCORES = re.compile(rf"({_SCORE})(?: and | y |, | , )({_SCORE})")
_NAMED_FIRST = re.compile(
    rf"(?:my |the |el |la )?(?P<first>{_SIGN})(?: (?:is|es|de|of|at|a|about))* (?P<one>{_SCORE}){_LINK} "
    rf"(?:my |the |el |la )?(?P<second>{_SIGN})(?: (?:is|es|de|of|at|a|about))* (?P<two>{_SCORE})"
)
_NUMBER_FIRST = re.compile(
    rf"(?P<one>{_SCORE})(?: (?:for|in|of|on|de|en|para))?(?: (?:my|the|el|la))? (?P<first>{_SIGN}){_LINK} "
    rf"(?P<two>{_SCORE})(?: (?:for|in|of|on|de|en|para))?(?: (?:my|the|el|la))? (?P<second>{_SIGN})"
)
_REQUEST = re.compile(
    r"^(?:and |but |so |please |pero |y |por favor )*"
    r"(?:i (?:want|need|would like|demand)|id like|(?:tell|give|show|write|send|explain|diagnose)(?: to)? me|"
    r"quiero|quisiera|necesito|exijo|dime|digame|diganme|dame|deme|denme|explica\w*|escribeme|diagnostic\w*)\b"
)
_QUESTION = re.compile(
    r"^(?:and |but |so |also |y |pero |ok |hi |hello |hola )*"
    r"(?:can|could|may|should|shall|is it|is there|are there|do i|do you|does|will|would|when|how|what|which|"
    r"why|where (?:is|are|do)|who|am i|have i|puedo|podria|puede|se puede|debo|deberia|tengo que|hay que|"
    r"cuando|cuanto|cuanta|como|que|cual|por que|donde esta|quien|es (?:malo|seguro|mejor))\b"
)


def question_of_slot(slot: str | None) -> str | None:
    """The question whose answer a slot holds: `symptom_where` holds that of `symptom.where`."""
    return re.sub(r"^(symptom|checkin|intake)_", r"\1.", slot) if slot else None


def flat(text: str) -> str:
    """`text` in lower case without accents, punctuation or doubled spaces."""
    return " ".join(re.sub(r"[^\w/%]+", " ", plain(text)).split())


def is_yes(text: str) -> bool:
    """Whether the whole of `text` is a yes."""
    return _YES.fullmatch(flat(text)) is not None


def is_none(text: str) -> bool:
    """Whether the whole of `text` says no, none or nothing."""
    return _NONE.fullmatch(flat(text)) is not None


def is_question(text: str) -> bool:
    """Whether `text` asks something rather than tells it."""
    return "?" in text or "¿" in text or _QUESTION.match(flat(text)) is not None


def is_request(text: str) -> bool:
    """Whether `text` demands something ("I want ...", "dígame ...") rather than tells it."""
    return _REQUEST.match(flat(text.replace("'", ""))) is not None


def read_scale(text: str) -> int | None:
    """A score from 0 to 10."""
    return 0 if is_none(text) else read_score(text)


def read_pair(text: str) -> tuple[int, int] | None:
    """Pain and swelling, 0 to 10 each, when `text` gives both: named in any order, or two bare numbers."""
    words = re.sub(r"(?<=\d) ?(?:/|out of|over|sobre|de) ?10\b", "", plain(text))
    words = " ".join(re.sub(r"[^\w.,]+", " ", words).split())
    bare = _TWO_SCORES.fullmatch(words)
    if bare:
        return _pair(bare[1], bare[2])
    for pattern in (_NAMED_FIRST, _NUMBER_FIRST):
        named = pattern.fullmatch(words)
        if named:
            said = {key: value for key, value in named.groupdict().items() if value is not None}
            first_is_pain = said["first"].startswith(("pain", "dolor"))
            if first_is_pain == said["second"].startswith(("pain", "dolor")):
                return None
            pair = (said["one"], said["two"])
            return _pair(*(pair if first_is_pain else pair[::-1]))
    return None


def _pair(pain: str, swelling: str) -> tuple[int, int] | None:
    scores = [_SCORES[word] if word in _SCORES else int(word) for word in (pain, swelling)]
    return (scores[0], scores[1]) if all(0 <= score <= 10 for score in scores) else None


def read_signs(text: str) -> list[int] | None:
    """The chosen numbers of the red-flag list, in order; an empty list for none of them."""
    if is_none(text):
        return []
    return read_choices(text) or None


def read_trend(text: str) -> Literal["better", "same", "worse"] | None:
    """Better, the same or worse; when several are said, the worst of them."""
    words = flat(text)
    if words in _TRENDS:
        return _TRENDS[words]  # type: ignore[return-value]
    if _WORSE.search(words):
        return "worse"
    if _SAME.search(words) or _NOT_BETTER.search(words):
        return "same"
    return "better" if _BETTER.search(words) else None


def read_choice(text: str) -> int | None:
    """The number of a choice, when the answer is nothing but that."""
    words = re.sub(r"^(?:the |el |la |number |numero |option |opcion |no )+", "", flat(text))
    if re.fullmatch(r"\d", words):
        return int(words)
    return _WORDS.get(words)


def readable(question: str | None, text: str) -> bool:
    """Whether `text` is an answer to `question` that can be read as what the question wants."""
    readers = {"scale": read_scale, "signs": read_signs, "trend": read_trend, "offer": read_choice}
    reader = readers.get(QUESTIONS.get(question or "", "words"))
    return reader is not None and reader(text) is not None


_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6,
          "uno": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6}  # fmt: skip

_ANNOUNCING = frozenset(
    [
        "i",
        "want",
        "need",
        "would",
        "like",
        "to",
        "id",
        "report",
        "log",
        "record",
        "note",
        "mention",
        "tell",
        "say",
        "write",
        "down",
        "let",
        "know",
        "you",
        "u",
        "the",
        "a",
        "an",
        "my",
        "some",
        "something",
        "someone",
        "nurse",
        "doctor",
        "clinic",
        "team",
        "about",
        "of",
        "on",
        "for",
        "since",
        "after",
        "from",
        "with",
        "have",
        "has",
        "had",
        "ive",
        "got",
        "get",
        "getting",
        "having",
        "can",
        "could",
        "where",
        "do",
        "please",
        "it",
        "this",
        "that",
        "is",
        "im",
        "am",
        "there",
        "think",
        "new",
        "symptom",
        "symptoms",
        "side",
        "effect",
        "effects",
        "problem",
        "problems",
        "issue",
        "issues",
        "reaction",
        "reactions",
        "complaint",
        "treatment",
        "injection",
        "injections",
        "filler",
        "appointment",
        "bad",
        "quiero",
        "quisiera",
        "necesito",
        "tengo",
        "que",
        "hay",
        "reportar",
        "avisar",
        "anotar",
        "contar",
        "contarles",
        "decir",
        "decirles",
        "informar",
        "apuntar",
        "comentar",
        "sobre",
        "de",
        "un",
        "una",
        "unos",
        "unas",
        "el",
        "la",
        "los",
        "las",
        "lo",
        "mi",
        "mis",
        "me",
        "algo",
        "alguien",
        "doctora",
        "enfermera",
        "clinica",
        "desde",
        "despues",
        "del",
        "tratamiento",
        "relleno",
        "inyeccion",
        "con",
        "por",
        "favor",
        "sintoma",
        "sintomas",
        "efecto",
        "efectos",
        "secundario",
        "secundarios",
        "problema",
        "problemas",
        "reaccion",
        "reacciones",
        "donde",
        "aviso",
        "creo",
        "esta",
        "dando",
        "ha",
        "dado",
        "es",
    ]
)


def names_no_symptom(text: str) -> bool:
    """Whether `text` only announces a report ("I want to report a symptom") and does not say of what."""
    return all(word in _ANNOUNCING for word in flat(text).split())


def read(question: str, text: str) -> int | list[int] | str | None:
    """`text` as what `question` wants; None when it cannot be read so."""
    kind = QUESTIONS.get(question, "words")
    if kind == "scale":
        return read_scale(text)
    if kind == "signs":
        return read_signs(text)
    if kind == "trend":
        return read_trend(text)
    return read_choice(text) if kind == "offer" else text
