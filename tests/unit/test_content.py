"""What the clinic says: reading it, choosing and filling it, and refusing what must not be said."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.messaging.segments import encoding, first_segment
from bot.protocols.catalogue import CONTENT, catalogue, load_catalogue
from bot.protocols.cli import app
from bot.protocols.errors import ContentError
from bot.protocols.lint import SAMPLE_CLINIC, SMS_LIMIT, lint, lint_piece, longest
from bot.protocols.never_say import breaches, rules
from bot.protocols.phrases import Language, amount, on_day
from bot.protocols.render import Situation, choose_variant, clinic_values, render
from bot.protocols.schema import Kind, Piece

LANGUAGES: tuple[Language, ...] = ("en", "es")


def piece(
    en: str,
    es: str = "Texto de prueba.",
    *,
    id: str = "recovery.sample",
    kind: Kind = "topic",
    **more: object,
) -> Piece:
    """A piece with one variant."""
    data = {
        "id": id,
        "kind": kind,
        "title": {"en": "Sample", "es": "Muestra"},
        "version": 1,
        "sources": ["GK"],
        "variants": [{"sms": {"en": en, "es": es}}],
    }
    return Piece.model_validate(data | more)


def complaints(it: Piece) -> list[str]:
    return [problem.message for problem in lint_piece(it, catalogue())]


def values(language: Language = "en", **more: str) -> dict[str, str]:
    return clinic_values(SAMPLE_CLINIC, language) | {"treated_on_phrase": ""} | more


# --- reading ---------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped content without topics, to break."""
    root = tmp_path / "content"
    shutil.copytree(CONTENT, root, ignore=shutil.ignore_patterns("topics"))
    (root / "topics").mkdir()
    return root


TOPIC = """
- id: {id}
  title: {{en: Sample, es: Muestra}}
  version: 1
  sources: [{source}]
  variants:
    - sms: {{en: '{text}', es: Hola}}
"""


def topic(id: str = "recovery.sample", source: str = "GK", text: str = "Hello") -> str:
    return TOPIC.format(id=id, source=source, text=text)


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
        (topic().replace("  version: 1", "  version: 1\n  version: 2"), ["x.yml line 5", "written twice"]),
        ("- title: {en: a, es: b}", ["topics/x.yml", "entry 1 has no id"]),
        ("id: recovery.sample", ["topics/x.yml", "expected a list"]),
        ("- id: [", ["x.yml line"]),
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
        (edit("schedules.yml", "product: harmonyca", "product: nosuch"), "harmonyca_early: unknown product"),
        (edit("schedules.yml", "checkin.pain", "checkin.nosuch"), "unknown content 'checkin.nosuch'"),
        (edit("schedules.yml", "[1, 3, 7, 14]", "[3, 1]"), "days must rise"),
        (edit("settings.yml", "default: 24", "default: soon"), "settings.yml: exercise_h"),
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
    assert (said.version, said.status) == (1, "draft")
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


# --- refusing --------------------------------------------------------------------------------------------


def test_the_shipped_content_is_clean() -> None:
    assert lint(catalogue()) == []


@pytest.mark.parametrize(
    ("rule", "text"),
    [(rule.id, text) for rule in rules() for text in rule.catches],
    ids=lambda v: str(v)[:40],
)
def test_every_never_say_rule_catches_its_examples(rule: str, text: str) -> None:
    kind: Kind = (next(r for r in rules() if r.id == rule).kinds or ("topic",))[0]
    assert rule in {breach.rule for breach in breaches(f"Hello. {text} Bye.", kind)}


@pytest.mark.parametrize(
    "text", [text for rule in rules() for text in rule.allows], ids=lambda text: str(text)[:40]
)
def test_a_harmless_neighbour_passes_every_rule(text: str) -> None:
    assert list(breaches(text, "topic")) == []


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Don’t worry, this happens.", "reassurance"),
        ("A little pain on day two is completely normal.", "normalising_a_sign"),
        ("That's normal, rest a bit.", "normalising"),
        ("It isn't an occlusion.", "diagnosis"),
        ("Paracetamol 1 g every 6 hours is enough.", "medicine"),
        ("Skip your blood thinners for a week.", "medicine"),
        ("If you dislike the result, it can be dissolved.", "dissolve"),
        ("Please wait until Monday for that.", "wait"),
        ("Put ice on it, heat it and wait.", "wait"),
        ("We guarantee that you keep the result.", "promise"),
        ("There is no doubt, results will last two years.", "promise"),
        ("HArmonyCA is safer than other fillers.", "superiority"),
        ("No te preocupes.", "reassurance"),
        ("Que la piel esté blanca es normal.", "normalising_a_sign"),
        ("Esto no es una infección.", "diagnosis"),
        ("Suspenda su anticoagulante antes de venir.", "medicine"),
        ("El gel se puede disolver.", "dissolve"),
        ("Espere a mañana.", "wait"),
        ("Le garantizamos labios perfectos.", "promise"),
        ("Es el mejor tratamiento que existe.", "superiority"),
    ],
)
def test_the_never_say_list_is_refused_in_a_patients_text(text: str, rule: str) -> None:
    assert any(f"({rule})" in message for message in complaints(piece("Hello there.", text)))
    web = piece("Hi", "Hola", variants=[{"sms": {"en": "Hi", "es": "Hola"}, "web": {"en": text, "es": "Ay"}}])
    assert any(f"({rule})" in message for message in complaints(web))


@pytest.mark.parametrize(
    ("it", "expected"),
    [
        (piece("x" * (SMS_LIMIT + 1)), "321 characters"),
        (piece("Hi", "x" * (SMS_LIMIT + 1)), "321 characters"),
        (piece("{massage_mode}, " * 6, "{massage_mode} " * 6), "characters once filled"),
        (piece("It’s here"), "'’'"),
        (piece("One two three four five", "One two three four five"), "translate it"),
        (piece("Hi", "  "), "translation is missing"),
        (piece("Call {clinic_phone}", "Llame"), "only one language has {clinic_phone}"),
        (piece("Call {clinic_fone}", "{clinic_fone}"), "unknown placeholder {clinic_fone}"),
        (
            piece("", variants=[{"sms": {"en": "a", "es": "b"}, "web": {"en": "{oops}", "es": "{oops}"}}]),
            "web en: unknown placeholder {oops}",
        ),
        (piece("Call {clinic_phone"), "bad placeholder"),
        (piece("Swelling in 30% of people.", sources=[]), "has no source"),
        (piece("Settles in 5-7 days.", sources=[]), "has no source"),
        (piece("Hi", "Dura 2 semanas.", sources=[]), "has no source"),
        (piece("Hi", sources=["NoSuchKey"]), "unknown source 'NoSuchKey'"),
        (piece("Reply YES to agree."), "opts out or in"),
        (piece("Reply with 'end' when done."), "opts out or in"),
        (piece("Is it sore? YES or NO"), "opts out or in"),
        (piece("Hi", "Responda SÍ para seguir."), "opts out or in"),
        (piece("Hi", "Responda con BAJA."), "opts out or in"),
        (piece("Text STOP to end."), "opts out or in"),
        (piece("Hello, how is your lip?", id="checkin.intro", kind="check_in"), "locked screen"),
        (piece("Hi", "¿Cómo va su relleno?", id="checkin.reminder", kind="check_in"), "locked screen"),
        (piece("Say you had HArmonyCA.", id="safety.x", kind="safety"), 'names the product "HArmonyCA"'),
        (piece("Hi", "Le pusieron Juvéderm.", id="dialogue.x", kind="dialogue"), "names the product"),
        (piece("Call us now.", id="safety.t1", kind="safety"), "{emergency_number} is missing"),
        (piece("Rub the area.", id="safety.x", kind="safety"), "home_remedy"),
        (piece("Hi", id="safety.x", kind="safety", sources=[]), "needs its sources"),
        (piece("Hi", variants=[{"when": {"day_min": 1}, "sms": {"en": "a", "es": "b"}}]), "has a condition"),
        (
            piece("Hi", variants=[{"sms": {"en": "a", "es": "b"}}, {"sms": {"en": "c", "es": "d"}}]),
            "never used",
        ),
    ],
)
def test_an_unfit_text_is_refused(it: Piece, expected: str) -> None:
    assert any(expected in message for message in complaints(it)), complaints(it)


@pytest.mark.parametrize(
    ("en", "es"),
    [
        (
            "x" * 151 + " Call {emergency_number} or {emergency_phone}.",
            "Llame {emergency_number} {emergency_phone}",
        ),
        # 70 letters fill more than the first segment of a text with Spanish accents.
        ("Call {emergency_number} or {emergency_phone}.", "ó" * 70 + " {emergency_number} {emergency_phone}"),
    ],
)
def test_an_emergency_text_must_name_the_number_in_its_first_segment(en: str, es: str) -> None:
    found = complaints(piece(en, es, id="safety.t0", kind="safety"))
    assert any("{emergency_number} must stand in the first SMS segment" in message for message in found)


def test_opt_out_texts_may_name_the_carriers_keywords() -> None:
    text = "Reply STOP to end."
    assert complaints(piece(text, "Responda STOP para parar.", id="optout.help", kind="dialogue")) == []


def test_plain_words_are_no_keywords() -> None:
    assert (
        complaints(piece("Reply with the numbers. Tell us if it starts again.", "Responda si quiere.")) == []
    )


# --- promises of the shipped texts -----------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("flag", ["VIS", "STR", "ALL", "VO", None])
@pytest.mark.parametrize("emergency", ["911", "999", "112"])
def test_an_emergency_text_says_first_whom_to_call(
    language: Language, flag: str | None, emergency: str
) -> None:
    filled = clinic_values(SAMPLE_CLINIC | {"emergency_number": emergency}, language)
    filled["treated_on_phrase"] = on_day(date(2026, 9, 27), language)
    text = render("safety.t0", Situation(language, phase="after", tier="T0", flag=flag), filled).text
    first = first_segment(text)
    assert emergency in first[:30]
    assert SAMPLE_CLINIC["emergency_phone"] in first
    assert filled["treated_on_phrase"] in first
    assert ("Do not drive" if language == "en" else "No conduzca") in first


def test_someone_not_treated_here_is_not_told_to_say_they_were() -> None:
    text = render("safety.t0", Situation(phase="before", flag="VIS"), values()).text
    assert "you had facial filler" not in text
    assert "911" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_red_flag_question_numbers_the_same_six_signs(language: Language) -> None:
    for piece_id in ("safety.probe", "checkin.red_flags", "checkin.reask_red_flags"):
        text = render(piece_id, Situation(language), values(language)).text
        places = [text.index(f" {number} ") for number in range(1, 7)]
        assert places == sorted(places)
        assert "0" in text


def test_english_sms_stay_in_the_cheap_alphabet_and_no_sms_is_too_long() -> None:
    content = catalogue()
    for it in content.pieces.values():
        for variant in it.variants:
            assert encoding(longest(variant, "en", content)) == "GSM-7", it.id
            assert max(len(longest(variant, lang, content)) for lang in LANGUAGES) <= SMS_LIMIT, it.id


def test_every_product_has_an_early_schedule_and_every_question_a_text() -> None:
    content = catalogue()
    assert {s.product for s in content.schedules.values()} == set(content.products)
    early = content.schedules["harmonyca_early"]
    assert (early.days, early.hour, early.version) == ((1, 3, 7, 14), 10, 1)
    for question in early.questions:
        assert content.piece(question.content).kind == "check_in"


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
    assert "topics/x.yml:recovery.sample: variant 1 sms en: never say" in bad.output
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
