"""Texts that are recognised by their form, whatever question is open: the word PERSON, abuse, and commands
meant for a machine. Pure functions; everything else is for the classifier.
"""

from __future__ import annotations

import re

from bot.dialogue.reading import flat

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
#: Longer than this is no mere insult; there may be something in it to answer.
MAX_ABUSE_WORDS = 9


def asks_for_person(text: str) -> bool:
    """Whether the whole of `text` is the word that brings a human (PERSON, PERSONA)."""
    return _PERSON.fullmatch(flat(text)) is not None


def is_abuse(text: str) -> bool:
    """Whether `text` is nothing but an insult aimed at whoever reads it."""
    words = flat(text.replace("'", "").replace("’", ""))
    return len(words.split()) <= MAX_ABUSE_WORDS and _ABUSE.fullmatch(words) is not None


def is_machine_talk(text: str) -> bool:
    """Whether `text` tries to command the program instead of telling or asking something."""
    return _COMMAND.fullmatch(text) is not None or _INJECTION.search(flat(text)) is not None


def intent_of_manner(text: str) -> str | None:
    """The intent that the form of `text` alone decides, or None."""
    if asks_for_person(text):
        return "clinic.human"
    if is_machine_talk(text):
        return "out_of_scope"
    return "smalltalk.abuse" if is_abuse(text) else None
