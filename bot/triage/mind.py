"""Reading the answer to "are you thinking of hurting yourself?". Pure.

Few answer that with a plain yes: "sometimes", "not today" and "I'd rather not say" are no "no", and count
as not knowing. Only a clear no is a no.
"""

from __future__ import annotations

import re
from typing import Literal

from bot.triage.normalise import bare_words

Said = Literal["no", "unsure"]

#: Said before the answer proper.
_LEAD = (
    r"(?:lol|lmao|haha\w*|jaja\w*|ah|oh|uy|ay|god|omg|dios|dios mio|well|pues|bueno|hey|ok|sorry|perdon|"
    r"honestly)"
)
_NO = re.compile(
    rf"(?:{_LEAD} )*(?:0|zero|cero|none|nothing|nope|nah|never|nunca|jamas|not at all|of course not|"
    r"course not|absolutely not|definitely not|no way|para nada|claro que no|que va|como crees|en absoluto|"
    r"(?:im|i am) not|i (?:would never|dont|wouldnt)|id never|no)"
    rf"(?: (?:no|nope|{_LEAD}|thanks|thank you|gracias|para nada|nada|nada de eso|none|nothing|not at all|"
    r"never|way|at all|nunca|jamas|claro|que va|como crees|tranquil[oa]|mujer|hombre|"
    r"(?:im|i am|i would|id|i) .*|just .*|solo .*|estoy .*|es .*|"
    r"only (?:sad|upset|tired|annoyed|angry|cross).*))*"
)
_HEDGE = re.compile(
    r"\b(?:but|pero|aunque|sometimes|at times|now and then|occasionally|a veces|a ratos|de vez en cuando|"
    r"alguna vez|algunas veces|thought (?:about|of)|thinking (?:about|of)|think about|crossed my mind|"
    r"pensado|pensando|pienso|not (?:today|tonight|now|yet|really|right now|anymore)|hoy no|todavia no|"
    r"ya no|only (?:at night|when)|solo de noche|por las noches|maybe|perhaps|possibly|quizas?|tal vez|"
    r"a lo mejor|puede|kind of|sort of|(?:prefer|rather) not|prefiero no|"
    r"no quiero (?:decir|hablar|contestar)\w*|dont want to (?:say|talk|answer)|dont (?:really )?know|"
    r"not sure|idk|dunno|no (?:lo )?se|no estoy segur[oa]|not (?:gonna|going to) say)\b"
)


def read(text: str) -> Said | None:
    """What `text` answers beside a plain yes; None when it is no answer."""
    words = bare_words(text.replace("/", " "))
    if _HEDGE.search(words):
        return "unsure"
    return "no" if _NO.fullmatch(words) else None
