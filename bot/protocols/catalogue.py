"""Everything the clinic can say, read from `content/` and checked as a whole.

Reading fails at once, naming file, line and id, when an id appears twice, a source key is unknown, a
translation is missing, or a text uses a placeholder that nothing fills. Whether the words themselves are fit
to send is `lint.py`; which content is in force is `shelf.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from bot.protocols import placeholders
from bot.protocols.errors import ContentError
from bot.protocols.reading import Marks, Where, read_marked
from bot.protocols.schema import (
    Branch,
    Expected,
    Kind,
    PhotoViews,
    Piece,
    Product,
    Question,
    Schedule,
    Setting,
    Source,
)

CONTENT = Path(__file__).parent / "content"

#: The kind of the pieces in each file; every file under `topics/` holds topics.
PIECE_FILES: Mapping[str, Kind] = {
    "safety.yml": "safety",
    "dialogue.yml": "dialogue",
    "replies.yml": "dialogue",
    "check_in.yml": "check_in",
    "intake.yml": "intake",
    "pages.yml": "page",
    "photos.yml": "check_in",
    "staff.yml": "staff",
    "steps.yml": "staff",
}

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Catalogue:
    """The content of one folder. Mappings are by id; `origin` and `marks` say where each piece stands."""

    sources: Mapping[str, Source]
    settings: Mapping[str, Setting]
    products: Mapping[str, Product]
    questions: Mapping[str, Question]
    schedules: Mapping[str, Schedule]
    pieces: Mapping[str, Piece]
    origin: Mapping[str, str]
    marks: Mapping[str, Marks] = field(default_factory=dict)
    #: by treated area, and `default`
    photo_views: Mapping[str, PhotoViews] = field(default_factory=dict)
    expected: Mapping[str, Expected] = field(default_factory=dict)

    def piece(self, piece_id: str) -> Piece:
        """The piece `piece_id`. Raises `ContentError` when there is none."""
        try:
            return self.pieces[piece_id]
        except KeyError:
            raise ContentError(f"no content has the id {piece_id!r}; see `afterglow content list`") from None

    def topics(self) -> tuple[Piece, ...]:
        """The counselling topics that may be used, in order of id."""
        found = (p for p in self.pieces.values() if p.kind == "topic" and p.status != "retired")
        return tuple(sorted(found, key=lambda piece: piece.id))


_in_force: Catalogue | None = None


def catalogue() -> Catalogue:
    """The content in force: what `put_in_force` was given last, or else the shipped content, read once."""
    return _in_force or put_in_force(load_catalogue())


def put_in_force(content: Catalogue) -> Catalogue:
    """Let `content` be what this process says from now on."""
    global _in_force
    _in_force = content
    return content


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of a list file, and where its parts stand."""

    file: str
    id: str
    data: Mapping[str, Any]
    marks: Marks

    def at(self, *where: str | int) -> str:
        """How an error about the part at `where` begins: `topics/recovery.yml:123: recovery.lumps`."""
        return f"{self.file}:{self.marks.line(*where)}: {self.id}"


def load_catalogue(root: Path = CONTENT) -> Catalogue:
    """Read and check all content under `root`. Raises `ContentError` with the first fault found."""
    sources = _sources(root / "sources.yml")
    products, _ = _entries(root / "products.yml", Product, sources)
    settings, setting_entries = _entries(root / "settings.yml", Setting, sources)
    pieces, piece_entries = _pieces(root, sources, settings)
    questions, question_entries = _entries(root / "questions.yml", Question, sources)
    for question in questions.values():
        where = question_entries[question.id].at("content")
        _known(question.content, pieces, f"{where}: unknown content", "check_in.yml")
        where = question_entries[question.id].at("only_if")
        _check_branch(question.id, question.only_if, questions, where)
    schedules, schedule_entries = _entries(root / "schedules.yml", Schedule, sources)
    for schedule in schedules.values():
        _check_schedule(schedule, products, questions, schedule_entries[schedule.id])
    expected, expected_entries = _entries(root / "expected.yml", Expected, sources)
    _check_expected(expected, products, expected_entries)
    photo_views = _photo_views(root / "photo_views.yml", sources, pieces)
    for setting in settings.values():
        for product in setting.by_product:
            where = setting_entries[setting.id].at("by_product", product)
            _known(product, products, f"{where}: by_product names", "products.yml")
    for piece in pieces.values():
        for number, variant in enumerate(piece.variants):
            where = piece_entries[piece.id].at("variants", number, "when", "product")
            for product in variant.when.product:
                _known(product, products, f"{where}: unknown product", "products.yml")
    origin = {key: entry.file for key, entry in piece_entries.items()}
    marks = {key: entry.marks for key, entry in piece_entries.items()}
    return Catalogue(
        sources, settings, products, questions, schedules, pieces, origin, marks, photo_views, expected
    )


def _sources(path: Path) -> dict[str, Source]:
    data, marks = read_marked(path)
    if not isinstance(data, dict):
        raise ContentError(f"{path.name}:1: expected a mapping of key to source")
    entries = {key: _Entry(path.name, str(key), value, marks.within(str(key))) for key, value in data.items()}
    return {key: _parse(Source, entry, entry.data) for key, entry in entries.items()}


def _entries(
    path: Path, model: type[M], sources: Mapping[str, Source]
) -> tuple[dict[str, M], dict[str, _Entry]]:
    """A file that is a list of `model`, by id, with where each was read."""
    found: dict[str, M] = {}
    entries: dict[str, _Entry] = {}
    for entry in _items(path, path.name):
        parsed: Any = _parse(model, entry, entry.data)
        if parsed.id in found:
            raise ContentError(f"{entry.at('id')}: the id is used twice; rename or remove one")
        _check_sources(parsed.sources, sources, entry)
        found[parsed.id], entries[parsed.id] = parsed, entry
    return found, entries


def _pieces(
    root: Path, sources: Mapping[str, Source], settings: Mapping[str, Setting]
) -> tuple[dict[str, Piece], dict[str, _Entry]]:
    pieces: dict[str, Piece] = {}
    entries: dict[str, _Entry] = {}
    files: list[tuple[Path, Kind]] = [(root / name, kind) for name, kind in PIECE_FILES.items()]
    files += [(path, "topic") for path in sorted((root / "topics").glob("*.yml"))]
    for path, kind in files:
        name = path.relative_to(root).as_posix()
        for entry in _items(path, name):
            piece = _parse(Piece, entry, {"kind": kind, **entry.data})
            if piece.kind != kind:
                where = entry.at("kind")
                raise ContentError(f"{where}: kind is {piece.kind}, but {name} holds {kind} pieces; move it")
            if piece.id in pieces:
                other = entries[piece.id].file
                raise ContentError(f"{entry.at('id')}: the id is also used in {other}; rename one")
            _check_sources(piece.sources, sources, entry)
            _check_placeholders(piece, settings, entry)
            pieces[piece.id], entries[piece.id] = piece, entry
    return pieces, entries


def _photo_views(
    path: Path, sources: Mapping[str, Source], pieces: Mapping[str, Piece]
) -> dict[str, PhotoViews]:
    """The views of each area; each must have its piece, and areas that are not listed need `default`."""
    found, entries = _entries(path, PhotoViews, sources)
    for area, views in found.items():
        for number, view in enumerate(views.views):
            where = entries[area].at("views", number)
            _known(f"photos.view_{view}", pieces, f"{where}: view {view!r} has no text", "photos.yml")
    if "default" not in found:
        raise ContentError(f"{path.name}:1: there are no views called default; add them for all other areas")
    return found


class Place(NamedTuple):
    """Where a text of a piece stands; in words `variant 1 sms es`."""

    variant: int  #: counted from 1
    channel: str
    language: str

    @property
    def where(self) -> Where:
        """The text's path in the file, from its piece on."""
        return ("variants", self.variant - 1, self.channel, self.language)

    def __str__(self) -> str:
        return f"variant {self.variant} {self.channel} {self.language}"


def texts(piece: Piece) -> Iterator[tuple[Place, str]]:
    """Every text of `piece` with where it stands."""
    for number, variant in enumerate(piece.variants, start=1):
        for channel, wording in (("sms", variant.sms), ("web", variant.web)):
            if wording is not None:
                yield Place(number, channel, "en"), wording.en
                yield Place(number, channel, "es"), wording.es


def _check_placeholders(piece: Piece, settings: Mapping[str, Setting], entry: _Entry) -> None:
    known = placeholders.allowed(piece.kind, settings)
    for place, text in texts(piece):
        where = f"{entry.at(*place.where)}: {place}"
        try:
            unknown = sorted(placeholders.names(text) - known)
        except ContentError as error:
            raise ContentError(f"{where}: {error}") from None
        if unknown:
            raise ContentError(
                f"{where}: unknown placeholder {{{unknown[0]}}}; "
                f"a {piece.kind} text may use {', '.join(sorted(known))}"
            )


def branch_fault(
    name: str, branch: Branch, questions: Mapping[str, Question]
) -> Literal["unknown", "later", "answer"] | None:
    """What is wrong with asking `name` only after `branch`: there is no such question, it is not asked
    before, or nobody can answer it like that."""
    order = list(questions)
    if branch.question not in questions:
        return "unknown"
    if order.index(branch.question) >= order.index(name):
        return "later"
    asked = questions[branch.question]
    on_scale = branch.at_least is None or asked.answer == "scale"
    return None if on_scale and set(branch.among) <= set(asked.values) else "answer"


def _check_branch(name: str, branch: Branch | None, questions: Mapping[str, Question], where: str) -> None:
    """A condition names a question that is asked before, and an answer that it can have."""
    fault = None if branch is None else branch_fault(name, branch, questions)
    if branch is None or fault is None:
        return
    if fault == "answer":
        raise ContentError(f"{where}: nobody can answer {branch.question} like that")
    raise ContentError(f"{where}: {branch.question} is not asked before {name}; move it up")


def _check_schedule(
    schedule: Schedule, products: Mapping[str, Product], questions: Mapping[str, Question], entry: _Entry
) -> None:
    _known(schedule.product, products, f"{entry.at('product')}: unknown product", "products.yml")
    if schedule.all_well is not None:  # words are read by `lint` where they stand as pieces
        raise ContentError(f"{entry.at('all_well')}: change the words of checkin.done_well in check_in.yml")
    for number, contact in enumerate(schedule.check_ins):
        for asked in contact.ask:
            where = entry.at("check_ins", number, "ask")
            _known(asked, questions, f"{where}: unknown question", "questions.yml")
    for name, own in schedule.thresholds.items():
        where = entry.at("thresholds", name)
        _known(name, questions, f"{where}: unknown question", "questions.yml")
        try:
            questions[name].judged_by(own)
        except ValidationError as error:
            raise ContentError(f"{where}: {error.errors()[0]['msg']}") from None
    for name, branch in schedule.only_if.items():
        where = entry.at("only_if", name)
        _known(name, questions, f"{where}: unknown question", "questions.yml")
        _check_branch(name, branch, questions, where)


def _check_expected(
    expected: Mapping[str, Expected], products: Mapping[str, Product], entries: Mapping[str, _Entry]
) -> None:
    seen: dict[tuple[str, str], str] = {}
    for one in expected.values():
        entry = entries[one.id]
        _known(one.product, products, f"{entry.at('product')}: unknown product", "products.yml")
        if (other := seen.setdefault((one.product, one.measure), one.id)) != one.id:
            raise ContentError(f"{entry.at('id')}: {other} is about the same product and measure; join them")


def _check_sources(keys: Iterable[str], sources: Mapping[str, Source], entry: _Entry) -> None:
    for number, key in enumerate(keys):
        _known(key, sources, f"{entry.at('sources', number)}: unknown source", "sources.yml")


def _known(key: str, known: Mapping[str, object], what: str, file: str) -> None:
    if key not in known:
        raise ContentError(f"{what} {key!r}; add it to {file} or correct it")


def _items(path: Path, name: str) -> Iterator[_Entry]:
    """The entries of a list file."""
    data, marks = read_marked(path, name)
    if not isinstance(data, list):
        raise ContentError(f"{name}:1: expected a list of entries, each starting with `- id:`")
    for number, item in enumerate(data):
        if not isinstance(item, dict) or "id" not in item:
            line = marks.line(number)
            raise ContentError(f"{name}:{line}: entry {number + 1} has no id; start it with `- id:`")
        yield _Entry(name, str(item["id"]), item, marks.within(number))


def _parse(model: type[M], entry: _Entry, data: object) -> M:
    """`data` as `model`. Raises `ContentError` with the line of the first fault and every reason."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first, *_ = error.errors()
        faults = [f"{'.'.join(map(str, e['loc'])) or 'entry'}: {e['msg']}" for e in error.errors()]
        raise ContentError(f"{entry.at(*first['loc'])}: {'; '.join(faults)}") from None
