"""The chart note from rows alone: no database, no clock."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest

from bot.clinic.models import Clinic, ConsentPurpose, Patient, Treatment
from bot.console.chart import words_in
from bot.console.strings import catalogue as strings
from bot.escalation.models import Outcome
from bot.followup.models import CheckInStatus
from bot.messaging.models import Channel, Direction, Kind, Message, Status
from bot.protocols.catalogue import catalogue, texts
from bot.records.chart_note import Chart, chart_note, file_name, is_counselling, tells_when_to_call
from bot.records.document import as_text
from bot.records.models import ReportSource, Trend
from bot.triage.types import Tier

NOW = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
CLINIC = Clinic(name="Heron", time_zone="America/New_York", phone="+15550100101", country="US")


def patient(first: str = "Pat", last: str = "Sample") -> Patient:
    """A patient who is in no database."""
    return Patient(id="p1", first_name=first, last_name=last, language="en", time_zone="America/New_York")


def sent(content_id: str | None, body: str, kind: Kind = Kind.REPLY, **more: object) -> Message:
    """A text of ours."""
    return Message(
        content_id=content_id, content_version=1, body=body, kind=kind, direction=Direction.OUT,
        channel=Channel.SMS, status=Status.SENT, created_at=NOW, events=[], **more,
    )  # fmt: skip


def text(chart: Chart, language: str = "en", now: datetime = NOW) -> str:
    """The note as text."""
    return as_text(chart_note(chart, words_in(language), now))


def test_the_two_hours_of_a_clock_change_can_be_told_apart() -> None:
    early = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)
    late = datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
    notes = [text(Chart(CLINIC, patient()), now=moment) for moment in (early, late)]
    assert "1 Nov 2026, 01:30 EDT" in notes[0]
    assert "1 Nov 2026, 01:30 EST" in notes[1]


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        ("Pat", "Sample", "chart-note-PS-2026-11-01.txt"),
        ("Ángel", "Ñu", "chart-note-AN-2026-11-01.txt"),
        ("李", "明", "chart-note-2026-11-01.txt"),
        ('"', "/", "chart-note-2026-11-01.txt"),
        ("", "", "chart-note-2026-11-01.txt"),
    ],
)
def test_a_file_name_is_safe_and_dated_in_the_clinics_zone(first: str, last: str, name: str) -> None:
    assert file_name(Chart(CLINIC, patient(first, last)), NOW, "txt") == name
    before = datetime(2026, 11, 1, 3, 30, tzinfo=UTC)
    assert "2026-10-31" in file_name(Chart(CLINIC, patient(first, last)), before, "txt")


def test_unknown_words_are_shown_as_they_stand_in_the_record() -> None:
    treatment = Treatment(
        product="gone", lot="L", expiry=date(2027, 1, 1), areas=["left eyebrow"], technique_note="",
        goals_endpoints="", goals_longer="", treated_at=NOW,
    )  # fmt: skip
    who = patient()
    who.language = "fr"
    note = text(Chart(CLINIC, who, treatments=(treatment,)))
    for line in ("Product: gone", "Areas: left eyebrow", "Language: fr"):
        assert line in note.splitlines()


def test_a_safety_text_without_a_content_id_says_so() -> None:
    chart = Chart(CLINIC, patient(), sent=(sent(None, "Call 911 now.", Kind.SAFETY),))
    assert "Safety text without a recorded content id · text message · sent, delivery not confirmed" in text(
        chart
    )


@pytest.mark.parametrize(
    ("content_id", "kind", "counts"),
    [
        ("recovery.swelling", Kind.REPLY, True),
        ("product.risks", Kind.REPLY, True),
        ("smalltalk.thanks", Kind.REPLY, False),
        ("out_of_scope", Kind.REPLY, False),
        ("dialogue.fallback", Kind.REPLY, False),
        ("aftercare.ice", Kind.PAGE, False),
        (None, Kind.REPLY, False),
    ],
)
def test_counselling_is_every_topic_that_was_answered(
    content_id: str | None, kind: Kind, counts: bool
) -> None:
    assert is_counselling(sent(content_id, "Words.", kind)) is counts


def test_every_topic_of_the_catalogue_but_small_talk_is_counselling() -> None:
    left_out = {piece.id for piece in catalogue().topics() if not is_counselling(sent(piece.id, "Words."))}
    assert {topic.partition(".")[0] for topic in left_out} <= {"smalltalk", "out_of_scope"}


#: The number is given for the way, not for a sign.
NO_PRECAUTION = {"aftercare.flights"}


def test_every_safety_recovery_and_check_in_text_with_an_urgent_number_is_a_return_precaution() -> None:
    missed = {
        f"{piece.id} {place}"
        for piece in catalogue().pieces.values()
        for place, wording in texts(piece)
        if piece.id.partition(".")[0] in ("safety", "recovery", "checkin", "symptom", "aftercare")
        and re.search(r"\{emergency_|\{crisis_line", wording)
        and not tells_when_to_call(sent(piece.id, wording))
        and piece.id not in NO_PRECAUTION
    }
    assert missed == set()


@pytest.mark.parametrize(
    ("content_id", "body"),
    [
        ("checkin.pain", "How much pain, 0 to 10?"),
        ("aftercare.alcohol", "No alcohol for a day."),
        ("clinic.appointment", "Call us to book."),
        ("smalltalk.thanks", "Call any time."),
        ("product.duration", "So-called results differ: recall them."),
    ],
)
def test_what_does_not_tell_when_to_call_is_none(content_id: str, body: str) -> None:
    assert not tells_when_to_call(sent(content_id, body))


@pytest.mark.parametrize("language", ["en", "es"])
def test_there_are_words_for_whatever_the_record_can_hold(language: str) -> None:
    kinds = {
        "tier": Tier,
        "outcome": Outcome,
        "trend": Trend,
        "check_in": CheckInStatus,
        "chart.delivery": Status,
        "chart.source": ReportSource,
        "chart.purpose": ConsentPurpose,
        "chart.channel": Channel,
    }
    for group, kind in kinds.items():
        join = "_" if group.startswith("chart.") else "."
        assert [member for member in kind if not strings()[f"{group}{join}{member}"][language]] == []
