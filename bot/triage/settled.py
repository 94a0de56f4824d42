"""Messages of which every word is understood: a trained reader could only guess at them. Pure.

Only a whole message counts. One word more, and both readers read it as ever; the rules read these too.
"""

from __future__ import annotations

import re

from bot.triage import which
from bot.triage.calls import is_about_the_call
from bot.triage.matcher import View
from bot.triage.normalise import bare_words, read
from bot.triage.rules import RuleBook
from bot.triage.types import PROBE_MIND, PROBE_WHICH, PROBES, Context

#: Bruises are what most people have for so many days.
BRUISES_LAST = 14

_LEAD = (
    r"(?:hi|hello|hey|sorry|ok|okay|so|but|and|also|btw|just|hola|oye|oiga|perdon|bueno|pues|pero|y|"
    r"tambien|ya|"
    r"buenos dias|buenas(?: tardes)?)"
)
_WHEN = (
    r"(?:twice|again|back|now|just now|earlier|today|yesterday|this (?:morning|afternoon|evening)|tonight|"
    r"already|"
    r"all (?:day|morning|afternoon)|(?:\d+|two|three|four|five|a few|several|many) times|hoy|ayer|antes|"
    r"ahora|"
    r"esta (?:manana|tarde|noche)|(?:\d+|dos|tres|cuatro|cinco|varias|muchas) veces|toda la (?:manana|tarde)|"
    r"todo el dia|otra vez)"
)
_DESK = (
    r"(?:you|u|you guys|(?:the|your|ur) (?:clinic|number|line|urgent line|desk|office|reception|phone)|"
    r"this number|"
    r"that number|a la clinica|(?:al|a su|a este|a ese) (?:numero|telefono)|a recepcion|les?|os|los)"
)
_RANG = (
    r"(?:(?:i|ive|i have|we|weve) )?(?:(?:just|have|already) )?(?:rang|ring|rung|called|call|phoned|"
    r"tried (?:to (?:call|ring|phone|reach)|calling|ringing|phoning|reaching)|been (?:calling|ringing|"
    r"phoning)|"
    r"keep (?:calling|ringing|phoning))"
    r"|(?:(?:les?|os|los|te) )?(?:he llamado|llame|llamo|estoy llamando|llevo llamando|hemos llamado|"
    r"llamamos)"
)
_NOBODY = (
    r"(?:no ?one|nobody)(?: (?:has|is|was|ever|even))?(?: (?:there|here))?"
    r" (?:(?:picks?|picked|picking) up|answer(?:s|ed|ing)?|there|(?:called|rang|phoned) (?:me )?back)"
    r"(?: the (?:phone|call))?"
    r"|(?:it )?(?:just )?(?:rings|rang)(?: and rings)? out|(?:it )?(?:goes|went) to voicemail|no answer"
    r"|nadie (?:me |nos )?(?:lo )?(?:contesta|contesto|responde|respondio|coge|cogio|atiende|atendio|"
    r"descuelga|"
    r"ha (?:contestado|respondido|cogido))(?: (?:el|al) telefono| la llamada)?"
    r"|no (?:me |nos )?(?:contestan|contestaron|responden|cogen|cogieron|atienden|atendieron)"
    r"(?: (?:el|al) telefono| la llamada)?"
)
_NOBODY_ANSWERS = re.compile(
    rf"(?:{_LEAD} )*(?:(?:{_RANG})(?: {_DESK})?(?: {_WHEN})* (?:and |but |y |"
    rf"pero )?)?(?:{_NOBODY})(?: {_WHEN})*"
    rf"|(?:{_LEAD} )*i (?:cant|cannot|couldnt) (?:get through|reach)(?: (?:to )?(?:anyone|anybody|someone|"
    rf"{_DESK}))?"
    rf"(?: {_WHEN})*"
)

_FEW = (
    r"(?:a|some|a few|a couple of|small|little|tiny|light|slight|un|unos|algunos|varios|un par de|pequenos?)"
)
_BRUISED = re.compile(
    rf"(?:{_LEAD} )*(?:"
    rf"(?:ive|i have|im|i am|i)? ?(?:come|came|coming) (?:up|out) (?:in|with)(?: {_FEW})* (?:bruis(?:es|"
    rf"ing)|a bruise)"
    rf"|(?:ive got|i have|i got|ive|theres|there is|there are)(?: {_FEW})* bruis(?:e|es|ing)"
    rf"|(?:me (?:han|ha) salido|me salieron|me salio|se me (?:han|ha) hecho|tengo)(?: {_FEW})*"
    r" (?:moratones|moraton|moretones|moreton|cardenales|morados)(?: (?:pequenos?|chiquitos?|leves?))?)"
    r"(?: (?:where (?:i was injected|you injected|the needles? (?:went|was|were))|from the (?:injections?|"
    r"needles?)|"
    r"donde (?:me (?:pincharon|inyectaron)|la aguja)|de (?:las inyecciones|los pinchazos|la aguja)))?"
    rf"(?: {_WHEN})*(?: (?:is (?:that|this|it) (?:normal|ok|okay)|es normal))?"
)

_TAKES = re.compile(
    rf"(?:{_LEAD} )*(?:i am|im|ive been|i have been|i take|im taking|i am taking|i use|tomo|estoy tomando|"
    r"estoy con|llevo tomando|uso|yo tomo)\b"
)
_ON_THINNER = re.compile(
    rf"{_TAKES.pattern}(?: (?:on|taking|daily|el|la|un|una|mi|my|a))* THINNER"
    r"(?: (?:every day|daily|cada dia|todos los dias))?"
    r"(?: (?:for|por|para)(?: (?:my|the|a|an|mi|el|la|una|un))?"
    r" (?:heart|a ?fib|af|atrial fibrillation|arrhythmia|(?:heart )?valve|clots?|blood clots?|dvt|corazon|"
    r"arritmia|"
    r"fibrilacion(?: auricular)?|valvula|trombosis|coagulos?))?"
)
_HAVE_RUNG = re.compile(rf"(?:{_LEAD} )*(?:{_RANG})(?: {_DESK})?(?: {_WHEN})*")
#: Nobody needs more words for any of these.
MOST_WORDS = 20
#: Longer messages are read as a whole alone.
MOST_CHARACTERS = 600


def nobody_answers(text: str) -> bool:
    """Whether the whole of `text` says that nobody at the clinic picks up the phone."""
    return _fits(_NOBODY_ANSWERS, text)


_CLAUSES = re.compile(r"\b(?:and|but|so|y|pero)\b", re.I)
_SENTENCES = re.compile(r"[.,;:!?\n]+")


def beside_nobody_answers(text: str) -> str | None:
    """What `text` tells beside that nobody picks up the phone; None where it tells nothing of that, or
    nothing else."""
    if len(text) > MOST_CHARACTERS:
        return None
    left, dropped = [], False
    for sentence in _SENTENCES.split(text):
        if nobody_answers(sentence):
            dropped = True
            continue
        for clause in _CLAUSES.split(sentence):
            if nobody_answers(clause) or _fits(_HAVE_RUNG, clause):
                dropped = True
            elif clause.strip():
                left.append(clause.strip())
    return ". ".join(left) or None if dropped else None


def _fits(pattern: re.Pattern[str], text: str) -> bool:
    words = bare_words(text)
    return len(words.split()) <= MOST_WORDS and pattern.fullmatch(words) is not None


def is_settled(text: str, context: Context, rules: RuleBook) -> bool:
    """Whether the whole of `text` is one of the things that need no guess, where it means what it says.

    Who was asked about hurting themselves and finds nobody on the phone may mean another phone.
    """
    if nobody_answers(text):
        return context.question != PROBE_MIND and context.open_alert_flag != "PSY"
    if is_about_the_call(text, context):
        return True
    if context.question == PROBE_WHICH and context.number is not None:
        return which.is_no_sign(text, context.number, context.interrupted)
    if context.question in PROBES:
        return False
    expected = context.day is None or context.day <= BRUISES_LAST
    if expected and _fits(_BRUISED, text):
        return True
    reading = read(text)
    if not _TAKES.match(" ".join(reading.words)) or len(reading.words) > MOST_WORDS:
        return False
    return _ON_THINNER.fullmatch(_with_thinner(rules.index.view(reading))) is not None


def _with_thinner(view: View) -> str:
    """The words of a message, each name of a blood thinner as THINNER."""
    words = list(view.reading.words)
    for start, end in sorted(view.spans.get("@thinner", ()), reverse=True):
        words[start:end] = ["THINNER"]
    return " ".join(words)
