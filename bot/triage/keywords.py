"""The words that a carrier acts on when they are a whole message (`lessons.md` C2), and plain sentences that
mean the same: they name no sign."""

from __future__ import annotations

import re
from typing import Literal

from bot.triage.normalise import flat

Keyword = Literal["stop", "start", "help"]

CARRIERS: dict[Keyword, frozenset[str]] = {
    "stop": frozenset(["stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"]),
    "start": frozenset(["start", "unstop"]),
    "help": frozenset(["help", "info"]),
}
#: Ours, not the carriers'. "Baja" also means low: while a question is open it is an answer.
SPANISH: dict[Keyword, frozenset[str]] = {
    "stop": frozenset(["parar", "baja", "cancelar", "detener"]),
    "start": frozenset(["iniciar"]),
    "help": frozenset(["ayuda"]),
}
ALL: frozenset[str] = frozenset().union(*CARRIERS.values(), *SPANISH.values())

_COURTESY = r"(?:please|pls|plz|kindly|thanks|thank you|now|por favor|porfa|porfis|gracias|ya)"
_TEXTS = r"(?:texts?|messages?|text messages|sms|check ins|mensajes?|textos?)"
_WRITE = r"(?:escriba[ns]?|contacte[ns]?|textee[ns]?)"
_SEND = r"(?:mande[ns]?|envie[ns]?)"
#: The whole of a text that asks for no more texts and says nothing else, without accents or apostrophes.
_NO_MORE_TEXTS = re.compile(
    rf"(?:(?:{_COURTESY}|can you|could you|just|ok|hi|hello|hola) )*(?:"
    r"(?:stop|quit) (?:texting|messaging|contacting)(?: (?:me|us|this number))?"
    rf"|(?:stop|quit) sending (?:me |us )?(?:(?:these|the|any|more|your) )*{_TEXTS}"
    r"|(?:do not|dont) (?:text|message|contact) (?:me|us|this number)"
    rf"|i (?:do not|dont|no longer) want (?:to (?:get|receive) )?(?:(?:these|any|more|your) )*{_TEXTS}"
    rf"|no more {_TEXTS}"
    r"|(?:remove|take) (?:me|my number|this number) (?:from|off) (?:your|the|this) list"
    r"|unsubscribe me|opt me out|i (?:want to|would like to) (?:opt out|unsubscribe)"
    rf"|no (?:me|nos) {_WRITE}|no (?:me|nos) {_SEND} (?:mas )?{_TEXTS}"
    r"|(?:deje[ns]?|deja|paren?) de (?:escribir|contactar|textear)(?:me|nos)"
    rf"|(?:deje[ns]?|deja|paren?) de (?:mandar|enviar)(?:me|nos) (?:mas )?{_TEXTS}"
    rf"|no quiero (?:recibir )?(?:(?:mas|sus|estos) )*{_TEXTS}"
    rf"|no quiero que me (?:{_WRITE}|{_SEND} (?:mas )?{_TEXTS})"
    rf"|no mas {_TEXTS}|(?:quiero darme|den?me|dame) de baja(?: de (?:los|sus) {_TEXTS})?"
    r"|(?:quiten|borren|saquen)me de (?:la|su) lista"
    rf")(?: (?:{_COURTESY}|any ?more|again|ever|from you|mas|nunca|vuestros|suyos))*"
)


def asks_no_more_texts(text: str) -> bool:
    """Whether the whole of `text` asks for no more texts and says nothing else."""
    return _NO_MORE_TEXTS.fullmatch(flat(text)) is not None
