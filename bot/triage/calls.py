"""What patients say of the call that is due: "he rang me, it's sorted", "can't talk now, I'm at work". Pure.

Only a whole message counts, word for word. One word more, and it is read as any other.
"""

from __future__ import annotations

import re

from bot.triage.normalise import bare_words, plain
from bot.triage.types import PROBES, Context, Tier

#: Nobody needs more words for any of these.
MOST_WORDS = 20
#: Signs beside which "I can't talk" may mean what it says.
_OF_SPEECH = frozenset({"STR", "ALL", "NRV", "VIS"})
#: Questions that ask for trouble with speech among others.
_ASK_OF_SPEECH = frozenset({*PROBES, "checkin.speech", "checkin.red_flags"})

_LEAD = (
    r"(?:hi|hello|hey|sorry|ok|okay|so|but|and|also|btw|just|yes|yeah|yep|ah|oh|no worries|thanks|"
    r"hola|oye|oiga|perdon|bueno|pues|pero|y|tambien|ya|si|gracias|buenos dias|buenas(?: tardes)?)"
)
_WHEN = (
    r"(?:again|back|now|just now|earlier|today|yesterday|this (?:morning|afternoon|evening)|tonight|already|"
    r"a (?:minute|moment|while|bit) ago|on the phone|hoy|ayer|antes|ahora|esta (?:manana|tarde|noche)|ya|"
    r"hace (?:un rato|un momento|poco)|por telefono)"
)
_CLINIC = r"(?: (?:from|at) (?:the|your|ur) (?:clinic|desk|office|team|practice))?"
#: The name of a doctor is one word, and not one that denies the call.
_DOCTOR = (
    r"(?:dr|dra|doctor|doctora) (?!(?:never|not|no|hasnt|havent|hadnt|didnt|isnt|wont|wouldnt|who|nunca|"
    r"nobody|still|cant)\b)\w+"
)
_WHO = (
    rf"(?:they|they have|theyve|you|u|you guys|you lot|youve|(?:the|your|ur) (?:clinic|nurse|doctor|doc|team|"
    rf"office|desk)(?: has)?|a (?:nurse|doctor|lady|man|woman|colleague|person){_CLINIC}|"
    rf"(?:someone|somebody){_CLINIC}(?: has)?|she|he|shes|hes|{_DOCTOR})"
)
_WHOM = (
    r"(?:them|him|her|someone|somebody|you|(?:the|your|ur|a) (?:clinic|nurse|doctor|doc|team)|"
    rf"{_DOCTOR})"
)
_QUIEN = (
    r"(?:la (?:clinica|enfermera|doctora|medica)|el (?:doctor|medico|enfermero|equipo)|ustedes|ellos|ellas|"
    rf"vosotros|alguien(?: de la clinica)?|su equipo|{_DOCTOR})"
)
_RANG_ME = (
    rf"(?:{_WHO} (?:(?:just|already|have|has|did|finally) )*(?:rang|rung|called|call|phoned|spoke (?:to|with)"
    r" me)(?: me)?(?: back)?"
    rf"|(?:i )?(?:(?:just|already|have|ive) )*(?:had|got) (?:a|the|your|ur|their) call(?: from {_WHOM})?"
    rf"|(?:i )?(?:(?:have|ive|just|already) )*(?:spoke|spoken|talked) (?:to|with) {_WHOM}"
    rf"|(?:i )?(?:(?:have|ive) )?just got off the phone (?:to|with) {_WHOM}"
    r"|(?:(?:ya|acaban? de) )*(?:me )?(?:(?:acaban? de) )?(?:llamaron|han llamado|llamo|ha llamado|llamarme|"
    rf"llamar|llamasteis|habeis llamado)(?: {_QUIEN})?"
    rf"|{_QUIEN} (?:ya )?me (?:llamo|llamaron|ha llamado|han llamado)"
    rf"|(?:ya )?(?:he hablado|hable|hemos hablado|hablamos) con {_QUIEN}|ya (?:hablamos|hemos hablado))"
)
_ALL_GOOD = (
    r"(?:(?:(?:and|so|y|pero|but) )?(?:(?:its|im|i am|everything is|everythings|thats|esta|estoy|quedo|queda)"
    r" )?(?:(?:all|todo|muy) )?(?:good|fine|sorted|ok|okay|well|well now|done|settled|bien|solucionado|"
    r"resuelto|arreglado|aclarado|claro)(?: now| ahora| ya)?|no worries|thanks|thank you|thx|ta|cheers|"
    r"(?:muchas )?gracias)"
)
# Each piece is taken whole or not at all, so that no text, however long, is read in ever new ways.
_CLINIC_RANG = re.compile(
    rf"(?:(?>{_ALL_GOOD}\b) )*+(?:{_LEAD} )*(?>{_RANG_ME}\b)(?: (?>{_WHEN}\b))*+(?: (?>{_ALL_GOOD}\b))*+"
    rf"|(?:{_LEAD} )*(?>{_RANG_ME}\b)(?: (?>{_WHEN}\b))*+(?: (?>{_ALL_GOOD}\b))*+"
)

_NOW = r"(?:right now|now|just now|at the moment|atm|rn)"
_CANT_TALK = (
    r"(?:i )?(?:cant|cannot|can not) (?:talk|speak)(?: (?:to|with) (?:you|u|anyone))?"
    r"(?: on the phone)?"
)
_BUSY = (
    r"(?:(?:because|cos|as|since) )?(?:(?:im|i am) )?(?:(?:still|just|currently) )?"
    r"(?:at (?:work|the office|school|college|uni|the gym|church|my desk|dinner|lunch)|"
    r"in (?:a|an|another|the) (?:meeting|class|lecture|lesson|exam|interview|cinema|library|taxi)|in class|"
    r"on (?:a|the|another) (?:bus|train|call|tube|metro)|driving|working|teaching|"
    r"with (?:a|my) (?:client|customer|boss|kids|children))"
)
_AHORA = r"(?:ahora(?: mismo)?|en este momento)"
_NO_PUEDO = r"no (?:le |te |les |os )?puedo hablar(?: por telefono)?"
_OCUPADO = (
    r"(?:(?:porque|que|pues) )?(?:(?:estoy|ando|sigo) )?(?:en (?:el |mi )?trabajo|trabajando|"
    r"en (?:la|mi) oficina|en (?:una|la) (?:reunion|clase|entrevista|biblioteca)|reunid[oa]|en clase|"
    r"en (?:el|un) (?:bus|autobus|metro|tren|taxi|cine|gimnasio)|conduciendo|manejando|"
    r"con (?:un|una|mi) (?:cliente|clienta|jefe|jefa))"
)
_LATER = (
    r"(?:(?:can you|could you|please|puede|pueden) )?(?:(?:call|ring|phone|text|try)(?: me)?(?: back| again)?"
    r" (?:later|tonight|after (?:work|lunch|school)|(?:at|after) \d{1,2}(?: ?(?:am|pm))?|"
    r"in (?:an hour|half an hour|\d{1,2} (?:mins?|minutes|hours?)))|"
    r"(?:me )?(?:llam(?:e|a|en)(?:me)?|llamar(?:me)?) (?:luego|"
    r"mas tarde|despues|esta (?:tarde|noche)|a las \d{1,2}|en (?:una hora|media hora|\d{1,2} minutos)))"
)
_CLOSES = r"(?:sorry|thanks|thank you|please|perdon|lo siento|gracias|por favor)"
_CANNOT_TALK = re.compile(
    rf"(?:{_LEAD} )*(?>{_CANT_TALK} {_NOW} {_BUSY}|{_CANT_TALK} {_BUSY} {_NOW}|"
    rf"{_BUSY} (?:and |so )?{_CANT_TALK} {_NOW}|"
    rf"{_NO_PUEDO} {_AHORA} {_OCUPADO}|{_AHORA} {_NO_PUEDO} {_OCUPADO}|{_OCUPADO} (?:y )?"
    rf"(?:{_AHORA} {_NO_PUEDO}|{_NO_PUEDO} {_AHORA}))\b(?: (?>{_LATER}\b))?+(?: (?>{_CLOSES}\b))*+"
)


def clinic_rang(text: str) -> bool:
    """Whether the whole of `text` says that the clinic has rung, and at most that all is well."""
    return _fits(_CLINIC_RANG, text)


def cannot_talk(text: str) -> bool:
    """Whether the whole of `text` says that somebody has no time on the phone now, and a plain reason why.

    Without a reason, or without "now", it may be the loss of speech. So may any picture beside it.
    """
    return "emoji" not in plain(text) and "?" not in text and _fits(_CANNOT_TALK, text)


def is_about_the_call(text: str, context: Context) -> bool:
    """Whether the whole of `text` is about the call that an open alert brings, and tells of no sign."""
    if context.open_alert_tier is None:
        return False
    return clinic_rang(text) or no_time_to_talk(text, context)


def no_time_to_talk(text: str, context: Context) -> bool:
    """Whether `text` puts off the call that an open alert brings. Never beside an emergency, a sign of speech
    or a question of ours about one: there, who cannot talk is in danger."""
    tier, flag = context.open_alert_tier, context.open_alert_flag
    if context.question in _ASK_OF_SPEECH:
        return False
    return tier not in (None, Tier.T0) and flag not in _OF_SPEECH and cannot_talk(text)


def _fits(pattern: re.Pattern[str], text: str) -> bool:
    words = bare_words(text)
    return len(words.split()) <= MOST_WORDS and pattern.fullmatch(words) is not None
