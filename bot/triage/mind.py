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
    r"(?:lol|lmao|haha\w*|jaja\w*|ah|oh|uy|ay|god|omg|dios mio|dios|well|pues|bueno|hey|ok|sorry|perdon|"
    r"honestly)"
)
_NEVER = r"(?:i would never|i never would|id never|i wouldnt|i dont|i never|im not|i am not)"
_A_NO = (
    r"(?:0|zero|cero|none|nothing|nope|nah|never|nunca|jamas|not at all|of course not|"
    r"course not|absolutely not|definitely not|no way|para nada|claro que no|que va|como crees|en absoluto|"
    # "i am not ok" is no such no
    rf"{_NEVER}(?=$| (?:no|nope|lol|haha\w*|thanks?|gracias|i|im|its)\b)|no)"
)
_IT = (
    r"(?:do (?:that|it|anything like that|something like that)|"
    r"(?:thinking (?:of|about) |going to |gonna |want to )?(?:hurt|hurting|harm|harming|kill|killing) myself|"
    r"thinking (?:of|about) (?:that|it)|suicidal)"
)
_ELLO = (
    r"(?:no (?:(?:quiero|voy a|pienso|pienso en|estoy pensando en) )?"
    r"(?:hacerme (?:dano|nada)|lastimarme|matarme|suicidarme|morir(?:me)?|eso)|"
    r"(?:no|nunca|jamas) (?:lo haria|haria (?:eso|algo asi)|me haria (?:dano|nada)))"
)
_MERELY = (
    r"(?:just|only|so|really|very|pretty|a (?:bit|little)|more|solo|solamente|muy|un poco|mas bien|es que)"
)
#: What people feel about how they look. What may mean more ("tired of it all", "desperate") is not here.
_FEELING = (
    r"(?:sad|upset|tired|annoyed|angry|cross|mad|disappointed|frustrated|stressed|nervous|anxious|worried|"
    r"unhappy|embarrassed|ugly|fe[oa]|venting|triste|cansad[oa]|enojad[oa]|enfadad[oa]|molest[oa]|"
    r"frustrad[oa]|nervios[oa]|preocupad[oa]|agobiad[oa]|decepcionad[oa]|disgustad[oa])"
)
_WELL = r"(?:fine|ok|okay|alright|all right|good|bien|tranquil[oa])"
_I_AM = r"(?:im|i am|i feel|i just feel|its|estoy|me siento)"
_LOOKS = (
    r"(?:(?:how|the way) (?:i|it|they) looks?(?: now)?|(?:my|the) (?:face|lips?|nose|eyes?|chin|jaw|forehead|"
    r"skin|looks?|results?|swelling|bruis(?:es|ing))|it|this|(?:como|lo que) (?:me veo|veo|quedo)|"
    r"(?:mi|el|la|los|mis) (?:cara|labios?|nariz|ojos?|menton|frente|piel|resultado))"
)
_AS_IT_IS = (
    # "no good" and "no muy bien" are no "no, I am good"
    rf"{_I_AM} (?:{_MERELY} )*{_WELL}|all (?:good|fine|ok)|todo bien|"
    rf"(?:i )?(?:{_MERELY} )*(?:(?:{_I_AM}|feel) )?(?:{_MERELY} )*{_FEELING}"
    rf"(?: (?:and|y) (?:{_MERELY} )*{_FEELING})?(?: (?:with|about|at|by|con|por) {_LOOKS})?|"
    rf"(?:i )?(?:{_MERELY} )*(?:hate|dislike|dont like|odio|no me gusta) {_LOOKS}"
)
#: What may follow a clear no. Whatever else follows it ("no, I am not well") may be the real answer.
_AFTER = (
    rf"{_AS_IT_IS}|{_NEVER} {_IT}|{_IT}|{_ELLO}|(?:none of|nothing like|not) that|{_A_NO}|"
    rf"{_LEAD}|thank you|thanks|thank god|gracias a dios|gracias|nada de eso|nada|at all|claro|mujer|"
    r"hombre|por suerte|"
    r"tranquil[oa]"
)
#: What the desk is for, asked after the no. Triage reads the question as well, for what else it may say.
_ASKS_ON = (
    r"(?:(?:can|could|should|when can|how soon can) i|is it (?:ok|okay|normal|safe)|"
    r"puedo|cuando puedo|es normal)"
)
# Each piece is taken whole or not at all, so that no text, however long, is read in ever new ways.
_NO = re.compile(
    rf"(?:(?>{_LEAD}) )*+(?>(?:nothing like that|{_NEVER} {_IT}|{_ELLO}|{_A_NO})\b)"
    rf"(?: (?>(?:{_AFTER})\b))*+(?: {_ASKS_ON} .*)?"
)
_STARTS_WITH_NO = re.compile(rf"(?:(?>{_LEAD}) )*+(?:{_A_NO}|{_NEVER})\b")
#: "No estoy bien" is no "no, estoy bien", "nada bien" is not well, and "no puedo más" no question.
_NOT_SO = re.compile(
    r"\bno (?:estoy|me siento|me encuentro|ando|puedo|es|muy|tan)\b|\bnada (?:bien|tranquil[oa])\b", re.I
)
_DENIED = re.compile(rf"\b{_NEVER} {_IT}\b|\b{_ELLO}\b")
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
    if _HEDGE.search(_DENIED.sub(" ", words)):
        return "unsure"
    not_so = _NOT_SO.search(text)
    if _NO.fullmatch(words) and not not_so:
        return "no"
    return "unsure" if _STARTS_WITH_NO.match(words) or not_so else None
