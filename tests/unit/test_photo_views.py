"""Which views a treated area has, and that a list of them that cannot be used is refused with its line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bot.console.wording import AREAS
from bot.photos import views
from bot.protocols.catalogue import CONTENT, catalogue, load_catalogue
from bot.protocols.errors import ContentError
from bot.protocols.phrases import Language

LANGUAGES: tuple[Language, ...] = ("en", "es")


def ids(*areas: str) -> list[str]:
    return [view.id for view in views.of_areas(areas, "en")]


@pytest.mark.parametrize("area", AREAS)
def test_every_area_of_the_enrolment_form_has_views_of_its_own(area: str) -> None:
    assert catalogue().photo_views.keys() >= {area}
    assert len(ids(area)) == len(set(ids(area))) >= 1


def test_the_views_of_the_face_are_front_both_sides_and_both_profiles() -> None:
    assert ids("cheeks") == ["front", "left_45", "right_45", "left_profile", "right_profile"]


def test_left_and_right_always_come_together() -> None:
    for one in catalogue().photo_views.values():
        for view in one.views:
            mirrored = view.replace("left", "?").replace("right", "left").replace("?", "right")
            assert mirrored in one.views, f"{one.id}: {view}"


def test_areas_are_known_as_they_are_typed_and_an_unknown_one_gets_the_default() -> None:
    assert ids("Jaw angle") == ids("jaw_angle")
    assert ids("earlobes") == ids() == list(catalogue().photo_views["default"].views)


def test_several_areas_share_their_views() -> None:
    assert ids("midface", "lips") == [
        "front",
        "left_45",
        "right_45",
        "lips_closed",
        "left_profile",
        "right_profile",
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_view_has_a_name_and_says_how_it_is_taken(language: Language) -> None:
    all_views = views.every(language)
    assert len({view.name for view in all_views}) == len(all_views) >= 5
    for view in all_views:
        assert len(view.how) > 40
        assert views.is_known(view.id)
        assert views.name_of(view.id, language) == view.name


def test_a_view_that_was_taken_out_of_the_content_keeps_its_id() -> None:
    assert not views.is_known("from_the_moon")
    assert views.name_of("from_the_moon", "en") == "from_the_moon"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[hands_back]", "[hands_front]", r"^photo_views\.yml:\d+: hands: view 'hands_front' has no text"),
        ("[hands_back]", "[]", r"^photo_views\.yml:\d+: hands: views: "),
        ("- id: hands", "- id: neck", r"^photo_views\.yml:\d+: neck: the id is used twice"),
        ("- id: default", "- id: other", r"^photo_views\.yml:1: there are no views called default"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    root = tmp_path / "content"
    shutil.copytree(CONTENT, root)
    file = root / "photo_views.yml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ContentError, match=expected):
        load_catalogue(root)
