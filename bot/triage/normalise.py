"""Bring a message as typed to words that rules can be written against.

Case, accents, curly quotes, stretched letters, zero-width characters, emoji and text-speak all go; what a
person meant stays. The result keeps where sentences and clauses end, because negation stops there.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

#: Longest text that is read. A longer one is read at both ends, so that a sign at the end still counts.
MAX_CHARACTERS = 12_000

#: Emoji that say something clinical. All others are dropped, so that decoration changes nothing.
EMOJI = {
    "👄": " lip ", "💋": " lip ", "👅": " tongue ", "👁": " eye ", "👀": " eye ", "👃": " nose ",
    "🫦": " lip ", "⬜": " white ", "🤍": " white ", "⚪": " white ", "🟣": " purple ", "💜": " ",
    "🔵": " blue ", "⚫": " black ", "⬛": " black ", "🕸": " web ", "🥶": " cold ", "🧊": " cold ",
    "😖": " emojipain ", "😣": " emojipain ", "😫": " emojipain ", "🤕": " emojipain ",
    "🔥": " emojifire ", "🩸": " blood ", "🆘": " help ", "🤰": " pregnant ", "🤮": " vomiting ",
    "🤢": " nausea ", "📉": " drooping ", "😵": " dizzy ", "🕶": " dark ", "🌡": " temperature ",
    "👍": " emojiyes ", "👎": " emojino ", "✅": " emojiyes ", "❌": " emojino ", "🌫": " fog ",
}  # fmt: skip

#: One word as typed -> the words meant. English and Spanish text-speak, and common misspellings.
SPEAK = {
    "u": "you", "ur": "your", "urs": "yours", "n": "and", "w": "with", "r": "are", "cnt": "cant",
    "b4": "before", "cos": "because", "coz": "because", "cus": "because", "bc": "because", "wen": "when",
    "yest": "yesterday", "yday": "yesterday", "rlly": "really", "rly": "really", "bk": "back",
    "thru": "through", "shud": "should", "pls": "please", "plz": "please", "thx": "thanks", "hav": "have",
    "dat": "that", "dis": "this", "tmrw": "tomorrow", "tn": "tonight", "tonite": "tonight", "nite": "night",
    "hrs": "hours", "hr": "hour", "mins": "minutes", "min": "minutes", "wk": "week", "wks": "weeks",
    "yrs": "years", "yr": "year", "secs": "seconds", "sec": "seconds", "def": "definitely",
    "wite": "white", "lp": "lip", "gon": "gone", "hrts": "hurts", "hurtz": "hurts", "blu": "blue",
    "purpl": "purple", "purply": "purple", "wrds": "words", "tlk": "talk", "nt": "not", "bluey": "blue",
    "lef": "left", "gray": "grey", "greyish": "grey", "grayish": "grey", "bluish": "blue", "lt": "left",
    "purplish": "purple", "whitish": "white", "colour": "color", "colours": "color", "colors": "color",
    "coloured": "colored", "discolour": "discolor", "discolouration": "discoloration",
    "cannot": "cant", "cannae": "cant", "unable": "cant", "gona": "gonna",
    "q": "que", "xq": "porque", "pq": "porque", "tmb": "tambien", "x": "x", "toy": "estoy", "ta": "ta",
    "lavio": "labio", "brethe": "breathe", "toungue": "tongue", "vison": "vision", "blury": "blurry",
    "swolen": "swollen", "swole": "swollen", "owt": "anything", "nowt": "nothing", "temp": "temperature",
    "neither": "nor", "nostrl": "nostril", "nostrils": "nostril", "lids": "lid", "cheeks": "cheek",
    "lips": "lip", "eyes": "eye", "temples": "temple", "cachetes": "cachete", "mejillas": "mejilla",
    "labios": "labio", "ojos": "ojo", "ojito": "ojo", "ojitos": "ojo", "eyelids": "eyelid",
    "madda": "mum", "mam": "mum", "mami": "mum", "amma": "mum",
}  # fmt: skip

_PAIRS = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\bcan not\b|\b(?:am |is |are |be )?(?:not able|unable) to\b|\bcant to\b", "cant"),
        (r"\b(could|would|should|do|does|did|is|was|are|were|has|have|had|wo|will) not\b", r"\1nt"),
        (r"\bwillnt\b", "wont"),
        (r"\bcant c\b", "cant see"),
        (r"\b(\d+(?:\.\d+)?) ?(?:/|out of|outta|over|sobre|de) ?(?:10|ten|diez)\b", r"\1/10"),
        (r"\beleven out of ten\b", "10/10"),
    )
]
#: Numbers from 0 to 10 in words.
NUMBER_WORDS = {
    "zero": 0, "cero": 0, "nil": 0, "none": 0, "one": 1, "uno": 1, "two": 2, "dos": 2, "three": 3, "tres": 3,
    "four": 4, "cuatro": 4, "five": 5, "cinco": 5, "six": 6, "seis": 6, "seven": 7, "siete": 7, "eight": 8,
    "ocho": 8, "nine": 9, "nueve": 9, "ten": 10, "diez": 10,
}  # fmt: skip
ZERO_WIDTH = re.compile("[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e"
                        "\u2060-\u2064\u206a-\u206f\ufe00-\ufe0f\ufeff]")  # fmt: skip
_LATIN = re.compile("[A-Za-z]")
_LOOKALIKES = str.maketrans(
    "аеорсухіјѕԁһӏАВЕКМНОРСТУХІЈЅαοινρτυκΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopcyxijsdhlABEKMHOPCTYXIJSaoivptukABEZHIKMNOPTYX",
)
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}")
_TOKEN = re.compile(r"\d+(?:[.,/:]\d+)*|[^\W\d_]+(?:\d+)?|[.!?;\n…¿¡]+|[,:()\-–—/]")
_APOSTROPHE = re.compile(r"(?<=\w)['`´‘’ʼ](?=\w)")
_TEMPERATURE_F = (100.4, 106.0)
_BY_EAR = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"(?<!c)h", ""), (r"ll", "y"), (r"v", "b"), (r"z|c(?=[ei])", "s"), (r"qu(?=[ei])|c(?!h)", "k"),
        (r"g(?=[ei])", "j"), (r"(.)\1", r"\1"),
    )
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reading:
    """A message as words. `clause[i]` and `sentence[i]` number the clause and sentence of word `i`."""

    words: tuple[str, ...]
    clause: tuple[int, ...]
    sentence: tuple[int, ...]
    part: tuple[int, ...]  #: like `sentence`, and "and" begins a new one: each part may hold a sign
    asked: frozenset[int] = field(default=frozenset())  #: sentences that end in a question mark

    def without(self, gone: set[int]) -> Reading:
        """This message without the words at the places `gone`; a new clause begins where they stood."""
        if not gone:
            return self
        kept = [at for at in range(len(self.words)) if at not in gone]
        removed = 0
        clauses: list[int] = []
        for order, at in enumerate(kept):
            removed += order > 0 and kept[order - 1] != at - 1
            clauses.append(self.clause[at] + removed)
        words = tuple(self.words[at] for at in kept)
        sentences, parts = ([unit[at] for at in kept] for unit in (self.sentence, self.part))
        return Reading(words, tuple(clauses), tuple(sentences), tuple(parts), self.asked)

    def quote(self, start: int, end: int) -> str:
        """The words from `start` up to `end`, as a short quotation for the staff."""
        return " ".join(self.words[start:end])[:160]


def shortened(text: str) -> str:
    """`text`, or beginning and end when it is longer than `MAX_CHARACTERS`: a sign may stand in either."""
    if len(text) <= MAX_CHARACTERS:
        return text
    return text[: MAX_CHARACTERS // 2] + "\n" + text[-MAX_CHARACTERS // 2 :]


def fold_lookalikes(text: str) -> str:
    """`text` with Cyrillic and Greek letters that look Latin as the Latin ones, where it holds Latin letters.

    A text wholly in another script keeps its letters.
    """
    if text.isascii() or not _LATIN.search(text):
        return text
    return text.translate(_LOOKALIKES)


def plain(text: str) -> str:
    """`text` in lower case without accents, stretched letters, invisible characters or decoration."""
    text = ZERO_WIDTH.sub("", shortened(text))
    if not text.isascii():
        text = "".join(EMOJI.get(sign, sign) for sign in text)
        text = unicodedata.normalize("NFKD", text)
        text = fold_lookalikes("".join(sign for sign in text if not unicodedata.combining(sign)))
    text = _APOSTROPHE.sub("", text.lower())
    return _STRETCHED.sub(r"\1", text)


def flat(text: str) -> str:
    """`text` in lower case without accents, punctuation or doubled spaces."""
    return " ".join(re.sub(r"[^\w/%]+", " ", plain(text)).split())


def bare_words(text: str) -> str:
    """`flat`, also without percent signs and pictures: a thumb says nothing."""
    words = re.sub(r"[^\w/ ]+", " ", plain(text)).split()
    return " ".join(word for word in words if not word.startswith("emoji"))


def _number(token: str) -> str:
    """A number token, with a class where its size speaks for itself: a fever, a low fever, a pain score."""
    value = token.replace(",", ".")
    score = re.fullmatch(r"(\d+(?:\.\d+)?)/10", value)
    if score:
        return "~highscore" if 7 <= float(score[1]) <= 10 else "~lowscore"
    if re.fullmatch(r"\d+\.\d+", value):
        degrees = float(value)
        if 38 <= degrees <= 42.5 or _TEMPERATURE_F[0] <= degrees <= _TEMPERATURE_F[1]:
            return "~fever"
        if 37.3 <= degrees < 38:
            return "~lowfever"
    if re.fullmatch(r"19[5-9]\d|20[0-4]\d", value):
        return "~year"
    return token


def read(text: str) -> Reading:
    """`text` as a `Reading`. Never raises, whatever the text holds."""
    flat = plain(text)
    for pattern, replacement in _PAIRS:
        flat = pattern.sub(replacement, flat)
    words: list[str] = []
    clauses: list[int] = []
    sentences: list[int] = []
    parts: list[int] = []
    asked: set[int] = set()
    clause = sentence = part = 0
    for token in _TOKEN.findall(flat):
        first = token[0]
        if first in ".!?;\n…¿¡":
            if "?" in token:
                asked.add(sentence)
            clause, sentence, part = clause + 1, sentence + 1, part + 1
        elif first in ",:()-–—/":
            clause += 1
        else:
            word = _number(token) if first.isdigit() else SPEAK.get(token, token)
            if words[-3:] == [word] * 3:
                continue  # the same word over and over says no more the fourth time
            if word in CLAUSE_WORDS:
                clause += 1
            part += word in JOINTS
            words.append(word)
            clauses.append(clause)
            sentences.append(sentence)
            parts.append(part)
    return Reading(tuple(words), tuple(clauses), tuple(sentences), tuple(parts), frozenset(asked))


def sound(word: str) -> str:
    """How `word` sounds to somebody who spells Spanish by ear: b/v, s/z/c, ll/y, silent h, double letters."""
    for pattern, replacement in _BY_EAR:
        word = pattern.sub(replacement, word)
    return word


#: Words that open a new clause: what was denied before them is not denied after them.
CLAUSE_WORDS = frozenset({"but", "pero", "though", "however", "except", "excepto", "sino", "aunque",
                          "although", "only", "solo", "just"})  # fmt: skip
#: Words that join one thing said to the next: what excuses the first does not excuse the second.
JOINTS = frozenset({"and", "y", "also", "plus", "ademas", "tambien"})
#: Ordinary Spanish words that sound like another word but mean themselves.
HOMOPHONES = frozenset({"sera", "hacen", "hice", "hacia", "casa", "casas", "vez", "paz", "ora", "haya",
                        "valla", "tuvo", "tubo", "hecho", "echo", "hasta", "asta", "vaya", "coser",
                        "voy"})  # fmt: skip
