"""The words that a carrier acts on when they are a whole message (`lessons.md` C2): they name no sign."""

from __future__ import annotations

from typing import Literal

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
