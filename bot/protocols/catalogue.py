"""Everything the clinic can say, read from `content/` and checked as a whole.

Reading fails at once, naming the file and the id, when an id appears twice, a source key is unknown, or a
text uses a placeholder that nothing fills. Whether the words themselves are fit to send is `lint.py`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bot.protocols import placeholders
from bot.protocols.errors import ContentError
from bot.protocols.reading import read_yaml
from bot.protocols.schema import Kind, Piece, Product, Schedule, Setting, Source

CONTENT = Path(__file__).parent / "content"

#: The kind of the pieces in each file; every file under `topics/` holds topics.
PIECE_FILES: Mapping[str, Kind] = {
    "safety.yml": "safety",
    "dialogue.yml": "dialogue",
    "check_in.yml": "check_in",
    "staff.yml": "staff",
}

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Catalogue:
    """The content of one folder. Mappings are by id; `origin` gives the file of each piece."""

    sources: Mapping[str, Source]
    settings: Mapping[str, Setting]
    products: Mapping[str, Product]
    schedules: Mapping[str, Schedule]
    pieces: Mapping[str, Piece]
    origin: Mapping[str, str]

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


@functools.cache
def catalogue() -> Catalogue:
    """The shipped content, read once per process."""
    return load_catalogue()


def load_catalogue(root: Path = CONTENT) -> Catalogue:
    """Read and check all content under `root`. Raises `ContentError` with the first fault found."""
    sources = _sources(root / "sources.yml")
    products = _entries(root / "products.yml", Product, sources)
    settings = _entries(root / "settings.yml", Setting, sources)
    pieces, origin = _pieces(root, sources, settings)
    schedules = _entries(root / "schedules.yml", Schedule, sources)
    _check_schedules(schedules, products, pieces)
    for setting in settings.values():
        _known(setting.by_product, products, f"settings.yml: {setting.id}: by_product names", "products.yml")
    _check_products(pieces, products, origin)
    return Catalogue(sources, settings, products, schedules, pieces, origin)


def _sources(path: Path) -> dict[str, Source]:
    data = read_yaml(path)
    if not isinstance(data, dict):
        raise ContentError(f"{path.name}: expected a mapping of key to source")
    return {key: _parse(Source, value, f"{path.name}: {key}") for key, value in data.items()}


def _entries(path: Path, model: type[M], sources: Mapping[str, Source]) -> dict[str, M]:
    """A file that is a list of `model`, by id."""
    found: dict[str, M] = {}
    for where, item in _items(path, path.name):
        entry: Any = _parse(model, item, where)
        if entry.id in found:
            raise ContentError(f"{where}: the id is used twice; rename or remove one")
        _known(entry.sources, sources, f"{where}: unknown source", "sources.yml")
        found[entry.id] = entry
    return found


def _pieces(
    root: Path, sources: Mapping[str, Source], settings: Mapping[str, Setting]
) -> tuple[dict[str, Piece], dict[str, str]]:
    pieces: dict[str, Piece] = {}
    origin: dict[str, str] = {}
    files: list[tuple[Path, Kind]] = [(root / name, kind) for name, kind in PIECE_FILES.items()]
    files += [(path, "topic") for path in sorted((root / "topics").glob("*.yml"))]
    for path, kind in files:
        name = path.relative_to(root).as_posix()
        for where, item in _items(path, name):
            piece = _parse(Piece, {"kind": kind, **item}, where)
            if piece.kind != kind:
                raise ContentError(f"{where}: kind is {piece.kind}, but {name} holds {kind} pieces; move it")
            if piece.id in pieces:
                raise ContentError(f"{where}: the id is also used in {origin[piece.id]}; rename one")
            _known(piece.sources, sources, f"{where}: unknown source", "sources.yml")
            _check_placeholders(piece, settings, where)
            pieces[piece.id], origin[piece.id] = piece, name
    return pieces, origin


def texts(piece: Piece) -> Iterable[tuple[str, str]]:
    """Every text of `piece` with where it stands: `("variant 1 sms es", "…")`."""
    for number, variant in enumerate(piece.variants, start=1):
        for channel, wording in (("sms", variant.sms), ("web", variant.web)):
            if wording is not None:
                yield f"variant {number} {channel} en", wording.en
                yield f"variant {number} {channel} es", wording.es


def _check_placeholders(piece: Piece, settings: Mapping[str, Setting], where: str) -> None:
    known = placeholders.allowed(piece.kind, settings)
    for place, text in texts(piece):
        try:
            unknown = sorted(placeholders.names(text) - known)
        except ContentError as error:
            raise ContentError(f"{where}: {place}: {error}") from None
        if unknown:
            raise ContentError(
                f"{where}: {place}: unknown placeholder {{{unknown[0]}}}; "
                f"a {piece.kind} text may use {', '.join(sorted(known))}"
            )


def _check_schedules(
    schedules: Mapping[str, Schedule], products: Mapping[str, Product], pieces: Mapping[str, Piece]
) -> None:
    for schedule in schedules.values():
        where = f"schedules.yml: {schedule.id}"
        _known([schedule.product], products, f"{where}: unknown product", "products.yml")
        _known([q.content for q in schedule.questions], pieces, f"{where}: unknown content", "check_in.yml")
        if not schedule.days or sorted(set(schedule.days)) != list(schedule.days) or schedule.days[0] < 0:
            raise ContentError(f"{where}: days must rise from 0 on without repeats: {list(schedule.days)}")


def _check_products(
    pieces: Mapping[str, Piece], products: Mapping[str, Product], origin: Mapping[str, str]
) -> None:
    for piece in pieces.values():
        for variant in piece.variants:
            where = f"{origin[piece.id]}: {piece.id}: unknown product"
            _known(variant.when.product, products, where, "products.yml")


def _known(keys: Iterable[str], known: Mapping[str, object], what: str, where: str) -> None:
    for key in keys:
        if key not in known:
            raise ContentError(f"{what} {key!r}; add it to {where} or correct it")


def _items(path: Path, name: str) -> Iterable[tuple[str, dict[str, Any]]]:
    """The entries of a list file, each with its `file: id` for messages."""
    data = read_yaml(path)
    if not isinstance(data, list):
        raise ContentError(f"{name}: expected a list of entries, each starting with `- id:`")
    for number, item in enumerate(data, start=1):
        if not isinstance(item, dict) or "id" not in item:
            raise ContentError(f"{name}: entry {number} has no id; start it with `- id:`")
        yield f"{name}: {item['id']}", item


def _parse(model: type[M], data: object, where: str) -> M:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc'])) or 'entry'}: {e['msg']}" for e in error.errors()]
        raise ContentError(f"{where}: {'; '.join(faults)}") from None
