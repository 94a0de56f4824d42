"""No text that any patient can get breaks a never-say rule or is too long; each variant is reached."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.protocols.catalogue import CONTENT, Catalogue, catalogue, load_catalogue
from bot.protocols.cli import app
from bot.protocols.every_text import (
    DAYS,
    HIGH_NUMBER,
    SIGNS,
    TIERS,
    TIMES,
    Report,
    check_all,
    every_text,
    reached,
    spoken,
)
from bot.protocols.lint import SAMPLE_CLINIC
from bot.protocols.names import TEAM
from bot.protocols.render import Situation, choose_variant
from bot.protocols.schema import Piece
from tests.support.content import piece, topic


def beside_the_shipped(*more: Piece) -> Catalogue:
    """The shipped settings, products and sources, with these pieces alone to say."""
    return replace(catalogue(), pieces={it.id: it for it in more}, origin={}, marks={})


def said(it: Piece, language: str = "en", channel: str | None = None) -> set[str]:
    return {
        one.text
        for one in every_text(it, beside_the_shipped(it))
        if one.situation.language == language and channel in (None, one.situation.channel)
    }


def complaints(*more: Piece) -> list[str]:
    return [problem.message for problem in check_all(beside_the_shipped(*more)).problems]


def two(*conditions: Mapping[str, object], **fields: object) -> Piece:
    """A piece with a variant for each condition and a last one without."""
    variants: list[dict[str, object]] = [
        {"when": dict(when), "sms": {"en": f"number {number}", "es": f"número {number}"}}
        for number, when in enumerate(conditions, start=1)
    ]
    variants.append({"sms": {"en": "the last", "es": "el último"}})
    return piece("unused", variants=variants, **fields)  # type: ignore[arg-type]


# --- what is shipped -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def report() -> Report:
    return check_all(catalogue())


def test_nothing_that_any_patient_can_be_told_is_forbidden_or_too_long(report: Report) -> None:
    assert [str(problem) for problem in report.problems] == []


def test_each_variant_of_each_piece_is_reached(report: Report) -> None:
    pieces = spoken(catalogue())
    assert report.variants == sum(len(it.variants) for it in pieces)
    assert report.pieces == len(pieces)


def test_all_that_was_asked_for_is_in_the_grid(report: Report) -> None:
    content = catalogue()
    assert set(DAYS) >= {*range(31), 45, 60, 90, 180, 365}
    assert {("after", None), ("before", None), (None, None)} <= set(TIMES)
    assert {*TIERS} == {None, "T0", "T1", "T2", "T3", "T4"}
    assert {None, "VO", "MED", "NEG"} <= {*SIGNS}
    assert report.situations == 2 * 2 * len(TIMES) * (len(content.products) + 1) * 6 * len(SIGNS)
    assert report.renderings > report.texts > 500
    assert report.sentences > 1000


def test_every_kind_that_patients_get_is_read_and_nothing_that_staff_get() -> None:
    kinds = {it.kind for it in catalogue().pieces.values()}
    assert {it.kind for it in spoken(catalogue())} == kinds - {"staff"}


@pytest.mark.parametrize("piece_id", ["recovery.lumps", "safety.t0", "aftercare.massage", "checkin.intro"])
def test_leaving_out_what_does_not_matter_finds_the_variants_of_the_whole_grid(piece_id: str) -> None:
    content = catalogue()
    it = content.piece(piece_id)
    everywhere = {
        it.variants.index(choose_variant(it, Situation("en", "sms", phase, product, day, tier, flag)))
        for phase, day in TIMES
        for product in (None, *content.products)
        for tier in TIERS
        for flag in SIGNS
    }
    assert everywhere == set(reached(it, content))


# --- what can be said ------------------------------------------------------------------------------------


def test_each_setting_is_said_as_shipped_and_at_its_least_and_most() -> None:
    assert said(piece("Wait {exercise_h}.", "Espere {exercise_h}.")) == {
        "Wait 24 hours.",
        "Wait 1 hour.",
        f"Wait {HIGH_NUMBER['hours']} hours.",
    }


def test_two_settings_are_said_in_every_combination() -> None:
    assert len(said(piece("{exercise_h} {alcohol_h} {fly_d}", "{exercise_h} {alcohol_h} {fly_d}"))) == 27


def test_a_products_own_value_is_said() -> None:
    shipped = catalogue().settings["massage_mode"].by_product["sculptra"]
    assert shipped.en in said(piece("{massage_mode}", "{massage_mode}"))  # type: ignore[union-attr]


def test_a_clinic_without_a_booking_page_is_read_too() -> None:
    texts = said(piece("Book: {booking_url}", "Cita: {booking_url}"))
    assert texts == {f"Book: {SAMPLE_CLINIC['booking_url']}", f"Book: {SAMPLE_CLINIC['clinic_phone']}"}


def test_web_and_sms_are_both_read_in_both_languages() -> None:
    words = {"sms": {"en": "short", "es": "corto"}, "web": {"en": "long", "es": "largo"}}
    it = piece("unused", variants=[words])
    assert (said(it, "en", "sms"), said(it, "en", "web")) == ({"short"}, {"long"})
    assert (said(it, "es", "sms"), said(it, "es", "web")) == ({"corto"}, {"largo"})


def test_a_day_of_treatment_is_named_only_where_there_is_one() -> None:
    it = piece("You were here {treated_on_phrase}.", "x {treated_on_phrase}", kind="safety", id="safety.x")
    for one in every_text(it, beside_the_shipped(it)):
        if one.situation.language == "en":
            assert ("September" in one.text) == (one.situation.day is not None)


def test_a_lead_with_a_name_and_the_team_without_are_both_read() -> None:
    texts = said(piece("{safeguarding_lead}", "{safeguarding_lead}", kind="safety", id="safety.x"))
    assert TEAM["en"] in texts
    assert len(texts) == 2


def test_every_topic_is_offered_as_a_choice() -> None:
    offer = piece("{choices}?", "¿{choices}?", kind="dialogue", id="dialogue.offer")
    content = replace(catalogue(), pieces={**catalogue().pieces, offer.id: offer})
    texts = {one.text for one in every_text(offer, content) if one.situation.language == "es"}
    for it in content.topics():
        assert any(it.title.es in text for text in texts), it.id


# --- what is found ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("it", "expected"),
    [
        (piece("You will be fine."), "variant 1 sms en: never say"),
        (piece("Hi", "No se preocupe."), "variant 1 sms es: never say"),
        (
            piece("", variants=[{"sms": {"en": "a", "es": "b"}, "web": {"en": "It's normal.", "es": "b"}}]),
            "variant 1 web en: never say",
        ),
        (piece("Rub it.", kind="safety", id="safety.x"), "home_remedy"),
        # fits with the shipped value, but not with the highest
        (piece("Wait {exercise_h}, then " + "x" * 300), "characters once filled"),
        (piece("{ice_text} {ice_text} {ice_text} {ice_text}", "{ice_text}"), "characters once filled"),
        (piece("Hi", "🙂" * 200), "segments once filled"),
        # fits with a phone number, but not with a booking page
        (piece("Book: {booking_url}" + "x" * 290), "characters once filled"),
    ],
)
def test_a_text_that_may_not_be_sent_is_found(it: Piece, expected: str) -> None:
    assert any(expected in message for message in complaints(it)), complaints(it)


@pytest.mark.parametrize(
    ("it", "number"),
    [
        (two({"day_min": 3}, {"day_min": 7}), 2),
        (two({"phase": "before"}, {"phase": "before", "product": ["sculptra"]}), 2),
        (two({"phase": "before", "day_min": 1}), 1),
        (two({"day_min": 400}), 1),
        (two({"day_min": 9, "day_max": 8}), 1),
        (two({"tier": ["T9"]}), 1),
        (two({"flag": ["XYZ"]}, kind="safety", id="safety.x"), 1),
        (two({}, {"phase": "after"}), 2),
    ],
)
def test_a_variant_that_no_situation_reaches_is_named(it: Piece, number: int) -> None:
    assert (
        f"variant {number} is never used: no situation fits it, or an earlier one always does"
        in complaints(it)
    )


@pytest.mark.parametrize(
    "it",
    [
        two({"day_min": 7}, {"day_min": 3}),
        two({"phase": "before", "product": ["sculptra"]}, {"phase": "before"}),
        two({"day_min": 365}),
        two({"tier": ["T4"]}),
        two({"flag": ["MIN"]}, kind="safety", id="safety.x"),
    ],
)
def test_a_variant_that_some_situation_reaches_is_none_to_complain_of(it: Piece) -> None:
    assert complaints(it) == []


def test_a_situation_without_a_text_is_named_and_the_others_are_still_read() -> None:
    silent = piece("", variants=[{"when": {"phase": "before"}, "sms": {"en": "Hi", "es": "Ay"}}])
    loud = piece("It's normal.", id="recovery.other")
    found = complaints(silent, loud)
    assert any("no variant fits" in message for message in found)
    assert any("never say" in message for message in found)


def test_a_value_that_nothing_gives_is_named() -> None:
    assert any("no value for {nosuch}" in message for message in complaints(piece("{nosuch}", "{nosuch}")))


def test_what_is_retired_or_for_staff_is_not_read() -> None:
    retired = piece("It's normal.", status="retired")
    staff = piece("It's normal.", id="staff.x", kind="staff")
    assert check_all(beside_the_shipped(retired, staff)).problems == ()


# --- the command -----------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "content"
    shutil.copytree(CONTENT, root)
    return root


def test_the_command_says_how_much_it_has_read() -> None:
    result = CliRunner().invoke(app, ["check-all"])
    assert result.exit_code == 0, result.output
    for words in ("situations", "distinct texts", "sentences", " 0 problems", "==> topics/recovery.yml"):
        assert words in result.output


def test_the_command_names_file_and_line_and_fails(folder: Path) -> None:
    (folder / "topics" / "x.yml").write_text(topic(id="recovery.x", text="You should be fine."))
    result = CliRunner().invoke(app, ["check-all", "--dir", str(folder)])
    assert result.exit_code == 1
    assert "topics/x.yml:7: recovery.x: variant 1 sms en: never say" in result.output
    assert " 1 problems" in result.output


@pytest.mark.parametrize("command", ["check-all", "lint"])
def test_a_folder_that_cannot_be_read_is_said_and_fails(folder: Path, command: str) -> None:
    (folder / "topics" / "x.yml").write_text(topic(source="NoSuchKey"))
    result = CliRunner().invoke(app, [command, "--dir", str(folder)])
    assert result.exit_code == 1
    assert "topics/x.yml:5: recovery.sample: unknown source 'NoSuchKey'" in result.output


def test_the_clinics_own_folder_is_read_without_saying_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "topics" / "x.yml").write_text(topic(text="You should be fine."))
    monkeypatch.setenv("AFTERGLOW_CONTENT_DIR", str(folder))
    result = CliRunner().invoke(app, ["lint"])
    assert result.exit_code == 1
    assert "topics/x.yml:7" in result.output


def test_check_all_reads_a_loaded_folder_as_it_does_the_shipped_one(folder: Path) -> None:
    assert load_catalogue(folder).pieces == load_catalogue().pieces
