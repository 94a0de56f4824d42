"""Reading 0-10 answers as people write them: "2/10 and down from 4", "same", "pain 3, no bruising", "3 4".

Pure. Whether a score is dangerous is for triage, which has read it before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bot.triage.answers import read_score
from bot.triage.normalise import NUMBER_WORDS, plain

#: The 0-10 questions of a check-in, and the words by which an answer names one.
_SIGNS = {
    "pain": r"pain\w*|hurts?|hurting|dolor\w*|duele",
    "swelling": r"swell\w*|swollen|puff\w*|hincha\w*|inflama\w*",
    "bruising": r"bruis\w*|moret\w*|morado\w*|morat\w*|cardenal\w*",
    "tenderness": r"tender\w*|sore\w*|sensib\w*",
    "satisfaction": r"satisf\w*|happy|happiness|content[oa]",
}
SCALES = tuple(_SIGNS)
_WORDS = {**NUMBER_WORDS, "nada": 0}
_TIMES = r"(?:days?|hours?|weeks?|months?|nights?|am|pm|dias?|horas?|semanas?|mes(?:es)?|noches?)\b"
_NUMBER = rf"(?:\d{{1,2}}|{'|'.join(_WORDS)})"
_SCORE = rf"\b{_NUMBER}\b(?! ?(?:{_TIMES}|:\d))"
_ANY_SIGN = rf"(?:{'|'.join(_SIGNS.values())})"
_TOKENS = re.compile(
    "|".join(
        [
            rf"(?P<nothing>\b(?:no|sin|zero|cero|nada de|not? any) (?:more )?(?={_ANY_SIGN}\b))",
            *(rf"(?P<{name}>\b(?:{words})\b)" for name, words in _SIGNS.items()),
            # "3 for pain" looks ahead for its sign; "pain 3" has it already
            rf"(?P<ahead>{_SCORE} (?:for|of|in|on|de|en|para)(?: (?:my|the|el|la|los))?(?= {_ANY_SIGN}\b))",
            rf"(?P<score>{_SCORE})",
        ]
    )
)
_FROM_TO = re.compile(
    rf"\b(?:from|de|del|desde)(?: an?| un)? {_NUMBER} (?:down |up )?(?:to|a|al|hasta)(?: an?| un)? "
    rf"(?P<now>{_NUMBER})\b"
)
_BEFORE = re.compile(
    rf"\b(?:(?:down|up|dropped|fell|rose|bajo|subio|bajando|subiendo) (?:from|de|desde)|from|was|were|"
    rf"had been|era|estaba(?: en)?|desde|antes|ayer|yesterday|last time)(?: an?| un)? {_NUMBER}\b"
    rf"|\b{_NUMBER} (?:yesterday|ayer|before|antes|last (?:time|week|night))\b"
)
_SAME = re.compile(
    r"(?:(?:its?|still|about|pretty much|exactly|todo|esta|sigue|mas o menos) )*(?:the |lo )?"
    r"(?:same|unchanged|no change|igual|mismo|sin cambios?)"
    r"(?: (?:as|que|like)? ?(?:before|last time|yesterday|ayer|antes|la ultima vez))?"
    r"(?: (?:still|thanks|gracias))?"
)
_COMPARED = re.compile(
    r"\b(?:better|worse|less|more|improv\w+|easing|down|up|mejor\w*|peor\w*|menos|mas|bajando|subiendo)\b"
)
#: Words of comparing that compare nothing.
_NOT_COMPARED = re.compile(r"\b(?:mas o menos|more or less|nada mas|(?:no|any|not any) (?:more|mas))\b")
_MEANT = re.compile(
    r"\b(?:meant|mean to (?:say|write|put)|typo|correction|my bad|quise decir|queria (?:decir|poner)|"
    r"me equivoque|me he equivocado|corrijo|correccion)\b"
)


def _flat(text: str) -> str:
    words = re.sub(r"(?<=\d) ?(?:/|out of|over|sobre|de) ?10\b", "", plain(text))
    return " ".join(re.sub(r"[^\w:.,]+", " ", re.sub(r"[.,](?!\d)", " ", words)).split())


def _value(said: str) -> int:
    return _WORDS[said] if said in _WORDS else int(said)


def read_scale(text: str, before: int | None = None) -> int | None:
    """The 0-10 score in an answer, of today where it tells of an earlier one too.

    "The same" is the score of the check-in before, where there was one (`before`).
    """
    flat = _flat(text)
    if before is not None and _SAME.fullmatch(flat):
        return before
    moved = _FROM_TO.search(flat)
    if moved:
        now = _value(moved["now"])
        return now if 0 <= now <= 10 else None
    today = _BEFORE.sub(" ", flat)
    return read_score(today if re.search(_SCORE, today) else text)


def is_compared(text: str) -> bool:
    """Whether an answer without a number compares with an earlier day: "better than yesterday"."""
    flat = _NOT_COMPARED.sub(" ", _flat(text)).strip()
    return not re.search(_SCORE, flat) and bool(_COMPARED.search(flat) or _SAME.fullmatch(flat))


def is_same(text: str) -> bool:
    """Whether the whole of an answer says that nothing has changed: "same", "igual que ayer"."""
    return _SAME.fullmatch(_flat(text)) is not None


def corrects(text: str) -> bool:
    """Whether an answer takes an earlier one back: "sorry, I meant 4"."""
    return bool(_MEANT.search(_flat(text)))


def read_named(text: str) -> dict[str, int]:
    """Every score that names its question: "pain 3 and no bruising", "3 for pain, swelling 2".

    Empty unless every question that is named has exactly one score.
    """
    flat = _BEFORE.sub(" ", _flat(text))
    named: dict[str, int] = {}
    waiting_sign: str | None = None
    waiting_score: int | None = None
    for match in _TOKENS.finditer(flat):
        kind = match.lastgroup or ""
        if kind in _SIGNS:
            if kind in named or waiting_sign is not None:
                return {}
            if waiting_score is not None:
                named[kind], waiting_score = waiting_score, None
            else:
                waiting_sign = kind
            continue
        score = 0 if kind == "nothing" else _value(match[0].split()[0])
        if kind == "score" and waiting_sign is not None:
            named[waiting_sign], waiting_sign = score, None
        elif waiting_score is None:
            waiting_score = score
        else:
            return {}
    complete = waiting_sign is None and waiting_score is None
    return named if complete and all(0 <= value <= 10 for value in named.values()) else {}


def read_list(text: str) -> list[int]:
    """Bare scores one after another ("3, 4", "2 and 3 and 0"); empty unless there is nothing else."""
    words = [word for word in _flat(text).split() if word not in ("and", "y", "then", "e")]
    if len(words) < 2 or not all(re.fullmatch(_NUMBER, word) for word in words):
        return []
    scores = [_value(word) for word in words]
    return scores if all(0 <= score <= 10 for score in scores) else []


def read_scores(text: str, asked: str, to_come: Sequence[str], before: Mapping[str, int]) -> dict[str, int]:
    """The scores that an answer to the 0-10 question `asked` gives, by question.

    It may answer those `to_come` too, by name or in their order. `before` holds the scores of the check-in
    before. Empty when `asked` itself is not answered, and nothing else by name.
    """
    named = read_named(text)
    if named:
        return named
    led = re.fullmatch(rf"(?P<first>{_NUMBER})(?: and| y)? (?P<rest>.+)", _flat(text))
    others = read_named(led["rest"]) if led else {}
    if led and others and asked not in others and _value(led["first"]) <= 10:
        return {asked: _value(led["first"]), **others}
    line = [asked]
    for question in to_come:
        if question not in SCALES:
            break
        line.append(question)
    listed = read_list(text)
    if listed and len(listed) <= len(line):
        return dict(zip(line, listed, strict=False))
    score = read_scale(text, before.get(asked))
    return {} if score is None else {asked: score}
