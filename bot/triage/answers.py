"""Answers that mean something only with the question that was asked, or with what came before.

A score, a number from a list, "yes", a thumb, a picture without a word, "never mind".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from bot.triage import keywords, mind, which
from bot.triage.calls import is_about_the_call
from bot.triage.matcher import View
from bot.triage.modifiers import Modifiers
from bot.triage.normalise import NUMBER_WORDS, bare_words, plain
from bot.triage.types import PROBE, PROBE_MIND, PROBE_WHICH, Context, Finding, Tier

EARLY_DAYS = 3
PAIN_QUESTIONS = frozenset({"checkin.pain", "symptom.severity"})
SWELLING_QUESTIONS = frozenset({"checkin.swelling"})
#: The months' check-ins ask for a picture.
PHOTO_QUESTION = "checkin.photo"
LIST_QUESTIONS = frozenset({"checkin.red_flags", PROBE})

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
    PROBE: ("VO", Tier.T1, "prop"),
    PROBE_MIND: ("PSY", Tier.T0, "GK"),
    "checkin.skin": ("VO", Tier.T1, "CMAC-VO"),
    "checkin.fever": ("INF", Tier.T2, "ACE-Inf"),
}
#: The rule of a sign that was chosen from the list, up to its number.
CHOSEN_FROM_LIST = "answer.list-"
#: A score up to this is low: no threshold of a shipped question lies below it.
LOW_SCORE = 3
#: A score from this on is severe, told unasked beside an open alert.
HIGH_SCORE = 7
#: What the 0-10 questions ask about, as answers to them name it, and what stands between.
_SCALES = frozenset({
    "pain", "swelling", "bruising", "bruise", "bruises", "tenderness", "and", "is", "dolor", "hinchazon",
    "moraton", "moratones", "sensibilidad", "y", "es", "de",
})  # fmt: skip
_WITHOUT = frozenset({"no", "sin", "none", "ningun", "nada"})
_NUMBER = re.compile(r"(?<![\d.,/:])(\d{1,2})(?:[.,]\d)?(?: ?(?:/|out of|over|sobre|de) ?10\b)?(?![\d:])")
_LIST_WORDS = re.compile(r"[a-z]+")
_LIST_FILLERS = frozenset({
    "and", "y", "number", "no", "numero", "opcion", "option", "the", "el", "la", "just", "solo",
    "only", "yes", "si", "to", "a", "n", "please", "maybe", "tiny", "bit", "little", "slightly",
    "slight", "mild", "kind", "sort", "of", "un", "una", "poco", "poquito", "algo", "leve", "por",
    "favor", "i", "have", "think", "its", "es", "creo", "got", "tengo", "nada", "mas",
})  # fmt: skip
_CHOSEN = re.compile(r"\b(?:number|numero|num|option|opcion|no\.?)[ :#]*([1-6])\b(?![/.,]?\d)")
#: The keywords that a carrier answers; alone they are no sign, with a word or "!" they may be a cry.
_KEYWORDS = keywords.CARRIERS["help"] | keywords.SPANISH["help"]
_CRY = _KEYWORDS | {"me", "please", "por", "favor", "i", "need", "necesito"}
_THANKS = frozenset({"thanks", "thank", "thx", "ty", "gracias"})
_LAUGHS = frozenset({"lol", "haha", "hahaha", "jaja", "jajaja", "lmao", "xd", "help", "info", "ayuda"})
_LEADS = frozenset(
    {"ok", "okay", "hi", "hello", "hey", "hola", "and", "y", "thanks", "gracias", "so", "also", "oye"}
)
#: Questions of ours whose answers are answers, also while an alert is open.
_ANSWERED = ("checkin.", "symptom.", "intake.")
_OFF = re.compile(
    r"\b(?:never ?mind|nvm|false alarm|forget (?:it|that|about)|ignore (?:it|me|that|my)|disregard|"
    r"panic over|leave it|cancel|stop|olvid\w+|no importa|falsa alarma|dejal[oa]|parar|baja|alto)\b"
)
_LATER = (
    r"(?:can i |could i |may i |ill |i will |will |lets |let me |puedo |podria |mejor |prefiero |"
    r"lo |te |les? )*"
    r"(?:do|finish|continue|answer|leave|go on with|hago|hacerlo|hare|termino|terminar(?:lo)?|terminare|sigo|"
    r"seguir|seguire|seguimos|continuar|continuo|contesto|respondo|dejo|dejar(?:lo)?|dejamos)?"
    r" ?(?:this|these|it|the rest|later|lo|esto|el resto)? ?(?:(?:for|until|till|para|hasta) )?"
    r"(?:later(?: on)?|tomorrow|tonight|another (?:time|day)|some other time|luego|mas tarde|despues|"
    r"manana|esta (?:noche|tarde)|en otro momento|otro (?:dia|rato|momento)|(?:al|en un) (?:rato|ratito)|"
    r"in an? (?:bit|minute|moment|sec|second|hour))"
    r"(?: (?:(?:lo |te |le |les )?(?:sigo|seguimos|continuo|hago|termino|contesto|respondo|digo)))?"
)
_NOT_NOW = (
    r"(?:not (?:right )?now|(?:(?:im|i am) )?busy (?:right )?now|(?:i )?(?:cant|cannot) (?:right )?now|"
    r"no (?:good )?time now|ahora (?:mismo )?no(?: puedo| tengo tiempo)?|"
    r"(?:no puedo|no tengo tiempo) ahora(?: mismo)?)"
)
_PUTS_OFF = re.compile(
    rf"(?:(?:sorry|ok|okay|perdon|lo siento|vale) )*(?:{_LATER}|{_NOT_NOW})"
    rf"(?:(?: (?:and|but|y|pero|so))? (?:{_LATER}|{_NOT_NOW}))*(?: please| por favor| thanks| gracias)*"
)
#: Nobody needs more words to say so.
MOST_WORDS = 20
#: Alone they may be a date that matters, and put nothing off.
_A_DATE = re.compile(r"(?:(?:for|until|till|para|hasta) )?(?:tomorrow|tonight|manana|esta (?:noche|tarde))")
#: Not to understand us takes nothing back.
_PUZZLED = re.compile(
    r"\bno (?:lo |te |les? )?(?:entiendo|comprendo)\b|\b(?:dont|do not) (?:understand|get (?:it|you|that))\b"
    r"|\bwhat do you mean\b|\bque (?:quiere decir|significa)\b"
)
_PLACEHOLDER = re.compile(r"\[(?:photo|image|picture|video|media|voice|audio|foto|imagen)[^\]]*\]", re.I)


def numbers_chosen(rules: Iterable[str]) -> list[int]:
    """Which signs of the numbered list were chosen, by the `rules` of what was found in an answer to it."""
    chosen = {rule.removeprefix(CHOSEN_FROM_LIST) for rule in rules if rule.startswith(CHOSEN_FROM_LIST)}
    return [number for number in RED_FLAG_LIST if str(number) in chosen]


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
    worse = _score_beside_alert(text, context)
    if worse is not None:
        yield worse
        return
    if context.has_media and context.day is not None and context.day <= EARLY_DAYS:
        yield Finding("VO", Tier.T2, "answer.media-with-words", "picture with text", "RealSelf-1", True)
    meant = _number_in_doubt(text, view, around, context)
    if meant is not None:
        yield from meant
        return
    if question in LIST_QUESTIONS:
        chosen = read_choices(text)
        if chosen:
            for number in chosen:
                flag, tier, source = RED_FLAG_LIST[number]
                yield Finding(flag, tier, f"{CHOSEN_FROM_LIST}{number}", f"{number}", source)
            return
        if _is_unsure(view):
            yield Finding("NEG", Tier.T2, "answer.unsure", " ".join(words[:8]), "prop", True)
            return
    of_the_mind = mind.read(text) if question == PROBE_MIND else None
    if of_the_mind == "no":
        return
    if question in YES_MEANS and (
        _is_yes(text, view, around, unsure=question not in LIST_QUESTIONS and question != PROBE_MIND)
        or (question == PROBE_MIND and plain(text).strip(" .!") == "1")
    ):
        flag, tier, source = YES_MEANS[question]
        yield Finding(flag, tier, "answer.yes", " ".join(words[:8]), source)
    elif of_the_mind == "unsure":
        yield Finding("PSY", Tier.T1, "answer.unsure", " ".join(words[:8]), "GK")
    if _worrying_without_sign(text, view, context):
        tier = Tier.T4 if words and _CRY.issuperset(words) else Tier.T2
        yield Finding("NEG", tier, "answer.worried", " ".join(words[:8]) or text.strip()[:20], "prop", True)


def _number_in_doubt(text: str, view: View, around: Modifiers, context: Context) -> list[Finding] | None:
    """What a number means that may be one of the six signs or the score that was asked for before them.

    None: there is no such doubt. A score is judged as one, and the six signs are asked again.
    """
    if context.question == PROBE and context.interrupted:
        score = which.score_told(text, context.interrupted)
        if score is not None:
            return _told_score(score, context)
        number = which.lone_number(text)
        if number in RED_FLAG_LIST:
            flag, _tier, source = RED_FLAG_LIST[number]
            return [Finding(flag, Tier.T3, f"{which.ASKED}{number}", text.strip()[:20], source, probe=True)]
        return None if number is None else _told_score(number, context)
    if context.question != PROBE_WHICH or context.number not in RED_FLAG_LIST:
        return None
    if which.is_no_sign(text, context.number, context.interrupted):
        return _told_score(context.number, context)
    instead = which.score_instead(text, context.number)
    if instead is not None:
        return _told_score(instead, context)
    lone = which.lone_number(text)
    chosen = read_choices(text) or ([] if lone is None else [lone])
    if chosen or which.is_sign(text) or _is_yes(text, view, around, unsure=True):
        signs = {context.number, *(number for number in chosen if number in RED_FLAG_LIST)}
        return [
            Finding(flag, tier, f"{CHOSEN_FROM_LIST}{number}", text.strip()[:40], source)
            for number in sorted(signs)
            for flag, tier, source in [RED_FLAG_LIST[number]]
        ]
    return None


def _score_beside_alert(text: str, context: Context) -> Finding | None:
    """A high score that somebody tells unasked while an alert on their body is open: it has become worse.

    A number up to six may be a sign of the list or a choice; a low one takes nothing back.
    """
    flag, tier = context.open_alert_flag, context.open_alert_tier
    if tier is None or flag in (None, "PSY", "PRG", "MIN", "MED") or context.question not in (None, PROBE):
        return None
    score = which.score_now(text)
    if score is None or score < HIGH_SCORE:
        return None
    return Finding(str(flag), Tier.T1, "answer.pain-score", f"{score}/10 beside the open alert", "Pearce")


def _told_score(score: int, context: Context) -> list[Finding]:
    """A score told while the six signs wait for their answer: they are asked again."""
    asked_of = context.interrupted
    judged = asked_of in PAIN_QUESTIONS or asked_of in SWELLING_QUESTIONS
    found = list(_score(score, asked_of in SWELLING_QUESTIONS, context)) if judged else []
    return [*found, Finding("NEG", Tier.T4, which.SCORE, f"{score}", "prop", probe=True)]


def is_keyword(text: str) -> bool:
    """Whether `text` is nothing but a keyword that the carrier answers ("HELP", "info")."""
    return plain(text).strip(" .") in _KEYWORDS


def is_for_the_carrier(text: str) -> bool:
    """Whether `text` is nothing but a word that the carrier acts on ("STOP", "Unsubscribe.")."""
    return re.sub(r"[\s.!]+", "", plain(text)) in keywords.ALL


def is_low_scores(text: str, context: Context) -> bool:
    """Whether `text` answers a check-in's 0-10 questions with low numbers and says nothing else.

    Then the scales judge it (`bot.followup.asking`), and no reader need guess what bare numbers mean.
    """
    question = context.question or ""
    if not question.startswith("checkin.") or question in LIST_QUESTIONS:
        return False
    words = re.findall(r"[a-z]+|\d+|[^\w\s,.;:/+-]", plain(text))
    scores = [int(word) if word.isdigit() else NUMBER_WORDS.get(word) for word in words]
    low = [score is not None and score <= LOW_SCORE for score in scores]
    denied = any(word in _WITHOUT for word in words)
    return (any(low) or denied) and all(
        fits or word in _SCALES or word in _WITHOUT for fits, word in zip(low, words, strict=True)
    )


def is_bare_number(text: str) -> bool:
    """Whether `text` is one number and nothing else: what it answers is known to the rules and scales, and a
    reader would have to guess."""
    return re.fullmatch(r"\W*\d{1,2}(?:\s*/\s*10)?\W*", text) is not None


def puts_off(text: str) -> bool:
    """Whether the whole of `text` says that the rest of our questions is for another time."""
    words = bare_words(text)
    if len(words.split()) > MOST_WORDS:
        return False
    return _PUTS_OFF.fullmatch(words) is not None and _A_DATE.fullmatch(words) is None


def says_nothing_to_read(text: str, context: Context) -> bool:
    """Whether a reader could only guess: a number alone, a word for the carrier, a wish for no more texts,
    low scores, or (answering a question of ours) "later". Rules, scales and forms know what it means."""
    for_later = (context.question or "").startswith(_ANSWERED) and puts_off(text)
    return (
        is_for_the_carrier(text)
        or keywords.asks_no_more_texts(text)
        or is_bare_number(text)
        or is_low_scores(text, context)
        or for_later
    )


def kept_open(text: str, view: View, around: Modifiers, context: Context) -> Finding | None:
    """An open alert stays as urgent as it is when the patient takes it back or says nothing new (stop, ok).

    A new ordinary question is read by itself, so that it can be answered; the alert stays open all the same.

    Only a named member of staff closes an alert (`clinical.md` section 6, multi-turn).
    """
    tier = context.open_alert_tier
    if context.question == PROBE_WHICH:
        return None  # "no" says that the number was a score
    of_the_call = is_about_the_call(text, context)
    if tier is None or not (of_the_call or is_keyword(text) or _takes_back(text, view, around)):
        return None
    at_once = of_the_call or is_keyword(text) or _OFF.search(plain(text))
    if (context.question or "").startswith(_ANSWERED) and not at_once:
        return None  # "the same" or "no" answers our question; the alert is open all the same
    if _PUZZLED.search(plain(text)):
        return None
    words = view.reading.words
    return Finding(
        context.open_alert_flag or "NEG", tier, "answer.alert-stays-open", " ".join(words[:12]), "prop"
    )


def _takes_back(text: str, view: View, around: Modifiers) -> bool:
    spans, reading = view.spans, view.reading
    nothing_new = {
        at
        for name in ("@retraction", "@affirmative", "@uncertain", "@answered_no")
        for start, end in spans.get(name, ())
        for at in range(start, end)
    }
    if all(at in nothing_new or word in _LAUGHS for at, word in enumerate(reading.words)):
        return True
    taken_back = set(spans.get("@retraction", ()))
    if _asks(view):
        taken_back -= set(spans.get("@weak_retraction", ()))
        return bool(taken_back)
    if "@no_change" in spans or not _THANKS.isdisjoint(_LIST_WORDS.findall(plain(text))):
        return True
    return bool(taken_back) or around.resolved or around.improving or any(around.negated)


def _asks(view: View) -> bool:
    """Whether the message asks something: a question mark, or a clause that opens like a question."""
    sentence, clause, words = view.reading.sentence, view.reading.clause, view.reading.words
    for start, _end in view.spans.get("@asks", ()):
        before = start - (start > 0 and words[start - 1] in _LEADS)
        if before == 0 or sentence[before - 1] != sentence[start] or clause[before - 1] != clause[start]:
            return True
    return bool(view.reading.asked)


def read_score(text: str, *, falling: bool = False) -> int | None:
    """The 0-10 score in an answer: the highest one said, or the lowest when it is said to be falling."""
    flat = plain(text)
    scores = [int(match[1]) for match in _NUMBER.finditer(flat)]
    scores += [NUMBER_WORDS[word] for word in _LIST_WORDS.findall(flat) if word in NUMBER_WORDS]
    scores = [score for score in scores if 0 <= score <= 10]
    if not scores:
        return None
    return min(scores) if falling else max(scores)


def read_choices(text: str) -> list[int]:
    """The numbers chosen from the red-flag list, when the answer is a choice and not a sentence."""
    flat = plain(text)
    words = [word for word in _LIST_WORDS.findall(flat) if word not in _LIST_FILLERS]
    named = [int(digit) for digit in _CHOSEN.findall(flat)]
    if named:
        return sorted(set(named))
    if any(word not in NUMBER_WORDS for word in words) and not re.match(
        r"^\W*[1-6]\b(?![/.,]?\d)(?! ?(?:more|mas|days?|dias?|hours?|horas?|weeks?|am|pm)\b)", flat
    ):
        return []
    numbers = [int(digits) for digits in re.findall(r"(?<![\d/.])\d+(?![\d/])", flat)]
    numbers += [NUMBER_WORDS[word] for word in words if word in NUMBER_WORDS]
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
    if context.question == PHOTO_QUESTION:  # it was asked for: a person looks at it, nobody is paged
        return Finding("NEG", Tier.T3, "answer.media-asked", "picture that was asked for", "RealSelf-1")
    return Finding("VO", Tier.T2, "answer.media", "picture without text", "RealSelf-1", True)


def _says_something(words: tuple[str, ...]) -> bool:
    return any(word.isalnum() and not word.startswith("emoji") for word in words)


def _is_yes(text: str, view: View, around: Modifiers, *, unsure: bool) -> bool:
    """Whether the message says yes; with `unsure` "I don't know" counts as yes."""
    if len(view.reading.words) > 12:
        return False
    if unsure and "@uncertain" in view.spans:
        return True
    return any(
        not around.negated[start] and not (view.reading.words[start] == "si" and _is_if(text, view, start))
        for start, _end in view.spans.get("@affirmative", ())
    )


def _is_if(text: str, view: View, at: int) -> bool:
    """Whether the "si" at word `at` is Spanish "if": without its accent and neither first nor last."""
    reading = view.reading
    first = at == 0 or reading.sentence[at - 1] != reading.sentence[at]
    last = at + 1 == len(reading.words) or reading.clause[at + 1] != reading.clause[at]
    accented = "sí" in unicodedata.normalize("NFC", text).lower()
    return not (accented or last or (first and reading.sentence[at] not in reading.asked))


def _is_unsure(view: View) -> bool:
    return "@uncertain" in view.spans and "@affirmative" not in view.spans and len(view.reading.words) <= 6


def _worrying_without_sign(text: str, view: View, context: Context) -> bool:
    """A treated patient in the watch window cries for help without words that say why."""
    if context.day is None or context.day > EARLY_DAYS:
        return False
    distress = "@worry" in view.spans or any(sign in text for sign in "😭😱😨😰🆘")
    return distress and len(view.reading.words) <= 3 and not is_keyword(text)
