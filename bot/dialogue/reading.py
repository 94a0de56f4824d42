"""Reading the answer to a question that we asked. Pure functions; what cannot be read gives None.

Whether an answer is dangerous is for triage, which has read it before the dialogue does.
"""

from __future__ import annotations

import re
from typing import Literal

from bot.dialogue.scores import read_scale as read_one_scale
from bot.intake.items import ITEMS
from bot.triage import mind
from bot.triage.answers import read_choices
from bot.triage.normalise import flat
from bot.triage.types import PROBE, PROBE_MIND, PROBE_WHICH

Kind = Literal["scale", "signs", "trend", "words", "offer", "intake", "choice", "yes_no", "photo", "mind"]

#: The content that asks the questions of triage; the one that asks in full comes last of its question.
PROBE_PIECES = {
    "safety.probe_again": PROBE,
    "safety.probe": PROBE,
    "safety.probe_mind": PROBE_MIND,
    "safety.probe_which": PROBE_WHICH,
}
#: What kind of answer each question wants.
QUESTIONS: dict[str, Kind] = {
    "checkin.overall": "choice",
    "checkin.pain": "scale",
    "checkin.swelling": "scale",
    "checkin.bruising": "scale",
    "checkin.tenderness": "scale",
    "checkin.lumps": "yes_no",
    "checkin.red_flags": "signs",
    "checkin.satisfaction": "scale",
    "checkin.gais": "choice",
    "checkin.photo": "photo",
    "checkin.other": "words",
    "symptom.what": "words",
    "symptom.where": "words",
    "symptom.since": "words",
    "symptom.severity": "scale",
    "symptom.trend": "trend",
    "dialogue.offer": "offer",
    "intake.offer": "offer",
    PROBE: "signs",
    PROBE_MIND: "mind",
    PROBE_WHICH: "yes_no",
    **{item.question: "intake" for item in ITEMS},
}

_NONE_WORDS = (
    r"(?:no|nope|nah|none|nothing|nil|not? (?:at all|really|to all)|"
    r"none of (?:them|those|these|that|this|the above)|all (?:good|fine)|nada|ningun[oa]?|para nada|"
    r"nada de (?:eso|esto|lo anterior)|ningun[oa]? de (?:esos|esas|ellos|ellas|estos|estas|los anteriores|"
    r"las anteriores)|todo bien)"
)
_NONE = re.compile(
    rf"(?:{_NONE_WORDS}|zero|0|cero)"  # a second figure answers a second question
    rf"(?: (?:{_NONE_WORDS}|of them|thanks|thank you|gracias|pain|dolor|swelling|i swear|por suerte))*"
)
_CLOSES = re.compile(
    r"(?:(?:ok|okay|no|nope|nah|great|perfect|vale|perfecto|listo|genial|nothing(?: else| more)?|"
    r"(?:thats|that is|thatll be) (?:all|it|everything)(?: for now)?|im all set|all set|no more questions|"
    r"nada(?: mas)?|(?:eso )?es todo(?: por ahora)?|ya esta|ninguna (?:otra|mas)|"
    r"thanks|thank you|gracias|muchas gracias) ?)+"
)
#: The question on lumps.
LUMPS = "checkin.lumps"
#: What the dialogue hears when a message is a picture without words.
PICTURE = "[picture]"
_YES_WORDS = r"(?:yes|yeah|yea|yep|yup|sure|correct|si|claro|correcto|vale|eso es|exacto)"
_YES = re.compile(rf"{_YES_WORDS}(?: (?:{_YES_WORDS}|please|por favor))*")
_AGREES_WORDS = (
    rf"(?:{_YES_WORDS}|ok|okay|go ahead|go on(?: then)?|lets (?:go|start|do it|begin)|sounds good|why not|"
    r"of course|venga|dale|vamos|adelante|por supuesto|de acuerdo|bueno|cuando quiera[ns]?)"
)
_AGREES = re.compile(
    rf"{_AGREES_WORDS}(?: (?:{_AGREES_WORDS}|please|pls|thanks|por favor|porfa|gracias|quiero|i do|i will))*"
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
#: How much, and what may stand before an answer that says so.
_VERY = r"very |really |pretty |so |quite |muy |bastante "
_A_BIT = r"(?:a |just a |only a )?(?:bit |little |little bit |tad )|slightly |un poco |un poquito |algo "
_I_AM = r"im |i am |i feel |i m |doing |feeling |estoy |me siento |me encuentro "
_LOOKS = r"(?:it |its |is |looks |look |i think |the treated area |esta |se ve |se nota |la veo |lo veo )*"
_IMPROVED = r"better|improved|mejor|mejorad[oa]"
#: The answers of each question that has a few, in the order of their numbers (`questions.yml`), and how
#: people say them. The first that fits counts, so that "not well" is not well.
_CHOICES: dict[str, tuple[tuple[str, str], ...]] = {
    "checkin.overall": (
        ("well", rf"(?:{_VERY}|{_I_AM}|all |todo )*"
                 r"(?:well|good|great|fine|perfect|amazing|bien|genial|perfect[oa]|estupend[oa])"),
        ("so_so", rf"(?:{_I_AM}|asi |mas o menos |{_A_BIT})*"
                  r"(?:so so|soso|meh|ok|okay|okish|alright|not great|could be better|not bad|"
                  r"regular|asi|mas o menos|tirando|no muy bien)"),
        ("unwell", rf"(?:{_I_AM}|{_VERY}|{_A_BIT})*"
                   r"(?:not (?:very |so |too |doing |feeling )*(?:well|good)|unwell|bad|awful|terrible|"
                   r"poorly|rough|horrible|mal|fatal|no (?:estoy |me siento )?bien)"),
    ),
    "checkin.gais": (
        ("very_much_improved", rf"{_LOOKS}(?:very much|massively|hugely|muchisimo) (?:{_IMPROVED})"),
        ("much_improved", rf"{_LOOKS}(?:so |very |muy )*"
                          rf"(?:(?:much|a lot|way|far|mucho|bastante) (?:{_IMPROVED})|"
                          r"(?:very|muy|bastante) (?:improved|mejorad[oa]))"),
        ("improved", rf"{_LOOKS}(?:{_A_BIT})*(?:{_IMPROVED})"),
        ("no_change", r"(?:no change|no different|no difference|(?:the |about the )?same|unchanged|igual|"
                      r"sin cambios?|lo mismo)"),
        ("worse", rf"{_LOOKS}(?:{_A_BIT}|so |much |mucho )*(?:worse|peor)"),
    ),
}  # fmt: skip
#: A lump that is small is a lump.
_SOME_LUMP = re.compile(
    r"(?:yes |si |yeah |maybe |quizas? |creo que (?:si )?|just |only |solo |i think |tengo |hay |noto )*"
    r"(?:a |an |one |un |una |uno )?"
    r"(?:(?:very |muy )?(?:tiny|small|little|slight|pequen[oa]|poco|poquito) ?)?"
    r"(?:bit|one|lump|bump|poco|poquito|uno|bulto|bultito|(?:muy )?pequen[oa]|little|slightly)"
    r"(?: (?:muy )?pequen[oa])?"
)
_REQUEST = re.compile(
    r"^(?:and |but |so |please |pero |y |por favor )*"
    r"(?:i (?:want|need|would like|demand)|id like|(?:tell|give|show|write|send|explain|diagnose)(?: to)? me|"
    r"quiero|quisiera|necesito|exijo|dime|digame|diganme|dame|deme|denme|explica\w*|escribeme|"
    r"diagnostic\w*)\b"
)
_QUESTION = re.compile(
    r"^(?:and |but |so |also |y |pero |ok |hi |hello |hola )*"
    r"(?:can|could|may|should|shall|is it|is there|are there|do i|do you|does|will|would|when|how|what|which|"
    r"why|where (?:is|are|do)|who|am i|have i|(?:(?:me|nos|lo|la|los|las) )?(?:puedo|podemos)|podria|"
    r"puede|se puede|debo|deberia|tengo que|hay que|"
    r"cuando|cuanto|cuanta|como|que|cual|por que|donde esta|quien|es (?:malo|seguro|mejor))\b"
)


#: Tells something with a word that also opens questions: "what I want", "cuando tenía veinte".
_TELLS = re.compile(
    r"^(?:and |but |so |y |pero )*(?:(?:what|when|how|where|why|which|who) (?:i|im|ive|my|it|its|they|we|"
    r"he|she)|"
    r"(?:cuando|como|que|cual|quien|donde) (?:me|mi|yo|era|tenia|tuve|estaba|estuve|se me))\b"
)


def question_of_slot(slot: str | None) -> str | None:
    """The question whose answer a slot holds: `symptom_where` holds that of `symptom.where`."""
    return re.sub(r"^(symptom|checkin|intake)_", r"\1.", slot) if slot else None


def is_yes(text: str) -> bool:
    """Whether the whole of `text` is a yes."""
    return _YES.fullmatch(flat(text)) is not None


def agrees(text: str) -> bool:
    """Whether the whole of `text` takes up something that was offered: "ok, go ahead", "sí, venga"."""
    return _AGREES.fullmatch(flat(text)) is not None


def is_none(text: str) -> bool:
    """Whether the whole of `text` says no, none or nothing."""
    return _NONE.fullmatch(flat(text)) is not None


def closes(text: str) -> bool:
    """Whether the whole of `text` says that there is nothing more to ask: "nope, that's all"."""
    return _CLOSES.fullmatch(flat(text.replace("'", "").replace("\u2019", ""))) is not None


def is_question(text: str) -> bool:
    """Whether `text` asks something rather than tells it."""
    return "?" in text or "¿" in text or _QUESTION.match(flat(text)) is not None


def asks_outright(text: str) -> bool:
    """Whether `text` opens like a question and does not tell something with the same word ("what I want")."""
    words = flat(text)
    return is_question(text) and _TELLS.match(words) is None


def is_request(text: str) -> bool:
    """Whether `text` demands something ("I want ...", "dígame ...") rather than tells it."""
    return _REQUEST.match(flat(text.replace("'", ""))) is not None


def read_scale(text: str) -> int | None:
    """A score from 0 to 10."""
    return 0 if is_none(text) else read_one_scale(text)


def read_option(question: str, text: str) -> str | None:
    """The answer to a question with a few answers, by its number or in words."""
    options = _CHOICES.get(question, ())
    number = read_choice(text)
    if number is not None:
        return options[number - 1][0] if 1 <= number <= len(options) else None
    closing = r"(?: (?:thanks|thank you|today|i guess|i suppose|i think|gracias|hoy|creo|supongo))+$"
    words = re.sub(closing, "", flat(text.replace("'", "")))
    return next((value for value, pattern in options if re.fullmatch(pattern, words)), None)


def read_yes_no(text: str, question: str = "") -> str | None:
    """ "yes" or "no", also as 1 or 0. Asked for lumps, "a small one" is a yes."""
    if is_none(text):
        return "no"
    if is_yes(text) or flat(text) in ("1", "one", "uno"):
        return "yes"
    return "yes" if question == LUMPS and _SOME_LUMP.fullmatch(flat(text)) else None


def read_photo(text: str) -> str | None:
    """ "skipped" when the patient would rather not send one. A picture itself comes as `PICTURE`."""
    if text == PICTURE:
        return "sent"
    declined = is_none(text) or re.fullmatch(
        r"(?:skip|not now|later|no photo|sin foto|ahora no|luego)", flat(text)
    )
    return "skipped" if declined else None


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


def read_offer(text: str) -> list[int] | None:
    """The numbers of the choices taken from a list that was offered: one, several, both or all of them."""
    number = read_choice(text)
    if number is not None:
        return [number]
    words = re.sub(r"(?: (?:please|pls|por favor|thanks|thank you|gracias))+$", "", flat(text))
    if _BOTH.fullmatch(words):
        return [1, 2]
    if _ALL.fullmatch(words):
        return [1, 2, 3]
    said = [word for word in words.split() if word not in _BETWEEN_NUMBERS]
    numbers = [int(word) if re.fullmatch(r"\d", word) else _WORDS.get(word) for word in said]
    known = [number for number in numbers if number is not None]
    return list(dict.fromkeys(known)) if known and len(known) == len(numbers) else None


def readable(question: str | None, text: str) -> bool:
    """Whether `text` is an answer to `question` that can be read as what the question wants."""
    free = QUESTIONS.get(question or "", "words") in ("words", "intake")
    return not free and read(question or "", text) is not None


_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6,
          "uno": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6}  # fmt: skip

_BOTH = re.compile(
    r"(?:yes |si |tell me |about |i want |quiero |de |sobre )*"
    r"(?:both(?: of (?:them|those|these))?|(?:the )?first two|amb[oa]s(?: cosas)?|l[oa]s dos(?: cosas)?)"
)
_ALL = re.compile(
    r"(?:yes |si |tell me |about |i want |quiero |de |sobre )*"
    r"(?:all(?: (?:of (?:them|those|these)|three|3))|everything|tod[oa]s(?: ell[oa]s)?|l[oa]s (?:tres|3))"
)
_BETWEEN_NUMBERS = frozenset(["and", "y", "the", "el", "la", "number", "numero", "option", "opcion"])

_ANNOUNCING = frozenset([
    "i", "want", "need", "would", "like", "to", "id", "report", "log", "record", "note", "mention",
    "tell", "say", "write", "down", "let", "know", "you", "u", "the", "a", "an", "my", "some",
    "something", "someone", "nurse", "doctor", "clinic", "team", "about", "of", "on", "for", "since",
    "after", "from", "with", "have", "has", "had", "ive", "got", "get", "getting", "having", "can",
    "could", "where", "do", "please", "it", "this", "that", "is", "im", "am", "there", "think", "new",
    "symptom", "symptoms", "side", "effect", "effects", "problem", "problems", "issue", "issues",
    "reaction", "reactions", "complaint", "treatment", "injection", "injections", "filler", "appointment",
    "bad", "quiero", "quisiera", "necesito", "tengo", "que", "hay", "reportar", "avisar", "anotar",
    "contar", "contarles", "decir", "decirles", "informar", "apuntar", "comentar", "sobre", "de", "un",
    "una", "unos", "unas", "el", "la", "los", "las", "lo", "mi", "mis", "me", "algo", "alguien",
    "doctora", "enfermera", "clinica", "desde", "despues", "del", "tratamiento", "relleno", "inyeccion",
    "con", "por", "favor", "sintoma", "sintomas", "efecto", "efectos", "secundario", "secundarios",
    "problema", "problemas", "reaccion", "reacciones", "donde", "aviso", "creo", "esta", "dando", "ha",
    "dado", "es",
])  # fmt: skip


def names_no_symptom(text: str) -> bool:
    """Whether `text` only announces a report ("I want to report a symptom") and does not say of what."""
    return all(word in _ANNOUNCING for word in flat(text).split())


def read(question: str, text: str) -> int | list[int] | str | None:
    """`text` as what `question` wants; None when it cannot be read so."""
    match QUESTIONS.get(question, "words"):
        case "scale":
            return read_scale(text)
        case "signs":
            return read_signs(text)
        case "trend":
            return read_trend(text)
        case "offer":
            return read_offer(text)
        case "choice":
            return read_option(question, text)
        case "yes_no":
            return read_yes_no(text, question)
        case "photo":
            return read_photo(text)
        case "mind":
            return mind.read(text)
    return text
