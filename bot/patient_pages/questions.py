"""The questions of a check-in as a page shows them, and what a sent form says. No HTML and no database.

An answer is put into the words that the patient would have texted (`3` for the third choice, `1 4` for two
signs, `0` for none), so that triage and the record read both alike. A new kind of answer needs a line in
`_words`, and a template. Photos are files beside the form's words (`photos.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.dialogue.reading import is_none, read
from bot.followup.asking import Value, fits
from bot.photos import views
from bot.protocols.catalogue import Catalogue
from bot.protocols.phrases import Language
from bot.protocols.schema import Answer, Branch, Question
from bot.triage.answers import RED_FLAG_LIST

_HINTS: Mapping[Answer, str] = {
    "scale": "page.scale_hint",
    "signs": "page.signs_hint",
    "photo": "page.photo_hint",
    "text": "page.text_hint",
}
#: Characters of free words.
TEXT_LIMIT = 4000


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to choose: the words it stands for, and the piece or the label that names it."""

    words: str
    piece: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class PageQuestion:
    """One question. `content` is what the dialogue calls it; `piece` asks it, `hint` (or "") explains it.
    `views` are those that a photo is wanted of, the most telling one first; `only_if` the earlier answer that
    it waits for, when it is not `required` from the start."""

    id: str
    content: str
    answer: Answer
    piece: str
    hint: str
    options: tuple[Option, ...]
    required: bool
    only_if: Branch | None = None
    views: tuple[views.View, ...] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """One answer: in the words of a text, and as it is understood. `media` are photos that are kept."""

    question: PageQuestion
    words: str
    value: Value
    media: tuple[Mapping[str, Any], ...] = ()


def questions_for(
    asks: Sequence[str], content: Catalogue, language: Language, day: int, areas: Iterable[str] = ()
) -> list[PageQuestion]:
    """The questions `asks` as a page shows them, in order, `day` local days after the treatment. A photo and
    free words may be left out, and so may what an earlier answer makes needless. `areas` were treated."""
    wanted = tuple(views.of_areas(areas, language, content))
    known = [content.questions[name] for name in asks if name in content.questions]
    return [_shown(question, content, language, wanted, day) for question in known]


def _shown(
    question: Question, content: Catalogue, language: Language, wanted: tuple[views.View, ...], day: int
) -> PageQuestion:
    branch = question.only_if
    own = f"page.ask_{question.id}"
    hint = _HINTS.get(question.answer, "")
    if f"{hint}_{question.id}" in content.pieces:
        hint = f"{hint}_{question.id}"
    return PageQuestion(
        id=question.id,
        content=question.content,
        answer=question.answer,
        piece=own if own in content.pieces else question.content,
        hint=hint,
        options=tuple(_options(question, language)),
        required=question.answer not in ("text", "photo") and (branch is None or day < branch.from_day),
        only_if=branch,
        views=wanted if question.answer == "photo" else (),
    )


def _options(question: Question, language: Language) -> list[Option]:
    match question.answer:
        case "scale":
            return [Option(str(score), label=str(score)) for score in range(11)]
        case "choice":
            named = (getattr(choice.label, language) for choice in question.choices)
            return [Option(str(number), label=label) for number, label in enumerate(named, start=1)]
        case "yes_no":
            return [Option("1", piece="page.yes"), Option("0", piece="page.no")]
        case "signs":
            signs = [Option(str(number), piece=f"page.sign_{number}") for number in RED_FLAG_LIST]
            return [*signs, Option("0", piece="page.sign_none")]
    return []


def read_form(
    questions: Sequence[PageQuestion], sent: Mapping[str, Sequence[str]]
) -> tuple[list[Given], list[str]]:
    """What a form says, and the ids of required questions that it leaves open.

    What is no option of the page counts as left open; free words that say "nothing" are an answer. Photos are
    not read here.
    """
    given: list[Given] = []
    missing: list[str] = []
    for question in questions:
        if question.answer == "photo":
            continue
        words = _words(question, sent.get(question.id, ()))
        value = read(question.content, words) if words else None
        if question.answer == "text" and words is not None:
            value = "" if is_none(words) or not words else words
        if words is None or value is None:
            wanted = question.required or _calls_for(given, question)
            missing += [question.id] if wanted else []
        else:
            given.append(Given(question, words, value))
    return given, missing


def _calls_for(given: Sequence[Given], question: PageQuestion) -> bool:
    """Whether an answer of the form makes the question worth asking."""
    branch = question.only_if
    return branch is not None and any(
        one.question.id == branch.question and fits(branch, one.value) for one in given
    )


def _words(question: PageQuestion, sent: Sequence[str]) -> str | None:
    """The answer as a text would have it. A sign outweighs "none of these" beside it."""
    if question.answer == "text":
        return sent[0].strip()[:TEXT_LIMIT] if sent else ""
    known = [option.words for option in question.options if option.words in sent]
    if not known:
        return None
    if question.answer == "signs":
        return " ".join(words for words in known if words != "0") or "0"
    return known[0]
