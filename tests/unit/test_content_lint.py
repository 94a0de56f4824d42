"""What may not be said and what is unfit to send; that nothing shipped is."""

from __future__ import annotations

import pytest

from bot.messaging.segments import encoding
from bot.protocols.catalogue import catalogue
from bot.protocols.lint import SMS_LIMIT, lint, longest
from bot.protocols.never_say import breaches, rules
from bot.protocols.phrases import Language
from bot.protocols.render import Situation, render
from bot.protocols.schema import Kind, Piece
from tests.support.content import LANGUAGES, complaints, piece, values


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
        (piece("It happens to 3 % of people.", "Le pasa al 3 %."), "figures: true"),
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


# --- what is shipped ---------------------------------------------------------------------------------------


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


def test_every_product_has_a_protocol_and_every_question_a_text() -> None:
    content = catalogue()
    assert {s.product for s in content.schedules.values()} == set(content.products)
    for protocol in content.schedules.values():
        assert protocol.days == (1, 3, 7, 14, 28, 42, 91, 182, 365)
    for question in content.questions.values():
        assert content.piece(question.content).kind == "check_in"
