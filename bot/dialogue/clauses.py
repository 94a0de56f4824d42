"""Several questions in one message: cutting it into clauses that can each be read alone. Pure functions."""

from __future__ import annotations

import re

from bot.dialogue.reading import is_question
from bot.triage.normalise import flat, plain

_JOINS = (
    r"[?!;.]+(?:\s+|$)|\s+&\s+"
    r"|,?\s+(?:and also|and|also|plus|or|y tambien|y ademas|y|e|tambien|ademas|o)[,\s]+"
)
#: A comma ends a clause before a word that opens a question.
_BREAK = re.compile(
    rf"({_JOINS}|,\s+(?=(?:can|could|may|should|when|what|how|does|do|is|will|where|which|puedo|cuando|cuanto|cuanta|"
    r"como|que|me puedo|se puede|hay|duele|es)\b))"
)
#: In "can I a, b and c?" each comma does.
_LIST_BREAK = re.compile(rf"({_JOINS}|,\s+)")
_LIST = re.compile(r"[^,.;!?]+(?:,[^,.;!?]+)+,? (?:and|or|y|o) [^,.;!?]+[?!. ]*")
#: What a question opens with, carried over to a clause that leaves it out ("... and go for a run").
_OPENER = re.compile(
    r"(?:hi |hello |hola |hey |so |ok )*((?:when |cuando )?(?:can|could|may|should|shall) (?:i|we)"
    r"|is it (?:ok|okay|safe|fine|alright|all right) (?:to|if i)|do i (?:have|need) to|am i allowed to"
    r"|(?:cuando )?(?:(?:se|me|nos|lo|la) )?(?:puedo|podria|podemos|puede|debo|deberia)|es (?:seguro|malo))\b"
)
#: Asks without the form of a question.
_WANTS_TO_KNOW = re.compile(
    r"(?:hi |hello |hola |hey |so |ok )*"
    r"(?:(?:i )?(?:want|wanted|need|would like|id like) to know|tell me|"
    r"(?:quiero|quisiera|queria|necesito|me gustaria) saber|dime|digame|diganme)\b"
)
#: Asks in a word, among questions.
_IN_A_WORD = re.compile(
    r"(?:(?:the|el|la) )?(?:price|cost|pain|precio|coste|costo|dolor)|(?:does it )?hurts?|duele"
)
_FIRST = re.compile(r"^(?:(?:and|also|plus|y|tambien|ademas) )+")
#: More clauses than this is a story, and a story is not cut into questions.
MAX_CLAUSES = 4


def questions_in(text: str) -> list[str]:
    """The questions in `text` when it holds two to four, each made whole; otherwise an empty list."""
    words = plain(text).replace("¿", " ").replace("¡", " ")
    a_list = _LIST.fullmatch(words.strip()) is not None and _OPENER.match(flat(words)) is not None
    pieces = (_LIST_BREAK if a_list else _BREAK).split(words)
    found: list[str] = []
    clauses = [(flat(pieces[i]), "".join(pieces[i + 1 : i + 2])) for i in range(0, len(pieces), 2)]
    clauses = [(words, ending) for words, ending in clauses if words]
    if not 2 <= len(clauses) <= MAX_CLAUSES:
        return []
    opener, joined = "", False
    for words, ending in clauses:
        words = _FIRST.sub("", words)
        asks = is_question(words) or _WANTS_TO_KNOW.match(words) or _IN_A_WORD.fullmatch(words)
        if not asks and joined and opener:
            words, asks = f"{opener} {words}", True
        opens = _OPENER.match(words)
        if opens:
            opener = opens[1]
        if asks or "?" in ending:
            found.append(words)
        joined = not re.search(r"[?!;.]", ending)
    return found if len(found) >= 2 else []
