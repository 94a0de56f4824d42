"""Reading the answer to "are you thinking of hurting yourself?". Pure.

Few answer that with a plain yes: "sometimes", "not today" and "I'd rather not say" are no "no", and count
as not knowing. Only a clear no is a no.
"""

from __future__ import annotations

import re
from typing import Literal

from bot.triage.normalise import plain

Said = Literal["no", "unsure"]

#: Said before the answer proper.
_LEAD = (
    r"(?:lol|lmao|haha\w*|jaja\w*|ah|oh|uy|ay|god|omg|dios|dios mio|well|pues|bueno|hey|ok|sorry|perdon|"
    r"honestly)"
)
_NO = re.compile(
    rf"(?:{_LEAD} )*(?:0|zero|cero|none|nothing|nope|nah|never|nunca|jamas|not at all|of course not|"
    rf"course not|"
    r"absolutely not|definitely not|no way|para nada|claro que no|que va|como crees|en absoluto|"
    r"(?:im|i am) not|i (?:would never|dont|wouldnt)|id never|no)"
    rf"(?: (?:no|nope|{_LEAD}|thanks|thank you|gracias|para nada|nada|nada de eso|none|nothing|not at all|"
    rf"never|way|at all|"
    r"nunca|jamas|claro|que va|como crees|tranquil[oa]|mujer|hombre|(?:im|i am|i would|id|i) .*|just .*|"
    r"solo .*|"
    r"estoy .*|es .*|only (?:sad|upset|tired|annoyed|angry|cross).*))*"
)
_HEDGE = re.compile(
    r"\b(?:but|pero|aunque|sometimes|at times|now and then|occasionally|a veces|a ratos|de vez en cuando|"
    r"alguna vez|"
    r"algunas veces|thought (?:about|of)|thinking (?:about|of)|think about|crossed my mind|pensado|"
    r"pensando|pienso|"
    r"not (?:today|tonight|now|yet|really|right now|anymore)|hoy no|todavia no|ya no|only (?:at night|"
    r"when)|solo de noche|"
    r"por las noches|maybe|perhaps|possibly|quizas?|tal vez|a lo mejor|puede|kind of|sort of|"
    r"(?:prefer|rather) not|prefiero no|no quiero (?:decir|hablar|contestar)\w*|dont want to (?:say|talk|"
    r"answer)|"
    r"dont (?:really )?know|not sure|idk|dunno|no (?:lo )?se|no estoy segur[oa]|not (?:gonna|going to) say)\b"
)


def read(text: str) -> Said | None:
    """What `text` answers beside a plain yes; None when it is no answer."""
    words = " ".join(re.sub(r"[^\w ]+", " ", plain(text)).split())
    words = " ".join(word for word in words.split() if not word.startswith("emoji"))
    if _HEDGE.search(words):
        return "unsure"
    return "no" if _NO.fullmatch(words) else None
