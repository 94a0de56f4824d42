"""The same views each time: which ones an area has, what they are called, and how each is taken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.protocols.catalogue import Catalogue, catalogue
from bot.protocols.phrases import Language


@dataclass(frozen=True, slots=True)
class View:
    """One view in one language. `content_id` is the text that tells how to take it."""

    id: str
    name: str
    content_id: str
    how: str


def of_areas(areas: Iterable[str], language: Language, content: Catalogue | None = None) -> list[View]:
    """The views of a treatment's `areas`, in order, each once; those of `default` for an unlisted area."""
    found = content or catalogue()
    listed = [
        view
        for area in areas
        for view in found.photo_views.get(_key(area), found.photo_views["default"]).views
    ] or found.photo_views["default"].views
    return [_view(found, view, language) for view in dict.fromkeys(listed)]


def every(language: Language, content: Catalogue | None = None) -> list[View]:
    """All views of all areas."""
    found = content or catalogue()
    names = dict.fromkeys(view for area in found.photo_views.values() for view in area.views)
    return [_view(found, view, language) for view in names]


def is_known(view: str) -> bool:
    """Whether `view` is the id of a view in force."""
    return any(view in area.views for area in catalogue().photo_views.values())


def name_of(view: str, language: Language) -> str:
    """What a view is called; its id when it has been taken out of the catalogue."""
    piece = catalogue().pieces.get(f"photos.view_{view}")
    return getattr(piece.title, language) if piece else view


def _key(area: str) -> str:
    return area.strip().lower().replace(" ", "_")


def _view(content: Catalogue, view: str, language: Language) -> View:
    piece = content.piece(f"photos.view_{view}")
    how = getattr(piece.variants[-1].sms, language)
    return View(view, getattr(piece.title, language), piece.id, how)
