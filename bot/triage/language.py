"""Which language a message is in: English or Spanish, and the patient's own language when in doubt."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from bot.triage.normalise import bare_words, plain
from bot.triage.types import Language

if TYPE_CHECKING:
    from lingua import LanguageDetector

MIN_WORDS_FOR_MODEL = 4
MIN_CONFIDENCE = 0.9


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Words that are common in one of the two languages and hardly occur in the other.
_SPANISH = _words(
    """que de el la los las un una y en con por para mi me se te le lo su sus es esta estoy esto ese eso
    muy pero como cuando donde porque ya hoy ayer manana tengo tiene veo duele bien mal gracias hola
    buenas buenos dias tardes noches puedo puede quiero hace desde hasta sin ni nada ninguno ninguna ojo
    ojos labio labios cara nariz mejilla cachete boca dolor hinchado hinchada inflamado cita relleno
    ayuda urgente cuanto cuesta soy siento salio sale estan fue mucho mucha poco dia dias tambien todo
    todos usted ustedes nos vez asi doctora"""
)
_ENGLISH = _words(
    """the and is are was it its my i im ive you your to of for with this that have has had not cant dont
    what when how can will would should be been at on from they she her his but if or so just been do
    does did feel feels hurts hurt eye eyes lip lips face cheek pain swelling today yesterday hello
    thanks thank please appointment since side after get got going any"""
)
#: With these alone somebody opens a conversation in Spanish.
_OPENS_SPANISH = _words(
    """hola buenas buenos gracias ayuda precio precios cita consulta informacion cuanto cuanta cuesta duele
    quiero quisiera puedo necesito tengo estoy relleno rellenos embarazada eres quien quienes voy pueden
    podeis tienes tienen teneis sabes saben hacen haceis apta apto donde cual cuales cuando
    empezar empiezo empezamos empecemos comenzar comenzamos iniciar continuar seguir pregunta preguntas
    cuestionario llame llamado"""
)
_WORD = re.compile(r"[a-z]+")


_POLITE = (
    r"(?:hi|hello|hey|hola|buenas|sorry|perdon|ok|okay|please|pls|por favor|porfa|thanks|thank you|gracias|"
    r"and|but|y|pero|mejor|rather|only|solo)"
)
_ASKS = (
    r"(?:(?:(?:can|could|may|do) (?:you|we|i) )?(?:please )?(?:do|have|get|write|speak|talk|say|text|ask|"
    r"answer|reply|switch|change|continue|go on)"
    r"(?: (?:this|it|that|me|to me|with me|the questions?|the rest))?"
    r"|(?:i )?(?:want|need|prefer|would prefer|would like|speak)(?: it| this)?|id (?:prefer|like)(?: it)?"
    r"|(?:(?:puede|puedes|podria|podrias|podemos|pueden) )?(?:ser|hablar(?:me)?|habla(?:me)?|hable(?:me)?|"
    r"hablen|escribir(?:me)?|escriba(?:me)?|hacer(?:lo)?|cambiar|cambie|seguir|continuar|decir(?:me)?(?:lo)?)"
    r"|(?:yo )?(?:prefiero|quiero|quisiera|necesito|hablo)(?:lo)?)"
)
_NOT_THE_OTHER = r"(?:i (?:dont|do not|cant) (?:speak|understand|read|know)|no (?:hablo|entiendo|leo|se))"
#: Names of the two languages, and how the whole of a text asks for one or says that it lacks the other.
_NAMES: dict[Language, str] = {"en": "(?:english|ingles)", "es": "(?:spanish|espanol|castellano)"}
_OTHER: dict[Language, Language] = {"en": "es", "es": "en"}
_WISHES: dict[Language, re.Pattern[str]] = {
    wanted: re.compile(
        rf"(?:(?>{_POLITE}) )*+(?:(?:{_ASKS} )?(?:(?:in|en|to|a|al) )?{_NAMES[wanted]}"
        rf"|{_NOT_THE_OTHER} (?:(?:any|el|much|mucho) )?{_NAMES[other]})(?: (?>{_POLITE}))*+"
    )
    for wanted, other in _OTHER.items()
}
#: Nobody needs more words to ask for a language.
MOST_WORDS = 12


@lru_cache(maxsize=1)
def _model() -> LanguageDetector:
    from lingua import Language as LinguaLanguage
    from lingua import LanguageDetectorBuilder

    languages = (LinguaLanguage.ENGLISH, LinguaLanguage.SPANISH)
    return LanguageDetectorBuilder.from_languages(*languages).with_low_accuracy_mode().build()


def has_english(words: Iterable[str]) -> bool:
    """Whether one of `words` is common in English and hardly occurs in Spanish."""
    return not _ENGLISH.isdisjoint(words)


def asked_for(text: str) -> Language | None:
    """The language that the whole of `text` asks for ("english please", "en español por favor"), or None."""
    words = bare_words(text)
    if len(words.split()) > MOST_WORDS:
        return None
    return next((wanted for wanted, wish in _WISHES.items() if wish.fullmatch(words)), None)


def detect(text: str, default: Language = "en") -> Language:
    """The language of `text`, or `default` unless the text itself says otherwise clearly.

    Words that both languages share ("no", "ok") say nothing; two telling words decide; a longer text where
    they do not is put to a statistical model. Whoever asks for a language gets it.
    """
    wanted = asked_for(text)
    if wanted is not None:
        return wanted
    lowered = text.lower()
    words = _WORD.findall(plain(text))
    spanish = sum(word in _SPANISH for word in words) + 2 * len(re.findall(r"[ñ¿¡]", lowered))
    english = sum(word in _ENGLISH for word in words)
    if spanish >= 2 and spanish > english:
        return "es"
    if english >= 2 and english > spanish:
        return "en"
    if len(words) >= MIN_WORDS_FOR_MODEL and abs(spanish - english) <= 1:
        spanish_share = _spanish_share(text)
        if spanish_share >= MIN_CONFIDENCE:
            return "es"
        if spanish_share <= 1 - MIN_CONFIDENCE:
            return "en"
    return default


def detect_first(text: str, default: Language = "en") -> Language:
    """The language in which somebody unknown begins: a greeting is enough ("hola"), as nothing else tells."""
    words = _WORD.findall(plain(text))
    if has_english(words) or _OPENS_SPANISH.isdisjoint(words):
        return detect(text, default)
    return "es"


def _spanish_share(text: str) -> float:
    """How likely `text` is Spanish rather than English, 0 to 1."""
    values = {
        value.language.name: value.value for value in _model().compute_language_confidence_values(text[:500])
    }
    return float(values.get("SPANISH", 0.5))
