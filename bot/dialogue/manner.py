"""Texts that are recognised by their form, whatever question is open: the word PERSON, abuse, and commands
meant for a machine, and the law. Pure functions; everything else is for the classifier.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from bot.intake.terms import vocabulary
from bot.triage.normalise import bare_words, flat, plain

#: Reasons of a hand-over, as the tasks of staff name them.
LEGAL, OTHER_MEDICINE = "legal_matter", "other_medicine"

#: Topics that may well be meant by a question that names a medicine.
ON_MEDICINES = frozenset(
    {
        "aftercare.painkillers",
        "candidacy.allergy",
        "candidacy.autoimmune",
        "candidacy.blood_thinners",
        "prep.cold_sores",
        "prep.supplements",
    }
)
#: What we tell patients to write to reach a human, and its like: the whole message, nothing else.
_PERSON = re.compile(
    r"(?:(?:a|the|real|una|un|la|el) )*"
    r"(?:person|persona|human|humano|humana|staff|operator|operador|operadora)"
    r"(?: (?:real|please|pls|now|por favor|porfavor|ya|ahora))*"
)
_INSULT = (
    r"(?:idiot\w*|stupid\w*|moron\w*|useless|dumb\w*|pathetic|worthless|asshole|bitch|cunt|"
    r"bastard\w*|scumbag\w*|wanker\w*|dickhead|piece of (?:shit|crap|garbage)|(?:full of )?shit|garbage|"
    r"trash|liars?|imbecil\w*|estupid\w+|tont[oa]s?|inutil\w*|mierda|basura|pendej\w+|gilipollas|"
    r"cabron\w*|put[oa]s?|hij[oa]s? de (?:la gran )?puta|mentiros\w+|pelotud\w+|bolud\w+)"
)
_INTENSE = (
    r"(?:such|just|so|all|really|a|an|bunch|of|total|complete|absolute|fucking|fuckin|bloody|damn|"
    r"un|una|unos|unas|muy|tan|solo|puro|pura|toda|todo)"
)
#: What may follow an insult; any other word might tell of a symptom, and then it is read as that.
_TAIL = (
    r"(?: (?:you|u|all|of|bot|robot|machine|people|clinic|man|and|ok|already|maquina|todos|ya|stupid|"
    r"fucking|idiot\w*|useless|asshole|bitch|cabron\w*|imbecil\w*|inutil\w*)){0,4}"
)
_ABUSE_FORMS = (
    r"(?:you|youre|you re|you are|u|ur|u r|u are|this bot is|this is|eres|sois|son|es usted|son ustedes|que)"
    rf"(?: {_INTENSE})* {_INSULT}",
    rf"(?:{_INTENSE} ){{0,3}}{_INSULT}",
    r"(?:go )?(?:fuck|screw|damn) (?:you|off|u|yourself|yourselves)",
    r"(?:go to hell|shut (?:the fuck )?up|stfu|gtfo|i hate you)",
    r"(?:vete|vayanse|anda|andate) a la (?:mierda|verga|chingada|puta)",
    r"(?:que te jodan|que te den|jodete|jodanse|chinga tu madre|callate|te odio|la puta que te pario)",
)
#: An insult alone, or one thrown at us. Swearing about a symptom ("a fucking bruise") is none.
_ABUSE = re.compile("|".join(f"{form}{_TAIL}" for form in _ABUSE_FORMS))
#: Orders about how to answer, in the shape of an attempt to talk a machine out of its rules. A patient who
#: did not follow our instructions says so in other words.
_INJECTION = re.compile(
    r"\b(?:ignore|disregard|override|bypass|forget) (?:\w+ ){0,2}(?:all|any|previous|prior|earlier|above)"
    r"(?: \w+){0,2} (?:instructions?|rules|prompts?|guidelines|programming|training|restrictions)\b"
    r"|\b(?:ignore|disregard|override|bypass) your (?:\w+ )?(?:instructions?|rules|programming|training)\b"
    r"|\b(?:ignor[ae]|ignoren|olvid[ae]|saltate) (?:todas )?(?:las |tus |sus )?(?:\w+ )?"
    r"(?:instrucciones|reglas|indicaciones) (?:anteriores|previas)\b"
    r"|\b(?:ignor[ae]|olvida) (?:todas )?tus (?:instrucciones|reglas)\b"
    r"|\b(?:system prompt|developer mode|jailbreak|prompt del sistema|modo desarrollador)\b"
    r"|^(?:you are now|from now on you|pretend (?:to be|you are|that you)|act as (?:a|an|my|if)|"
    r"ahora eres|a partir de ahora eres|finge que eres|actua como)\b"
)
#: The name of an intent or slot, with or without values: Rasa's own command syntax.
_COMMAND = re.compile(r"\s*/*\s*(?:[A-Za-z]+(?:_[A-Za-z]+)+|[A-Za-z_.]+\s*\{.*)\s*", re.DOTALL)
#: Words about the law, aimed at us. "My lawyer asks if it is approved" is a question like any other.
_COUNSEL, _ABOGADO = r"(?:lawyer|attorney|solicitor)s?", r"abogad[oa]s?"
_LEGAL = re.compile(
    r"\b(?:(?:sue|suing) (?:you|u|your|this|the|them|him|her)|(?:can|could|should|will|to) (?:i |we )?sue)\b"
    r"|\b(?:legal action|legal proceedings|lawsuit|malpractice|see you in court)\b"
    r"|\b(?:take|taking) (?:you|this|the clinic) to court\b"
    r"|\b(?:(?:call|contact|consult|hire|get|gett)(?:ing)?|(?:speak|talk|hear)(?:ing)? (?:to|with|from))"
    rf" (?:my|our|a) {_COUNSEL}\b"
    rf"|\b(?:my|our) {_COUNSEL} (?:will|is going to|needs you|wants you|demands)\b"
    r"|\b(?:want|claim|demand|owed|owe me|seek\w*) (?:\w+ ){0,2}compensation\b"
    r"|\breport(?:ing)? (?:you|the clinic|this clinic) to\b"
    r"|\b(?:demandar|denunciar)(?:l[aeo]s?|te|os)?\b|\b(?:una|la) (?:demanda|denuncia) (?:contra|de mi)\b"
    r"|\b(?:acciones legales|mala praxis|negligencia medica|danos y perjuicios|indemniza\w+)\b"
    r"|\bhojas? de reclamacion(?:es)?\b|\b(?:poner|presentar|interponer|hacer) una (?:reclamacion|queja)\b"
    r"|\b(?:make|file|lodge|raise) (?:a|an) (?:formal |official )?complaint\b"
    r"|\b(?:quejar(?:me|nos)?|quejo|hablar|hablare|llamar|llamare|contactar|acudir|consultar|consultare)"
    rf"(?: con| a)? (?:mi|un|una) {_ABOGADO}\b"
    rf"|\bmi {_ABOGADO} (?:se va a|les va|los va|va a|se pondra|exige)\b"
)
#: Words for a medicine, beside those that the intake knows by name.
_MEDICINE = re.compile(
    r"\b(?:antibiotics?|antidepressants?|antivirals?|antihistamines?|statins?|steroids?|cortisone|"
    r"predniso(?:ne|lone)|pills?|tablets?|capsules?|medicines?|medications?|meds|prescriptions?|dos(?:e|es|age)|"
    r"inhalers?|antibioticos?|antidepresivos?|antihistaminicos?|antivirales?|estatinas?|corticoides?|"
    r"cortisona|prednisona|pastillas?|comprimidos?|capsulas?|medicinas?|medicamentos?|receta medica|dosis|"
    r"inhalador(?:es)?)\b"
)
#: Asks where to go or says that nobody comes, while an alert is open.
_SEEKS_HELP = re.compile(
    r"\ba ?(?:&|and) ?e\b|\bemergency (?:room|dep\w*)|\bhospital\b|\bambulance\b|\burgencias\b|\bambulancia\b"
    r"|\bto (?:the )?er\b"
    r"|\b(?:no ?one|nobody|nadie)\b.{0,30}\b(?:pick\w*|answer\w*|call\w*|rang|there|contest\w*|respond\w*|"
    r"llam\w*)|\bno (?:me |nos )?(?:contestan|contesta|responden|responde|cogen|llaman)\b"
    r"|\b(?:any ?one|anybody) there\b|\bhay alguien\b|\bwho (?:do|would|can|should) i (?:even )?call\b"
    r"|\ba quien llamo\b"
)
_TEARS = "😭😢😥😰😨😱😩😫😖😞😔😟💔🆘"
#: Longer than this is no mere insult; there may be something in it to answer.
MAX_ABUSE_WORDS = 9


def asks_for_person(text: str) -> bool:
    """Whether the whole of `text` is the word that brings a human (PERSON, PERSONA)."""
    return _PERSON.fullmatch(flat(text)) is not None


def seeks_help(text: str) -> bool:
    """Whether `text`, beside an open alert, speaks of an emergency department or says that nobody answers."""
    return _SEEKS_HELP.search(plain(text)) is not None


def cries_without_words(text: str) -> bool:
    """Whether `text` is pictures alone, and one of them cries, fears or calls for help."""
    return not bare_words(text) and any(sign in text for sign in _TEARS)


def is_abuse(text: str) -> bool:
    """Whether `text` is nothing but an insult aimed at whoever reads it."""
    words = flat(text.replace("'", "").replace("’", ""))
    return len(words.split()) <= MAX_ABUSE_WORDS and _ABUSE.fullmatch(words) is not None


def is_machine_talk(text: str) -> bool:
    """Whether `text` tries to command the program instead of telling or asking something."""
    return _COMMAND.fullmatch(text) is not None or _INJECTION.search(flat(text)) is not None


def is_legal(text: str) -> bool:
    """Whether `text` speaks of the law against us: a claim, a lawyer, a complaint to an authority."""
    return _LEGAL.search(flat(text.replace("'", "").replace("\u2019", ""))) is not None


def is_about_medicine(text: str) -> bool:
    """Whether `text` names a medicine."""
    named = any(mention.term.item == "blood" for mention in vocabulary().mentions(text))
    return named or _MEDICINE.search(flat(text)) is not None


def matter_for_staff(text: str) -> str | None:
    """Why a person must answer `text`, which no counselling topic answers: the task's reason, or None."""
    if is_legal(text):
        return LEGAL
    return OTHER_MEDICINE if is_about_medicine(text) else None


def beyond_choices(text: str, offered: Collection[str]) -> str | None:
    """Why a person must answer `text` although topics could be `offered`; None when one of them may fit."""
    matter = matter_for_staff(text)
    return matter if ON_MEDICINES.isdisjoint(offered) or matter == LEGAL else None


def intent_of_manner(text: str) -> str | None:
    """The intent that the form of `text` alone decides, or None."""
    if asks_for_person(text):
        return "clinic.human"
    if is_machine_talk(text) or is_legal(text):
        return "out_of_scope"
    return "smalltalk.abuse" if is_abuse(text) else None
