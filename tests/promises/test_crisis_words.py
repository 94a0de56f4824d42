"""What a patient in a crisis reads: whom to call first, and who will phone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messaging.models import Message
from bot.messaging.segments import encoding, first_segment
from bot.protocols.lint import SAMPLE_CLINIC, SAMPLE_SHARED, SMS_LIMIT
from bot.protocols.names import LONGEST_NAME, TEAM, person_or_team
from bot.protocols.phrases import Language
from bot.protocols.render import Situation, clinic_values, render
from tests.support.desk import ANA, DOCTOR, PAT, Desk
from tests.support.safeguarding import (
    CRISIS,
    staff,
)


@pytest.mark.parametrize(
    ("phone", "words", "asked"),
    [
        (PAT, CRISIS, "We have asked Dr Demo to phone you"),
        (ANA, "me quiero matar", "Hemos pedido a Dr Demo que le llame"),
    ],
)
def test_the_patient_reads_whom_to_call_first_and_then_who_will_phone(
    desk: Desk, phone: str, words: str, asked: str
) -> None:
    desk.text(phone, words)
    desk.settle()
    text = desk.texts_to(phone)[0]
    assert asked in text
    first = first_segment(text)
    assert "911" in first
    assert "+1 555-010-0102" in first


def test_the_web_chat_names_the_lead_in_full(desk: Desk) -> None:
    name = "Dra. María de los Ángeles Ejemplo y Muestra de Prueba"
    staff(DOCTOR, name=name)
    receipt = desk.web("session-1", CRISIS)
    (safety,) = desk.rows(Message, in_reply_to_id=receipt.message_id, content_id="safety.t0_crisis")
    assert f"We have asked {name} to phone you" in safety.body


def crisis_text(piece: str, language: Language, name: str | None) -> str:
    values = clinic_values(SAMPLE_CLINIC, language)
    values["safeguarding_lead"] = person_or_team(name, language, "sms")
    return render(f"safety.{piece}", Situation(language), values).text


@pytest.mark.parametrize("piece", ["t0_crisis", "t1_crisis", "t2_psych"])
@pytest.mark.parametrize("language", ["en", "es"])
@given(name=st.none() | st.text(max_size=120))
def test_no_name_makes_a_crisis_text_dearer_longer_or_late_with_the_number(
    piece: str, language: Language, name: str | None
) -> None:
    text = crisis_text(piece, language, name)
    assert encoding(text) == "GSM-7"
    assert len(text) <= SMS_LIMIT
    first = first_segment(text)
    assert "911" in first
    assert piece == "t2_psych" or str(SAMPLE_CLINIC["emergency_phone"]) in first


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Dr Demo", "Dr Demo"),
        ("  Dr \n Demo ", "Dr Demo"),
        ("Dra. Íñigo Peñalver", "Dra. Iñigo Peñalver"),
        ("Mónica O’Sample", "Monica O'Sample"),
        ("Dra. María de los Ángeles Ejemplo y Muestra", "Dra. Maria de los Angeles"),
        ("Dra. Ejemplo de los Ángelesdelamuestra", "Dra. Ejemplo"),
        ("Dr " + "X" * LONGEST_NAME, TEAM["en"]),
        ("示例医生", TEAM["en"]),
        ("", TEAM["en"]),
        (None, TEAM["en"]),
    ],
)
def test_a_name_is_texted_as_far_as_a_text_can_carry_it(name: str | None, shown: str) -> None:
    assert person_or_team(name, "en", "sms") == shown


def test_the_linter_measures_texts_with_the_longest_name_there_can_be() -> None:
    assert (
        person_or_team(SAMPLE_SHARED["safeguarding_lead"], "es", "sms") == SAMPLE_SHARED["safeguarding_lead"]
    )
    assert len(SAMPLE_SHARED["safeguarding_lead"]) == LONGEST_NAME
