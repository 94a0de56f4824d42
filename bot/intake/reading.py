"""Reading an answer of the intake. Pure: what was asked and what was typed in, an answer out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bot.intake.items import BY_ID, OLDEST, Item
from bot.intake.terms import Mention, vocabulary
from bot.triage.normalise import bare_words

Said = Literal["yes", "no", "told", "unsure", "skipped"]

_SKIP = re.compile(
    r"(?:skip(?: it| this| that)?|pass|next(?: question| one)?|rather not(?: say)?|prefer not to(?: say)?|"
    r"id rather not(?: say)?|none of your business|saltar|salta|paso|"
    r"siguiente|prefiero no (?:decirlo|contestar)|"
    r"no quiero (?:decirlo|contestar))"
)
_NO = re.compile(
    r"(?:(?:no|nope|nah|none|never|nothing|n|nil|na|n/a|negative|no aplica|"
    r"not (?:me|applicable|really|at all)|"
    r"nada|nunca|ningun[oa]?|jamas|tampoco|que yo sepa no|not that i know(?: of)?|not as far as i know|"
    r"none that i know of|no that i know|i dont|i do not|i am not|im not|i havent|"
    r"no i (?:dont|am not|havent)|"
    r"nothing else|thats (?:it|all)|nada mas|eso es todo|"
    r"neither|ni uno|no tengo|no tomo(?: nada)?|all clear|all good)"
    r"(?: (?:thanks|thank you|gracias|ever|to all|at all|of (?:them|those|that)|a todo|de eso|so far))*[ ]?)+"
)
_YES = re.compile(
    r"(?:yes|yeah|yep|yup|y|i do|i have|i am|si|claro|asi es|correcto|affirmative)(?: (?:i do|i have|i am))?"
)
_DONT_KNOW = re.compile(
    r"(?:i |im |honestly )*(?:(?:dont|do not|cant|cannot) (?:really )?(?:know|remember|recall)|"
    r"not (?:so )?sure|no idea|no lo se|no se|no (?:me )?(?:acuerdo|recuerdo)|ni idea|no estoy segur[oa])\b"
)
#: Leaves the question, or says that now is not the time: begins like a no and answers nothing.
_LEAVES = re.compile(
    r"(?:(?:ok|no|oh|ah) )?(?:never ?mind|forget it|no importa|no pasa nada|da igual|dejalo|olvidalo|"
    r"no (?:puedo|tengo tiempo|time)(?: \w+){0,2}|no quiero (?:seguir|continuar))"
)
#: Begins like a no and is none: taken for one, it would clear what nobody answered.
_NO_NO = re.compile(
    r"no (?:(?:\w+ ){0,3}(?:periods?|regla|menstruacion)|problema?|worries|need to|comment)\b.*"
)
#: Says that the question was not understood.
_PUZZLED = re.compile(
    r"(?:sorry |perdon(?:e|a)? |and |y |pero |but )*"
    r"(?:(?:i )?(?:dont|do not|didnt|did not) (?:understand|get (?:it|that|the question))|"
    r"(?:what|que) (?:do you mean|does (?:that|this|it) mean|is that|significa|quiere decir|es eso)|"
    r"(?:whats?(?! (?:i|im|ive|my)\b)|what (?:is|are)|que (?:es|son)) (?:(?:an?|the|un|una|el|la|los|"
    r"las) )?\w+(?: \w+)?|"
    r"(?:what|huh|eh|como)$|no (?:lo |te |le )?(?:entiendo|comprendo|entendi))\b.*"
)
_UNSURE = re.compile(
    r"(?:(?:i )?(?:dont|do not) know|not sure|no idea|unsure|maybe|possibly|idk|dunno|"
    r"no se|ni idea|no estoy segur[oa]|quizas?|puede ser|tal vez)"
)
_AGE = re.compile(r"(?<![\d.,/:])(\d{1,3})(?![\d:/]|[.,]\d)")
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fourty": 40, "fifty": 50, "sixty": 60, "seventy": 70,
    "eighty": 80,
    "veinte": 20, "treinta": 30, "cuarenta": 40, "cincuenta": 50, "sesenta": 60, "setenta": 70, "ochenta": 80,
}  # fmt: skip
_ONES = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "uno": 1, "un": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6, "siete": 7,
    "ocho": 8, "nueve": 9,
}  # fmt: skip
_TEENS = {
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19, "diez": 10, "once": 11, "doce": 12, "trece": 13,
    "catorce": 14, "quince": 15, "dieciseis": 16, "diecisiete": 17, "dieciocho": 18, "diecinueve": 19,
    "veintiuno": 21, "veintidos": 22, "veintitres": 23, "veinticuatro": 24, "veinticinco": 25,
    "veintiseis": 26,
    "veintisiete": 27, "veintiocho": 28, "veintinueve": 29,
}  # fmt: skip
#: What each question is about, as a "no ..." names it: "no allergies" says nothing of medicines.
_SUBJECTS = {
    "pregnancy": re.compile(r"\b(?:pregnan\w*|breast ?feed\w*|nursing|embaraz\w*|lact\w*|pecho)\b"),
    "allergy": re.compile(r"\b(?:allerg\w*|alergi\w*)\b"),
    "blood": re.compile(
        r"\b(?:medic\w*|meds|pills?|tablets?|supplements?|thinners?|bleed\w*|bruis\w*|medicament\w*|"
        r"pastillas?|suplementos?|anticoagulantes?|sangr\w*|moret\w*)\b"
    ),
    "prior_filler": re.compile(r"\b(?:fillers?|implants?|rellenos?|implantes?)\b"),
    "energy": re.compile(r"\b(?:lasers?|peels?|peelings?)\b"),
}
#: Questions where what was taken back is still for the clinician to read.
_LEAVE_A_TRACE = frozenset({"blood", "allergy"})
_NO_WHAT = frozenset({"no", "none", "not", "sin", "ningun", "ninguna", "ninguno"})
#: What begins a correction of something said before.
_CORRECTS = re.compile(
    r"^(?:(?:oh|ah|sorry|perdon|perdona|perdone|wait|espera|espere|hi|hola|ok|no|so)[ ,]+)*"
    r"(?:actually|correction|i meant|i made a mistake|my mistake|scratch that|i forgot|"
    r"forgot to (?:say|mention)|"
    r"also i forgot|i should have said|change that|to correct|en realidad|correccion|corrijo|quise decir|"
    r"me equivoque|se me olvido|olvide|me falto decir|la verdad es que si)\b"
)
#: Goes back to an earlier question without a word that says so.
_WAIT = re.compile(
    r"^(?:(?:oh|ah|no|ok|sorry|perdon|perdona|perdone|ay|uy|y) )*"
    r"(?:wait|hold on|hang on|oh yes|oh i|espera|esperate|espere|un momento|ah si|ah no|ay no|bueno si)"
    r"(?: (?:wait|no|yes|oh|sorry|also|si|ya|tambien|perdon))*"
    r" (?:i|im|ive|my|the|si|no|ya|yo|tambien|tengo|tomo|uso|he|me|estoy|soy|la|el)\b"
)
#: Comes back to a medicine while another thing is asked: "bueno tomo eliquis", "oh and I'm on aspirin".
_TAKES_TOO = re.compile(
    r"(?:(?:oh|ah|ay|uy|well|and|also|btw|by the way|bueno|pues|y|tambien|por cierto) )+"
    r"(?:(?:i )?(?:also |do )?(?:take|use)|(?:im|i am|ive been) (?:also )?(?:on|taking)|"
    r"(?:yo )?(?:tambien )?(?:tomo|uso|estoy (?:tomando|con)|me tomo))\b"
    # a question about it is for the dialogue
    r"(?: (?!(?:can|could|should|may|is|when|how|puedo|podria|debo|es|cuando|como)\b)\w+){1,6}"
)
_NO_MORE = re.compile(r"\b(?:any ?more|no longer|ya no)\b")
#: More than that is a story, and an answer.
MOST_SECOND_THOUGHTS = 12
#: Second thoughts on what was just said: "no, just the jaw", "scrap the lips", "mejor solo los labios".
_AMENDS = re.compile(
    r"^(?:no|actually|wait|sorry|mejor|perdon|espera|en realidad|pensandolo bien)(?: \w+)? "
    r"(?:just|only|not|forget|scrap|drop|skip|leave out|solo|solamente|menos|quita|olvida|sin)\b"
    r"|^(?:scrap|forget|drop|leave out|quita|olvida) (?:the|my|el|la|los|las|lo de)\b"
    r"|^(?:mejor )?solo (?:el|la|los|las|lo de)\b|^(?:just|only) the\b"
)
#: An age given in a few words, after the questions ended because of one.
_AGE_AFTER_ALL = re.compile(
    r"(?:(?:sorry|oops|no|wait|typo|i meant|i mean|meant|actually|my age is|age|im|i am|its|it is|make that|"
    r"perdon|quise decir|me equivoque|tengo|mi edad es|es|son|digo) )*(?P<age>\d{1,3})"
    r"(?: (?:not|no) \d{1,3})?(?: ?(?:years? old|years?|yrs?|yo|anos))?(?: (?:sorry|not \d+|perdon|no \d+))*"
)
_READ_BACK = re.compile(
    r"(?:back|repaso|read (?:it|them|that|my answers) back(?: to me)?|(?:show|see|check|read) my answers|"
    r"what (?:did|have) i (?:tell|told|say|said|answer|answered)(?: you)?(?: so far)?|"
    r"my answers|mis respuestas|"
    r"ver mis respuestas|que (?:(?:te|les?|os) )?(?:he )?(?:dicho|dije|conte|contado)(?: hasta ahora)?|"
    r"leeme(?:lo)?|repasa(?:r)?(?: mis respuestas)?)(?: please| por favor)?"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `codes`: terms that it says are so (`terms.yml`); `value`: the age in years.

    `words` are the patient's own, as typed.
    """

    item: str
    said: Said
    words: str
    codes: tuple[str, ...] = ()
    value: int | None = None

    @property
    def bare_yes(self) -> bool:
        """Whether it is a yes that does not say to what."""
        return self.said == "yes" and not self.codes and _YES.fullmatch(bare_words(self.words)) is not None


def read(item: Item, text: str) -> Answer | None:
    """The answer that `text` gives to `item`, or None when it makes no sense as one."""
    words = bare_words(text)
    if _SKIP.fullmatch(words):
        return Answer(item.id, "skipped", text)
    if _PUZZLED.fullmatch(words) or _LEAVES.fullmatch(words):
        return None
    if item.kind == "age":
        age = read_age(text)
        return None if age is None else Answer(item.id, "told", text, value=age)
    codes = tuple(m.term.code for m in _mentions(text) if m.term.item == item.id and not m.denied)
    if item.kind == "words":
        if _NO.fullmatch(words):
            return Answer(item.id, "no", text)
        return Answer(item.id, "told", text, codes) if _says_something(words) else None
    if codes:
        return Answer(item.id, "yes", text, codes)
    if _UNSURE.fullmatch(words) or _DONT_KNOW.match(words):
        return Answer(item.id, "unsure", text)
    if _denied_elsewhere(item, words):
        return None
    if _NO.fullmatch(words) or _denies(item, text):
        return Answer(item.id, "no", text)
    if _YES.fullmatch(words):
        return Answer(item.id, "yes", text)
    return Answer(item.id, "told", text) if _says_something(words) else None


def volunteered(item: Item | None, text: str) -> list[Answer]:
    """What `text` says of other questions than `item`: "eliquis for AF" in answer to the allergies."""
    found: dict[str, list[str]] = {}
    if _PUZZLED.fullmatch(bare_words(text)):  # "what is a keloid" tells of none
        return []
    for mention in _mentions(text):
        other = mention.term.item
        if mention.denied or (item is not None and other == item.id) or other == "goals":
            continue
        found.setdefault(other, []).append(mention.term.code)
    denied = _denied_elsewhere(item, bare_words(text)) if item is not None else []
    return [
        *(Answer(other, "yes", text, tuple(codes)) for other, codes in found.items()),
        *(Answer(other, "no", text) for other in denied if other not in found),
    ]


def joined(before: Answer | None, later: Answer) -> Answer:
    """`later` beside what was told before of the same question.

    A medicine named later replaces none, and a no to one of two leaves the other.
    """
    if before is None or before.said not in ("yes", "told"):
        return later
    if later.said == "no":
        denied = {mention.term.code for mention in _mentions(later.words) if mention.denied}
        left = tuple(code for code in before.codes if code not in denied)
        return (
            replace(before, words=f"{before.words}; {later.words}", codes=left) if denied and left else later
        )
    if later.said != "yes":
        return later
    codes = tuple(dict.fromkeys((*before.codes, *later.codes)))
    return replace(later, words=f"{before.words}; {later.words}", codes=codes)


def beside_before(given: Sequence[Answer]) -> Answer:
    """The last of the answers `given` to one question. A medicine or an allergy that was named and taken back
    leaves its trace: the clinician reads both sayings."""
    last = given[-1]
    if last.item not in _LEAVE_A_TRACE:
        return last
    earlier: list[str] = []
    for answer in given[:-1]:
        named = not set(answer.codes) <= set(last.codes)
        takes_back = bool(earlier) and any(mention.denied for mention in _mentions(answer.words))
        if (named or takes_back) and answer.words not in last.words:
            earlier.append(answer.words)
    if not earlier:
        return last
    words = "; ".join(dict.fromkeys([*earlier, last.words]))
    return replace(last, said=last.said if last.said == "yes" else "told", words=words)


def corrections(text: str, *, plainly: bool = False) -> list[Answer]:
    """What `text` corrects ("actually I did have laser in May"), by question; empty when it corrects nothing.

    A denied term ("actually I am not pregnant") becomes a no. Unless it must be said `plainly`, second
    thoughts in a few words count too: "wait, I don't take the aspirin anymore".
    """
    words = bare_words(text)
    if not _CORRECTS.match(words) and (plainly or not _second_thoughts(text)):
        return []
    found = {answer.item: answer for answer in volunteered(None, text)}
    for mention in _mentions(text):
        if mention.denied and mention.term.item not in found:
            found[mention.term.item] = Answer(mention.term.item, "no", text)
    age = re.search(
        r"\b(?:im|i am|age|tengo|edad)\D{0,8}(\d{2})\b(?! ?(?:weeks|wks|semanas|days|dias|months))",
        bare_words(text),
    )
    if age and not found:
        found["age"] = Answer("age", "told", text, value=int(age[1]))
    return [found[name] for name in BY_ID if name in found]


def _second_thoughts(text: str) -> bool:
    """Whether `text` goes back, in a few words, to something that a question was about."""
    words = bare_words(text)
    short = len(words.split()) <= MOST_SECOND_THOUGHTS and "?" not in text
    if not short or not (mentions := _mentions(text)):
        return False
    no_more = _NO_MORE.search(words) is not None and any(mention.denied for mention in mentions)
    medicine = _TAKES_TOO.fullmatch(words) is not None and any(one.term.item == "blood" for one in mentions)
    return no_more or medicine or _WAIT.match(words) is not None


def amends(text: str) -> bool:
    """Whether `text` takes back part of the answer just given."""
    return _AMENDS.search(bare_words(text)) is not None


def age_after_all(text: str, adult: int) -> list[Answer]:
    """The age that the whole of `text` gives to somebody whose questions ended for being under `adult` years;
    empty unless it is another story now."""
    found = _AGE_AFTER_ALL.fullmatch(bare_words(text))
    age = int(found["age"]) if found else 0
    return [Answer("age", "told", text, value=age)] if adult <= age <= OLDEST else []


def asks_to_read_back(text: str) -> bool:
    """Whether the whole of `text` asks for the answers so far."""
    return _READ_BACK.fullmatch(bare_words(text)) is not None


_SAID_AS_AGE = re.compile(
    r"\b(?:im|i am|is|age|aged|tengo|tiene|edad)(?: (?:is|de|of))? (\d{1,3})\b"
    r"(?! ?(?:weeks|wks|semanas|days|dias|months|meses))"
    r"|\b(\d{1,3}) ?(?:years?|yrs?|yo|anos?)\b"
)


_UNDER_AGE = re.compile(
    r"\b(?:im|i am|my age is|tengo|soy de) (?:only |just |solo )?(\d{1,2})"
    r"(?: ?(?:years?(?: old)?|yrs?|yo|anos))?(?= (?:but|and|so|pero|y|asi que)\b|$)"
)


def under_age(text: str, adult: int) -> Answer | None:
    """The age that `text` tells in passing ("im 16 but my mum signs"), when it is below `adult` years."""
    found = _UNDER_AGE.search(bare_words(text))
    age = int(found[1]) if found else adult
    return Answer("age", "told", text, value=age) if 0 < age < adult else None


def read_age(text: str) -> int | None:
    """An age in years, in figures or words; None when there is none or it cannot be one.

    A figure in words about health ("type 2 diabetes") is an age only when it is said as one ("I'm 41").
    """
    words = bare_words(text)
    figures = [int(found) for found in _AGE.findall(words)]
    said = [int(found) for pair in _SAID_AS_AGE.findall(words) for found in pair if found]
    if len(said) == 1:
        figures = said
    elif len(figures) > 1 or (figures and _mentions(text)):
        return None
    age = figures[0] if figures else _in_words(words.split())
    return age if age is not None and 1 <= age <= OLDEST else None


def _in_words(words: list[str]) -> int | None:
    for at, word in enumerate(words):
        if word in _TEENS:
            return _TEENS[word]
        if word in _TENS:
            rest = [w for w in words[at + 1 : at + 3] if w not in ("and", "y")]
            return _TENS[word] + (_ONES.get(rest[0], 0) if rest else 0)
    return None


def _mentions(text: str) -> list[Mention]:
    return vocabulary().mentions(text)


def _denies(item: Item, text: str) -> bool:
    """Whether `text` says no to the whole question, in more words than one: "no allergies that I know of"."""
    denied = any(m.denied and m.term.item == item.id for m in _mentions(text))
    words = re.sub(r" (?:that i know(?: of)?|as far as i know|que yo sepa)$", "", bare_words(text)).split()
    first = words[:1]
    return denied or (
        _NO_NO.fullmatch(bare_words(text)) is None
        and first in (["no"], ["none"], ["never"], ["nunca"], ["ninguna"], ["ninguno"], ["nope"])
        and len(words) <= 5
    )


def _denied_elsewhere(item: Item, words: str) -> list[str]:
    """The other questions that a short "no ..." answers: "no allergies", when asked for medicines."""
    said = words.split()
    if item.kind == "words" or not 2 <= len(said) <= 5 or said[0] not in _NO_WHAT:
        return []
    own = ("allergy", "blood") if item.id == "allergy" else (item.id,)  # "no medicines": allergic to none
    found = [other for other, about in _SUBJECTS.items() if about.search(words)]
    return [] if any(other in own for other in found) else found


def _says_something(words: str) -> bool:
    return re.search(r"[^\W\d_]{2}", words) is not None and not re.fullmatch(
        r"(?:(.)\1*|asdf\w*|qwer\w*)", words
    )
