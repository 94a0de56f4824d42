"""What a patient hears for each tier and sign, in both languages, by SMS and on the web."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from datetime import date

import pytest

from bot.messaging.segments import encoding, first_segment
from bot.protocols.catalogue import catalogue
from bot.protocols.lint import SAMPLE_CLINIC, SMS_LIMIT
from bot.protocols.never_say import breaches
from bot.protocols.phrases import Language, on_day
from bot.protocols.render import Channel, Situation, clinic_values, render
from bot.triage.types import FLAGS
from tests.support.content import LANGUAGES, values

PIECES = {"T0": "safety.t0", "T1": "safety.t1", "T2": "safety.t2", "T3": "safety.t3"}
HOLD = "safety.t3_hold"
EVERY_FLAG = [*FLAGS, None]

#: Facts of the sample clinic, in the form in which they stand in a text.
AMBULANCE = re.compile(rf"\b{SAMPLE_CLINIC['emergency_number']}\b")
URGENT_LINE = re.compile(re.escape(str(SAMPLE_CLINIC["emergency_phone"])))

#: A person does something about it: what each tier says.
PERSON: dict[tuple[str, Language], str] = {
    ("T0", "en"): r"alerting a person here",
    ("T0", "es"): r"[Yy]a avisamos a una persona",
    ("T1", "en"): r"[Cc]linician must speak to you now",
    ("T1", "es"): r"[Uu]n profesional debe hablar con usted ahora",
    ("T2", "en"): r"[Cc]linician .*today",
    ("T2", "es"): r"(?is)profesional.*\bhoy\b|\bhoy\b.*profesional",
    ("T3", "en"): r"next working day",
    ("T3", "es"): r"próximo día laborable",
}
INSTRUCTION: dict[Language, str] = {
    "en": r"\b[Cc]all (us|911|\+1)|\b[Cc]all us at once|\bDo not drive",
    "es": r"\b[Ll]lam(e|arnos|e ya|e enseguida)\b|\bNo conduzca",
}
#: A red flag of another kind may hide behind the one that leads: sight, breathing, speech.
OTHER_SIGNS: dict[Language, tuple[str, ...]] = {
    "en": (r"\bsight\b", r"\bbreath", r"\bspeech\b"),
    "es": (r"\b(vista|ver|ve)\b", r"\brespira", r"\b(habla|hablar)\b"),
}
#: Words on starting, stopping, taking or keeping a medicine, said or denied.
START_OR_STOP: dict[Language, str] = {
    "en": r"\b(re)?(start|stop|paus|skip|hold|resum|tak|continu|keep)\w*\b|\bgo back\b|\bcome off\b|\bdose",
    "es": r"\b(dej[ae]|par(e|ar)\b|suspend|interrump|emp[ie]|comien|rean|contin|sig[au]|vuelv|tome|dosis)",
}


@functools.cache
def clinic(language: Language) -> dict[str, str]:
    return clinic_values(SAMPLE_CLINIC, language)


def said(
    piece_id: str,
    flag: str | None = None,
    language: Language = "en",
    channel: Channel = "sms",
    phase: str | None = "after",
) -> str:
    """The words of `piece_id`, filled with values of ordinary length."""
    day = date(2026, 9, 27) if phase == "after" else None
    filled = clinic(language) | {"treated_on_phrase": on_day(day, language)}
    situation = Situation(language, channel, phase, flag=flag)  # type: ignore[arg-type]
    return render(piece_id, situation, filled).text


def everywhere(
    *piece_ids: str, flags: list[str | None] = EVERY_FLAG, channels: tuple[Channel, ...] = ("sms", "web")
) -> Iterator[tuple[str, str]]:
    """Where and what, for every sign, language, channel and phase."""
    for piece_id in piece_ids:
        for flag in flags:
            for language in LANGUAGES:
                for channel in channels:
                    for phase in ("before", "after", None):
                        place = f"{piece_id} {flag} {language} {channel} {phase}"
                        yield place, said(piece_id, flag, language, channel, phase)


def language_of(place: str) -> Language:
    return "es" if " es " in place else "en"


# --- every text ------------------------------------------------------------------------------------------


def test_every_text_is_short_enough_and_says_nothing_forbidden() -> None:
    for place, text in everywhere(*PIECES.values(), HOLD):
        assert not list(breaches(text, "safety")), place
        assert "{" not in text, place
        assert AMBULANCE.search(text), place
        if " sms " in place:
            assert len(text) <= SMS_LIMIT, (place, len(text))


@pytest.mark.parametrize("tier", PIECES)
def test_the_first_sms_segment_says_what_to_do_and_whom_to_call(tier: str) -> None:
    for place, text in everywhere(PIECES[tier], channels=("sms",)):
        first = first_segment(text)
        assert AMBULANCE.search(first) or URGENT_LINE.search(first), (place, first)
        assert re.search(INSTRUCTION[language_of(place)], first), (place, first)


@pytest.mark.parametrize("tier", PIECES)
def test_both_numbers_and_a_person_stand_in_every_text(tier: str) -> None:
    for place, text in everywhere(PIECES[tier]):
        assert AMBULANCE.search(text), place
        assert URGENT_LINE.search(text), place
        assert re.search(PERSON[tier, language_of(place)], text), (place, text)


def test_a_sign_that_was_read_wrongly_hides_no_emergency() -> None:
    for place, text in everywhere(*(PIECES[tier] for tier in ("T1", "T2", "T3"))):
        for sign in OTHER_SIGNS[language_of(place)]:
            assert re.search(sign, text, re.IGNORECASE), (place, sign)


def test_urgent_spanish_sms_stay_in_the_cheap_alphabet() -> None:
    for place, text in everywhere("safety.t0", "safety.t1", channels=("sms",)):
        assert encoding(text) == "GSM-7", place


def test_on_the_web_nobody_is_called_before_leaving_a_number() -> None:
    for tier in ("T1", "T2", "T3"):
        for place, text in everywhere(PIECES[tier], channels=("web",)):
            assert re.search(r"write (your|a) phone number|escriba aquí (su|un) número", text), place
            promised = r"We are calling you|will call you|[Ll]e llamamos|[Hh]oy le llama|[Ll]e llamará"
            assert not re.search(promised, text), place


@pytest.mark.parametrize("piece_id", [*PIECES.values(), HOLD])
def test_each_variant_is_for_known_signs_and_reached_by_them(piece_id: str) -> None:
    named = [flag for variant in catalogue().piece(piece_id).variants for flag in variant.when.flag]
    assert set(named) <= set(FLAGS)
    assert len(named) == len(set(named))


@pytest.mark.parametrize(
    ("piece_id", "flags"),
    [
        ("safety.t0", ["VIS", "STR", "ALL", "VO", "INF", "HEM"]),
        ("safety.t1", ["VIS", "STR", "VO", "ALL", "INF", "HEM", "NRV", "MED"]),
        ("safety.t2", ["MED", "ALL", "HSV", "INF", "DIR", "HEM", "NRV", "HYP"]),
        ("safety.t3", ["COS", "PRG", "MIN", "MED"]),
    ],
)
def test_signs_that_ask_for_different_steps_get_different_words(piece_id: str, flags: list[str]) -> None:
    for language in LANGUAGES:
        texts = {said(piece_id, flag, language) for flag in [*flags, None]}
        assert len(texts) == len(flags) + 1


# --- T0 --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("flag", ["VIS", "STR", "ALL", "VO", "INF", "HEM", "NRV", "HSV", None])
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
    for place, words in everywhere(*PIECES.values(), HOLD):
        if " before" in place:
            assert not re.search(r"you had facial filler|le pusieron relleno facial|Diga: relleno", words), (
                place
            )


# --- T1 to T3, sign by sign ------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("flag", ["VIS", "STR"])
@pytest.mark.parametrize("channel", ["sms", "web"])
def test_sight_or_brain_signs_of_days_ago_name_the_ambulance_first(
    language: Language, flag: str, channel: Channel
) -> None:
    text = said("safety.t1", flag, language, channel)
    ambulance, urgent_line = AMBULANCE.search(text), URGENT_LINE.search(text)
    assert ambulance is not None
    assert urgent_line is not None
    assert ambulance.start() < urgent_line.start()
    assert channel == "web" or AMBULANCE.search(first_segment(text))
    assert re.search(r"Do not drive|do not\s+drive|no conduzca", text)


@pytest.mark.parametrize("flag", ["VO", "HSV"])
def test_skin_that_may_lack_blood_is_seen_and_left_alone(flag: str) -> None:
    for channel in ("sms", "web"):
        english, spanish = (said("safety.t1", flag, language, channel) for language in LANGUAGES)  # type: ignore[arg-type]
        assert "and see you" in english
        assert "leave the area alone" in english
        assert "y verle" in spanish
        assert "No se toque la zona" in spanish


@pytest.mark.parametrize("piece_id", ["safety.t1", "safety.t2", "safety.t3", HOLD])
def test_a_text_about_a_medicine_neither_stops_nor_starts_it(piece_id: str) -> None:
    for place, text in everywhere(piece_id, flags=["MED"]):
        language = language_of(place)
        assert not re.search(START_OR_STOP[language], text, re.IGNORECASE), (place, text)
        alone = r"do not decide (this|about it|about a medicine|about one) alone"
        by_yourself = r"[Nn]o (lo )?decida por su cuenta"
        assert re.search(alone if language == "en" else by_yourself, text), place


@pytest.mark.parametrize("piece_id", ["safety.t3", HOLD])
def test_under_18_is_not_booked_and_a_person_makes_contact(piece_id: str) -> None:
    for place, text in everywhere(piece_id, flags=["MIN"]):
        assert re.search(r"do not book anyone under 18|No damos cita por mensaje a menores de 18", text), (
            place
        )
        assert re.search(r"contact you the next working day|próximo\s+día laborable", text), place
        assert not re.search(r"\b(parent|mother|father|padre|madre)", text), place
