"""A check-in as its patient lives it: which questions come, in which order, how answers are understood."""

from __future__ import annotations

from typing import Any

import pytest

from bot.dialogue.agent import Dialogue
from bot.dialogue.replies import Reply
from bot.followup import closing
from bot.protocols.schema import Wording
from tests.support.patient import Patient, ids
from tests.support.services import Services

pytestmark = pytest.mark.model

EARLY = ["overall", "pain", "swelling", "bruising", "red_flags", "other"]
LATE = ["overall", "lumps", "satisfaction", "gais", "other"]


def open_check_in(patient: Patient, asks: list[str] = EARLY, before: dict[str, int] | None = None) -> Reply:
    patient.known |= {"check_in_asks": asks, "check_in_before": before or {}}
    (first,) = patient.check_in()
    return first


def asked(replies: list[Reply]) -> list[str | None]:
    return [reply.question for reply in replies]


def recorded(services: Services) -> list[tuple[str, Any]]:
    return [args[1:3] for args, _ in services.named("record")]


def test_the_first_words_greet_and_ask_what_a_stranger_may_read(patient: Patient) -> None:
    first = open_check_in(patient)
    assert (first.content_id, first.question) == ("checkin.open", "checkin.overall")
    assert "Pat" in first.text
    for secret in ("pain", "swelling", "HArmonyCA", "treat"):
        assert secret not in first.text


def test_every_question_of_the_protocol_is_asked_once_and_in_order(
    patient: Patient, services: Services
) -> None:
    open_check_in(patient)
    for answer, following in zip(("1", "2", "3", "0", "0"), EARLY[1:], strict=True):
        assert asked(patient.text(answer)) == [f"checkin.{following}"]
    assert ids(patient.text("no")) == ["checkin.done_well"]
    assert recorded(services) == [
        ("checkin.overall", "well"),
        ("checkin.pain", 2),
        ("checkin.swelling", 3),
        ("checkin.bruising", 0),
        ("checkin.red_flags", []),
        ("checkin.other", ""),
    ]


@pytest.mark.parametrize("unwell", ["3", "not well", "mal", "feeling awful"])
def test_whoever_is_not_well_is_asked_for_the_danger_signs_at_once(patient: Patient, unwell: str) -> None:
    open_check_in(patient)
    assert asked(patient.text(unwell)) == ["checkin.red_flags"]
    assert asked(patient.text("0")) == ["checkin.pain"]


def test_the_months_ask_other_questions(patient: Patient, services: Services) -> None:
    open_check_in(patient, LATE)
    assert asked(patient.text("great")) == ["checkin.lumps"]
    assert asked(patient.text("no")) == ["checkin.satisfaction"]
    assert asked(patient.text("9")) == ["checkin.gais"]
    assert asked(patient.text("much better")) == ["checkin.other"]
    assert ids(patient.text("0")) == ["checkin.done_well"]
    assert recorded(services)[1:4] == [
        ("checkin.lumps", "no"),
        ("checkin.satisfaction", 9),
        ("checkin.gais", "much_improved"),
    ]


@pytest.mark.parametrize(
    ("words", "following"),
    [
        ("2 3 0", "checkin.red_flags"),
        ("pain 2, swelling 3 and no bruising", "checkin.red_flags"),
        ("2 and 3", "checkin.bruising"),
        ("swelling 3, pain 2", "checkin.bruising"),
    ],
)
def test_several_answers_in_one_text_answer_several_questions(
    patient: Patient, services: Services, words: str, following: str
) -> None:
    open_check_in(patient)
    patient.text("1")
    assert asked(patient.text(words)) == [following]
    assert ("checkin.swelling", 3) in recorded(services)


def test_several_answers_are_kept_while_triage_asks_its_own_question(
    patient: Patient, services: Services
) -> None:
    open_check_in(patient)
    patient.text("1")
    assert patient.text("pain 2, swelling 3, no bruising", probe=True, safety_sent=True) == []
    # the probe asked for the very signs that the check-in would ask next
    assert asked(patient.text("0", question="probe")) == ["checkin.other"]
    assert ("checkin.bruising", 0) in recorded(services)
    assert ("checkin.red_flags", []) in recorded(services)


def test_a_number_that_was_asked_about_is_kept_as_the_score_once_it_is_one(
    patient: Patient, services: Services
) -> None:
    open_check_in(patient)
    patient.text("1")
    patient.text("2")
    asks_signs = {"probe": True, "safety_sent": True}
    assert patient.text("a bit puffy and a headache", **asks_signs) == []
    assert patient.text("3", question="probe", **asks_signs) == []
    assert ("checkin.swelling", 3) not in recorded(services)
    assert patient.text("the swelling", question="probe_which", number=3, **asks_signs) == []
    assert ("checkin.swelling", 3) in recorded(services)
    assert asked(patient.text("0", question="probe")) == ["checkin.bruising"]
    assert ("checkin.red_flags", []) in recorded(services)


def test_neither_sign_nor_score_asks_all_six_signs_again(patient: Patient) -> None:
    open_check_in(patient)
    patient.text("1")
    patient.text("2")
    patient.text("a bit puffy and a headache", probe=True, safety_sent=True)
    patient.text("3", question="probe", probe=True, safety_sent=True)
    for _ in range(2):
        assert ids(patient.text("hmm", question="probe_which", number=3)) == ["safety.probe"]


def test_a_condition_of_the_clinics_own_leaves_a_question_out_of_the_conversation(patient: Patient) -> None:
    waits = {"question": "pain", "at_least": 3, "among": [], "from_day": 0}
    patient.known |= {"check_in_only_if": {"swelling": waits}}
    open_check_in(patient)
    patient.text("1")
    assert asked(patient.text("2")) == ["checkin.bruising"]


def test_a_clinics_own_words_end_a_check_in_that_needs_nobody(patient: Patient) -> None:
    call = "{emergency_phone} {emergency_number}"
    piece = closing.piece_of(Wording(en=f"Lovely. {call}", es=f"Bien. {call}"))
    patient.known |= {"own_words": {"checkin.done_well": piece.model_dump(mode="json")}}
    open_check_in(patient, ["overall", "other"])
    patient.text("1")
    (done,) = patient.text("no")
    assert (done.content_id, done.text) == ("checkin.done_well", "Lovely. +15550100121 911")


def test_the_same_as_last_time_is_the_number_of_last_time(patient: Patient, services: Services) -> None:
    open_check_in(patient, before={"pain": 4})
    patient.text("1")
    assert asked(patient.text("same")) == ["checkin.swelling"]
    assert recorded(services)[-1] == ("checkin.pain", 4)


def test_better_than_last_time_is_asked_for_a_number_with_the_last_one_named(patient: Patient) -> None:
    open_check_in(patient, before={"pain": 4})
    patient.text("1")
    (again,) = patient.text("better than yesterday")
    assert (again.content_id, again.question) == ("checkin.reask_compared", "checkin.pain")
    assert "4" in again.text
    assert asked(patient.text("2")) == ["checkin.swelling"]


def test_an_answer_can_be_put_right_afterwards(patient: Patient, services: Services) -> None:
    open_check_in(patient)
    patient.text("1")
    patient.text("8")
    assert asked(patient.text("sorry, I meant 3")) == ["checkin.swelling"]
    assert recorded(services)[-1] == ("checkin.pain", 3)
    assert asked(patient.text("2")) == ["checkin.bruising"]


def remarks(services: Services) -> list[tuple[str, str]]:
    return [(args[1], kwargs["words"]) for args, kwargs in services.named("remark")]


def test_what_cannot_be_read_is_kept_and_asked_once_more_with_the_choices_and_then_left_unanswered(
    patient: Patient, services: Services
) -> None:
    open_check_in(patient)
    (again,) = patient.text("purple elephant")
    assert (again.content_id, again.question) == ("checkin.noted_choice", "checkin.overall")
    assert "2 so-so" in again.text
    assert asked(patient.text("pink elephant")) == ["checkin.pain"]
    assert recorded(services) == [], "nothing is made up"
    assert remarks(services) == [
        ("checkin.overall", "purple elephant"), ("checkin.overall", "pink elephant"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("language", "words", "noted", "compared"),
    [
        ("en", "bit tight but way less puffy", "your words are saved", "Last time you said 6"),
        ("es", "un poco hinchada pero mejor que ayer", "sus palabras están guardadas", "dijo 6"),
    ],
)
def test_free_words_are_kept_and_compared_with_last_time_where_there_was_one(
    dialogue: Dialogue, services: Services, language: str, words: str, noted: str, compared: str
) -> None:
    for before, said in (({}, noted), ({"swelling": 6}, compared)):
        someone = Patient(dialogue, f"free-{language}-{len(before)}", language=language)
        open_check_in(someone, before=before)
        someone.text("1")
        someone.text("2")
        (again,) = someone.text(words)
        assert again.question == "checkin.swelling"
        assert said in again.text
        assert asked(someone.text("4")) == ["checkin.bruising"]
        assert recorded(services)[-1] == ("checkin.swelling", 4)
    assert remarks(services) == [("checkin.swelling", words)] * 2


@pytest.mark.parametrize(
    ("language", "words"), [("en", ["bit tight", "very tight"]), ("es", ["un poco tirante", "muy tirante"])]
)
def test_the_second_time_a_number_is_not_invented_and_the_check_in_goes_on(
    dialogue: Dialogue, services: Services, language: str, words: list[str]
) -> None:
    someone = Patient(dialogue, f"words-only-{language}", language=language)
    open_check_in(someone, before={"pain": 4})
    someone.text("1")
    assert asked(someone.text(words[0])) == ["checkin.pain"]
    assert asked(someone.text(words[1])) == ["checkin.swelling"]
    assert recorded(services) == [("checkin.overall", "well")]
    assert remarks(services) == [("checkin.pain", one) for one in words]


def test_a_number_that_is_none_of_those_asked_for_is_not_called_words(patient: Patient) -> None:
    open_check_in(patient)
    patient.text("1")
    (again,) = patient.text("40")
    assert again.content_id == "checkin.reask_scale"


def test_words_during_triages_own_question_are_kept_and_the_question_comes_after_it(
    patient: Patient, services: Services
) -> None:
    open_check_in(patient)
    patient.text("1")
    assert patient.text("bit tight and hot", probe=True, safety_sent=True) == []
    assert asked(patient.text("0", question="probe")) == ["checkin.pain"]
    assert remarks(services) == [("checkin.pain", "bit tight and hot")]


def test_spanish_answers_are_understood(dialogue: Dialogue, services: Services) -> None:
    paciente = Patient(dialogue, "check-in-es", language="es")
    open_check_in(paciente)
    assert asked(paciente.text("más o menos")) == ["checkin.pain"]
    assert asked(paciente.text("dolor 2 e hinchazón 3")) == ["checkin.bruising"]
    assert recorded(services)[0] == ("checkin.overall", "so_so")


@pytest.mark.usefixtures("services")
def test_the_same_in_spanish_without_a_day_before_is_asked_for_a_number_and_ends_nothing(
    dialogue: Dialogue,
) -> None:
    ana = Patient(dialogue, "same-es", language="es")
    open_check_in(ana)
    ana.text("2")
    assert asked(ana.text("igual", language="es")) == ["checkin.pain"]
    assert asked(ana.text("3", language="es")) == ["checkin.swelling"]


def test_a_check_in_that_was_answered_on_its_page_takes_no_further_text(
    patient: Patient, services: Services
) -> None:
    open_check_in(patient)
    patient.text("1")
    before = len(recorded(services))
    (answer,) = patient.text("can I go to the gym tomorrow?", answered_check_ins=["check-in-1"])
    assert answer.content_id == "aftercare.exercise", "and the form does not ask again"
    patient.text("3")
    assert len(recorded(services)) == before
