"""What the clinic says: reading it, choosing and filling it, and the commands that show and check it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.protocols.catalogue import CONTENT, catalogue, load_catalogue
from bot.protocols.cli import app
from bot.protocols.errors import ContentError
from bot.protocols.lint import SAMPLE_CLINIC
from bot.protocols.names import product_named
from bot.protocols.phrases import amount, on_day
from bot.protocols.render import Situation, choose_variant, clinic_values, render
from tests.support.content import piece, topic, values

# --- reading ---------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped content without topics, to break."""
    root = tmp_path / "content"
    shutil.copytree(CONTENT, root, ignore=shutil.ignore_patterns("topics"))
    (root / "topics").mkdir()
    return root


def test_a_topic_file_is_read_as_topics(folder: Path) -> None:
    (folder / "topics" / "recovery.yml").write_text(topic())
    content = load_catalogue(folder)
    assert [p.id for p in content.topics()] == ["recovery.sample"]
    assert content.origin["recovery.sample"] == "topics/recovery.yml"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (topic() * 2, ["topics/x.yml", "recovery.sample", "also used in topics/x.yml"]),
        (topic(id="safety.t0"), ["topics/x.yml", "safety.t0", "also used in safety.yml"]),
        (topic(source="NoSuchKey"), ["recovery.sample", "unknown source 'NoSuchKey'", "sources.yml"]),
        (topic(text="Call {clinic_fone}"), ["recovery.sample", "sms en", "{clinic_fone}", "clinic_phone"]),
        (topic(text="Call {treated_on_phrase}"), ["unknown placeholder {treated_on_phrase}"]),
        (topic(text="Call {clinic_phone"), ["recovery.sample", "bad placeholder"]),
        (topic(text="Call {clinic_phone.real}"), ["recovery.sample", "plain lower-case name"]),
        (topic(text="Call {clinic_phone!r}"), ["recovery.sample", "plain lower-case name"]),
        (topic(text="Call {}"), ["recovery.sample", "plain lower-case name"]),
        (topic().replace(", es: Hola", ""), ["recovery.sample", "variants.0.sms.es", "Field required"]),
        (topic().replace("version: 1", "version: 1\n  kind: staff"), ["kind is staff", "move it"]),
        (topic().replace("version: 1", "versoin: 1"), ["recovery.sample", "versoin", "Extra inputs"]),
        (topic().replace("  version: 1", "  version: 1\n  version: 2"), ["topics/x.yml:5", "written twice"]),
        ("- title: {en: a, es: b}", ["topics/x.yml", "entry 1 has no id"]),
        ("id: recovery.sample", ["topics/x.yml", "expected a list"]),
        ("- id: [", ["topics/x.yml:1"]),
        (topic().replace("- sms", "- when: {product: [nosuch]}\n      sms"), ["unknown product 'nosuch'"]),
    ],
)
def test_a_fault_names_the_file_the_id_and_what_is_wrong(
    folder: Path, text: str, expected: list[str]
) -> None:
    (folder / "topics" / "x.yml").write_text(text)
    with pytest.raises(ContentError) as error:
        load_catalogue(folder)
    for words in expected:
        assert words in str(error.value)


def edit(name: str, old: str, new: str) -> Callable[[Path], object]:
    def apply(root: Path) -> None:
        text = (root / name).read_text(encoding="utf-8")
        assert old in text
        (root / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return apply


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (edit("schedules.yml", "product: harmonyca", "product: nosuch"), "harmonyca: unknown product"),
        (edit("questions.yml", "checkin.pain", "checkin.nosuch"), "unknown content 'checkin.nosuch'"),
        (edit("schedules.yml", "day: 3,", "day: 1,"), "days must rise"),
        (edit("schedules.yml", "[overall, pain", "[pain"), "starts with `overall`"),
        (
            edit(
                "schedules.yml", "hour: 10", "hour: 10\n  thresholds: {lumps: [{tier: T2, among: [maybe]}]}"
            ),
            "maybe",
        ),
        (
            edit("questions.yml", "question: lumps, among: ['yes']", "question: lumps, among: [maybe]"),
            "nobody can",
        ),
        (
            edit("questions.yml", "question: lumps, among: ['yes']", "question: lumps, at_least: 3"),
            "nobody can",
        ),
        (edit("questions.yml", "question: lumps, among", "question: gais, among"), "not asked before"),
        (edit("questions.yml", ", among: ['yes'], from_day: 60", ""), "at_least or among"),
        (
            edit(
                "schedules.yml", "hour: 10", "hour: 10\n  only_if: {pain: {question: lumps, among: ['yes']}}"
            ),
            "lumps is not asked before pain",
        ),
        (
            edit("schedules.yml", "hour: 10", "hour: 10\n  windows: {pain: {first_day: 3, last_day: 3}}"),
            "last_day must be after first_day",
        ),
        (
            edit("schedules.yml", "hour: 10", "hour: 10\n  all_well: {en: 'You are fine.', es: 'Bien.'}"),
            "change the words of checkin.done_well",
        ),
        (edit("schedules.yml", "swelling, red", "swelling, nosuch, red"), "check_ins.0.ask.3"),
        (edit("questions.yml", "among: [unwell]", "among: [dead]"), "'dead', which nobody can answer"),
        (edit("questions.yml", "{tier: T2, at_least: 7}", "{tier: T2}"), "every answer would alarm"),
        (edit("settings.yml", "default: 24", "default: soon"), r"settings\.yml:9: exercise_h"),
        (edit("settings.yml", "default: 24", "default: 0"), "at least 1"),
        (edit("settings.yml", "    sculptra:", "    nosuch:"), "by_product names 'nosuch'"),
        (edit("products.yml", "- id: radiesse", "- id: harmonyca"), "harmonyca: the id is used twice"),
        (lambda root: (root / "safety.yml").unlink(), "safety.yml: cannot be read"),
        (lambda root: (root / "sources.yml").write_bytes(b"\xff\xfe\x00"), "sources.yml: is not UTF-8"),
    ],
)
def test_a_fault_in_any_other_file_is_named(
    folder: Path, change: Callable[[Path], object], expected: str
) -> None:
    change(folder)
    with pytest.raises(ContentError, match=expected):
        load_catalogue(folder)


def test_an_unknown_id_says_where_to_look() -> None:
    with pytest.raises(ContentError, match=r"'nosuch'.*content list"):
        catalogue().piece("nosuch")


# --- choosing --------------------------------------------------------------------------------------------

VARIED = piece(
    "unused",
    variants=[
        {"when": {"phase": "before"}, "sms": {"en": "before", "es": "antes"}},
        {"when": {"product": ["sculptra"], "day_max": 3}, "sms": {"en": "early sculptra", "es": "s"}},
        {"when": {"day_min": 4, "day_max": 14}, "sms": {"en": "days 4 to 14", "es": "d"}},
        {"when": {"flag": ["VIS"], "tier": ["T0"]}, "sms": {"en": "sight", "es": "vista"}},
        {"sms": {"en": "default", "es": "otro"}},
    ],
)


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        (Situation(phase="before", product="sculptra", day=1), "before"),
        (Situation(product="sculptra", day=3), "early sculptra"),
        (Situation(product="sculptra", day=None), "default"),
        (Situation(product="harmonyca", day=3), "default"),
        (Situation(product="sculptra", day=4), "days 4 to 14"),
        (Situation(day=14), "days 4 to 14"),
        (Situation(day=15), "default"),
        (Situation(flag="VIS", tier="T0"), "sight"),
        (Situation(flag="VIS", tier="T1"), "default"),
        (Situation(flag="VIS"), "default"),
    ],
)
def test_the_first_variant_that_fits_is_used(situation: Situation, expected: str) -> None:
    assert choose_variant(VARIED, situation).sms.en == expected


def test_no_fitting_variant_is_an_error_that_says_what_to_add() -> None:
    only = piece("x", variants=[{"when": {"phase": "before"}, "sms": {"en": "a", "es": "b"}}])
    with pytest.raises(ContentError, match="no variant fits"):
        choose_variant(only, Situation(phase="after"))


# --- filling ---------------------------------------------------------------------------------------------


def test_what_is_rendered_carries_what_must_be_recorded() -> None:
    said = render("safety.t0", Situation(tier="T0", flag="VIS"), values(treated_on_phrase="on 3 May"))
    assert said.content_id == "safety.t0"
    assert (said.version, said.status) == (catalogue().piece("safety.t0").version, "draft")
    assert "prop" in said.sources
    assert "facial filler on 3 May and your sight" in said.text


def test_an_empty_value_leaves_no_gap() -> None:
    text = render("safety.t0", Situation(), values()).text
    assert "had facial filler. Our urgent line" in text


def test_web_gets_its_own_wording_and_falls_back_to_sms() -> None:
    long = render("safety.t1", Situation(channel="web"), values()).text
    short = render("safety.t1", Situation(channel="sms"), values()).text
    assert len(long) > len(short)
    same = {render("safety.t3_hold", Situation(channel=c), values()).text for c in ("sms", "web")}
    assert len(same) == 1


def test_a_missing_value_names_the_piece_and_the_placeholder() -> None:
    with pytest.raises(ContentError, match=r"dialogue\.offer.*\{choices\}"):
        render("dialogue.offer", Situation(), values())


def test_a_value_with_braces_is_said_as_it_is() -> None:
    said = render("checkin.intro", Situation(), values(first_name="{clinic_phone}"))
    assert "{clinic_phone}" in said.text


def test_a_retired_piece_is_not_said(folder: Path) -> None:
    (folder / "topics" / "x.yml").write_text(topic().replace("version: 1", "version: 1\n  status: retired"))
    content = load_catalogue(folder)
    assert content.topics() == ()
    with pytest.raises(ContentError, match="retired"):
        render("recovery.sample", Situation(), values(), content)


def test_settings_read_as_words_in_both_languages() -> None:
    en, es = clinic_values(SAMPLE_CLINIC, "en"), clinic_values(SAMPLE_CLINIC, "es")
    assert (en["exercise_h"], es["exercise_h"]) == ("24 hours", "24 horas")
    assert (en["vaccine_d"], es["vaccine_d"]) == ("2 weeks", "2 semanas")
    assert (en["hours_text"], es["hours_text"]) == tuple(SAMPLE_CLINIC["hours_text"].values())  # type: ignore[attr-defined]


def test_the_clinics_setting_wins_over_ours_and_a_products_over_a_general_one() -> None:
    own: dict[str, object] = {
        "exercise_h": 48,
        "exercise_h.radiesse": 1,
        "massage_mode": {"en": "no massage", "es": "sin masaje"},
    }
    assert clinic_values(SAMPLE_CLINIC, "en", "harmonyca", own)["exercise_h"] == "48 hours"
    assert clinic_values(SAMPLE_CLINIC, "es", "radiesse", own)["exercise_h"] == "1 hora"
    shipped = clinic_values(SAMPLE_CLINIC, "en", "sculptra")["massage_mode"]
    assert shipped != clinic_values(SAMPLE_CLINIC, "en", "harmonyca")["massage_mode"]
    assert clinic_values(SAMPLE_CLINIC, "en", "sculptra", own)["massage_mode"] == "no massage"


@pytest.mark.parametrize(
    ("clinic", "own", "expected"),
    [
        ({"emergency_phone": ""}, {}, "the clinic has no emergency_phone"),
        ({"hours_text": {"en": "Mon-Fri"}}, {}, "no hours_text in 'es'"),
        ({}, {"exercize_h": 2}, "no setting is called 'exercize_h'"),
        ({}, {"exercise_h": 0}, "exercise_h needs a number of hours"),
        ({}, {"exercise_h": "two"}, "exercise_h needs a number of hours"),
        ({}, {"ice_text": {"en": "no ice"}}, "ice_text needs a text in 'es'"),
    ],
)
def test_an_unusable_clinic_fact_or_setting_is_named(
    clinic: dict[str, object], own: dict[str, object], expected: str
) -> None:
    with pytest.raises(ContentError, match=expected):
        clinic_values(SAMPLE_CLINIC | clinic, "es", None, own)


def test_without_a_booking_page_the_phone_number_stands_in() -> None:
    clinic = {k: v for k, v in SAMPLE_CLINIC.items() if k != "booking_url"}
    assert clinic_values(clinic, "en")["booking_url"] == SAMPLE_CLINIC["clinic_phone"]


@pytest.mark.parametrize(
    ("number", "unit", "en", "es"),
    [
        (1, "hours", "1 hour", "1 hora"),
        (48, "hours", "48 hours", "48 horas"),
        (7, "days", "7 days", "7 días"),
        (14, "days", "2 weeks", "2 semanas"),
        (15, "days", "15 days", "15 días"),
        (1, "nights", "1 night", "1 noche"),
    ],
)
def test_amounts_of_time(number: int, unit: str, en: str, es: str) -> None:
    assert (amount(number, unit, "en"), amount(number, unit, "es")) == (en, es)


def test_the_day_of_treatment_in_words() -> None:
    assert on_day(date(2026, 5, 3), "en") == "on 3 May"
    assert on_day(date(2026, 12, 31), "es") == "el 31 de diciembre"
    assert on_day(None, "en") == ""


# --- the command -----------------------------------------------------------------------------------------


def test_the_lint_command_is_quiet_success_or_named_failure(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = CliRunner().invoke
    clean = run(app, ["lint"])
    assert clean.exit_code == 0, clean.output
    assert "content: clean" in clean.output
    (folder / "topics" / "x.yml").write_text(topic(text="You should be fine"))
    monkeypatch.setattr("bot.protocols.cli.catalogue", lambda: load_catalogue(folder))
    bad = run(app, ["lint"])
    assert bad.exit_code == 1
    assert "topics/x.yml:7: recovery.sample: variant 1 sms en: never say" in bad.output
    (folder / "topics" / "x.yml").write_text(topic(source="NoSuchKey"))
    broken = run(app, ["lint"])
    assert broken.exit_code == 1
    assert "unknown source" in broken.output


def test_the_show_command_gives_the_patients_words() -> None:
    run = CliRunner().invoke
    shown = run(app, ["show", "safety.t0", "--lang", "es", "--flag", "VIS", "--treated", "2026-05-03"])
    assert shown.exit_code == 0, shown.output
    assert "el 3 de mayo" in shown.output
    assert "segments" in shown.output
    assert run(app, ["show", "nosuch"]).exit_code == 1
    assert "YYYY-MM-DD" in run(app, ["show", "safety.t0", "--treated", "May"]).output
    assert "checkin.intro" in run(app, ["list"]).output


@pytest.mark.parametrize("product", sorted(catalogue().products))
def test_figures_are_told_only_where_the_clinic_shows_them(product: str) -> None:
    quiet = render("product.risks", Situation(product=product), values())
    telling = render("product.risks", Situation(product=product, figures=True), values())
    assert "%" not in quiet.text
    assert "%" in telling.text
    assert "Uncommon but serious" in telling.text, "the serious risks are told either way"


def test_the_treated_area_chooses_the_words() -> None:
    lips = render("aftercare.makeup", Situation(areas=("chin", "lips")), values())
    chin = render("aftercare.makeup", Situation(areas=("chin",)), values())
    assert "lipstick" in lips.text
    assert "lipstick" not in chin.text


@pytest.mark.parametrize(
    ("text", "product"),
    [
        ("how long does radiese last", "radiesse"),
        ("is harmonica CA safe", "harmonyca"),
        ("Sculptura price?", "sculptra"),
        ("juvaderm", "ha_filler"),
        ("harmonyca vs radiesse", None),
        ("does it hurt", None),
        ("is radiance good", None),
        ("", None),
    ],
)
def test_the_one_product_that_a_message_names_is_known_also_misspelt(text: str, product: str | None) -> None:
    assert product_named(text) == product
