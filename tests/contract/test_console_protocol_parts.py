"""Conditions, shaded days and closing words of a protocol, changed in the console."""

from __future__ import annotations

import html
import re

import pytest
from fastapi.testclient import TestClient

from bot.clinic.models import Staff, Treatment
from bot.db.engine import reading, transaction
from bot.followup import protocols
from bot.followup.models import CheckIn
from bot.outcomes.windows import windows_of
from bot.protocols.catalogue import catalogue
from bot.protocols.schema import Branch, Schedule, Window
from tests.contract.console_browser import client_for, post
from tests.contract.console_clinic import World
from tests.contract.test_console_follow_up import PAGE, SHIPPED, planned, rows, typed

EN = "Lovely to hear. Urgent: call {emergency_phone}. Emergency: call {emergency_number}."
ES = "Qué bien. Urgente: llame al {emergency_phone}. Emergencia: llame al {emergency_number}."


def whole(page: str) -> dict[str, str]:
    """The protocol form as it was shown, its lists and texts too."""
    fields = typed(page) | rows(page)
    for name, options in re.findall(r'<select id="(b-[\w-]+-question)"[^>]*>(.*?)</select>', page):
        chosen = re.search(r'value="(\w*)" selected', options)
        fields[name] = chosen[1] if chosen else ""
    for name, words in re.findall(r'<textarea id="[^"]*" name="(all_well-\w+)"[^>]*>([^<]*)<', page):
        fields[name] = html.unescape(words)
    return fields


def weighed(preview: str) -> str:
    """What ticking "weighed" sends."""
    found = re.search(r'name="weighed" value="(\w+)"', preview)
    assert found is not None
    return found[1]


def mine(world: World) -> Schedule:
    with reading() as session:
        return protocols.in_force(session, world.clinic, "harmonyca")


def test_the_form_as_shown_changes_nothing(doctor: TestClient, world: World) -> None:
    fields = whole(doctor.get(PAGE).text)
    assert fields["b-tenderness-question"] == "lumps"
    assert fields["b-tenderness-from_day"] == "60"
    assert (fields["w-swelling-first"], fields["w-swelling-last"]) == ("0", "7")
    shown = post(doctor, PAGE, **fields)
    assert shown.status_code == 200
    assert "Nothing would change, so there is no new version." in shown.text
    assert "Put in force" not in shown.text
    again = post(doctor, PAGE, **fields, confirmed="yes", note="for the record")
    assert "Nothing would change" in again.text
    assert mine(world).version == SHIPPED


def test_a_question_that_fewer_are_asked_must_be_weighed_and_then_counts_for_running_check_ins(
    doctor: TestClient, world: World
) -> None:
    fields = whole(doctor.get(PAGE).text) | {
        "b-swelling-question": "overall",
        "b-swelling-overall-is-so_so": "on",
        "b-swelling-overall-is-unwell": "on",
        "b-swelling-from_day": "7",
    }
    shown = post(doctor, PAGE, **fields).text
    assert "Asked of fewer patients than shipped" in shown
    assert "Swelling, from day 7: only after How the patient is: so-so, not well from day 7 on." in shown
    refused = post(doctor, PAGE, **fields, confirmed="yes")
    assert refused.status_code == 422
    assert mine(world).version == SHIPPED
    assert "in force" in post(doctor, PAGE, **fields, confirmed="yes", weighed=weighed(shown)).text
    branch = Branch(question="overall", among=("so_so", "unwell"), from_day=7)
    assert mine(world).only_if == {"swelling": branch}
    with reading() as session:
        asked = protocols.questions(session, session.get_one(CheckIn, planned(world, "pat").id))
        assert asked["swelling"].only_if == branch
        assert protocols.in_force(session, world.other_clinic, "harmonyca").only_if == {}
    assert 'id="b-swelling"' in doctor.get(PAGE).text


def test_a_question_that_a_day_no_longer_asks_must_be_weighed(doctor: TestClient, world: World) -> None:
    fields = whole(doctor.get(PAGE).text)
    del fields[next(name for name in fields if name.startswith("ask-") and name.endswith("-red_flags"))]
    shown = post(doctor, PAGE, **fields).text
    assert "No longer asked, and shipped" in shown
    assert "Danger signs (0 is none), on day" in shown
    assert post(doctor, PAGE, **fields, confirmed="yes").status_code == 422
    assert mine(world).version == SHIPPED
    assert "in force" in post(doctor, PAGE, **fields, confirmed="yes", weighed=weighed(shown)).text


def test_a_day_that_is_taken_out_must_be_weighed_and_one_that_is_moved_need_not(
    doctor: TestClient, world: World
) -> None:
    fields = whole(doctor.get(PAGE).text)
    number = next(name for name in fields if name.startswith("day-")).partition("-")[2]
    day = fields[f"day-{number}"]
    without = {name: value for name, value in fields.items() if name.split("-")[:2] != ["ask", number]}
    shown = post(doctor, PAGE, **(without | {f"day-{number}": ""})).text
    assert f"The whole check-in of day {day}" in shown
    assert post(doctor, PAGE, **(without | {f"day-{number}": ""}), confirmed="yes").status_code == 422
    assert mine(world).version == SHIPPED
    moved = post(doctor, PAGE, **(fields | {f"day-{number}": str(int(day) + 5)})).text
    assert "No longer asked, and shipped" not in moved


def test_what_was_weighed_before_another_change_must_be_weighed_again(
    doctor: TestClient, world: World
) -> None:
    fields = whole(doctor.get(PAGE).text) | {"b-swelling-question": "pain", "b-swelling-at_least": "4"}
    ticked = weighed(post(doctor, PAGE, **fields).text)
    more = fields | {"b-bruising-question": "pain", "b-bruising-at_least": "9"}
    refused = post(doctor, PAGE, **more, confirmed="yes", weighed=ticked)
    assert refused.status_code == 422
    assert mine(world).version == SHIPPED
    assert "Bruising" in refused.text
    again = weighed(refused.text)
    assert "in force" in post(doctor, PAGE, **more, confirmed="yes", weighed=again).text


@pytest.mark.parametrize(
    ("fields", "anchor", "words"),
    [
        ({"b-swelling-question": "nosuch"}, "b-swelling", "There is no such question"),
        ({"b-swelling-question": "lumps"}, "b-swelling", "asked before it"),
        ({"b-swelling-question": "pain"}, "b-swelling", "Say after which answers"),
        (
            {"b-red_flags-question": "pain", "b-red_flags-at_least": "5", "b-red_flags-from_day": ""},
            "b-red_flags",
            "never of fewer",
        ),
        ({"w-swelling-first": "9", "w-swelling-last": "7"}, "w-swelling", "after the first"),
        ({"w-bruising-first": "", "w-bruising-last": "7"}, "w-bruising", "or neither"),
        ({"all_well-en": EN}, "all_well-es", "both languages"),
        ({"all_well-en": f"Don't worry. {EN}", "all_well-es": ES}, "all_well-en", "(Don&#39;t worry)"),
        (
            {"all_well-en": "Bye.", "all_well-es": ES},
            "all_well-en",
            "({emergency_phone}, {emergency_number})",
        ),
        ({"all_well-en": EN, "all_well-es": f"{ES} {{x}}"}, "all_well-es", "({x})"),
        ({"all_well-en": EN + " Thanks." * 40, "all_well-es": ES}, "all_well-en", "at most 320 characters"),
    ],
)
def test_a_part_that_cannot_come_into_force_is_said_beside_its_field_and_kept(
    doctor: TestClient, world: World, fields: dict[str, str], anchor: str, words: str
) -> None:
    refused = post(doctor, PAGE, **(whole(doctor.get(PAGE).text) | fields), confirmed="yes", weighed="yes")
    assert refused.status_code == 422
    alert = re.search(r'role="alert".*?</div>', refused.text, re.DOTALL)
    assert alert is not None
    assert f'href="#{anchor}"' in alert[0]
    assert words in alert[0]
    assert f'id="{anchor}"' in refused.text
    for name, value in fields.items():
        if name.startswith(("w-", "all_well")):
            assert html.escape(value, quote=True).replace("&#x27;", "&#39;") in refused.text
    assert mine(world).version == SHIPPED


def test_all_that_is_wrong_is_said_at_once(doctor: TestClient) -> None:
    wrong = {"t-pain-0-at_least": "70", "b-swelling-question": "pain", "w-pain-first": "9", "all_well-en": EN}
    alert = post(doctor, PAGE, **(whole(doctor.get(PAGE).text) | wrong)).text
    for anchor in ("t-pain", "b-swelling", "w-pain", "all_well-es"):
        assert f'<a href="#{anchor}">' in alert


def test_refused_parts_are_said_in_spanish_too(world: World) -> None:
    with transaction() as session:
        session.get_one(Staff, world.staff["doctor"]).language = "es"
    directora = client_for("doctor")
    wrong = {"w-swelling-first": "9", "b-swelling-question": "pain", "all_well-es": ES}
    page = post(directora, PAGE, **(whole(directora.get(PAGE).text) | wrong)).text
    for words in ("posterior al primero", "Indique tras qué respuestas", "Escríbalas en los dos idiomas"):
        assert words in page


def test_own_days_are_shaded_for_the_clinics_patients_and_can_be_taken_back(
    doctor: TestClient, world: World
) -> None:
    fields = whole(doctor.get(PAGE).text) | {
        "w-swelling-first": "1", "w-swelling-last": "10", "w-bruising-first": "", "w-bruising-last": "",
    }  # fmt: skip
    post(doctor, PAGE, **fields, confirmed="yes")
    assert mine(world).windows == {"swelling": Window(first_day=1, last_day=10), "bruising": None}
    with reading() as session:
        treatment = session.query(Treatment).filter_by(patient_id=world.patients["pat"]).one()
        days = windows_of(session, treatment, for_patients=True)
    assert days == {"swelling": (1, 10), "tenderness": (0, 2)}
    back = whole(doctor.get(PAGE).text) | {
        "w-swelling-first": "0", "w-swelling-last": "7", "w-bruising-first": "0", "w-bruising-last": "14",
    }  # fmt: skip
    post(doctor, PAGE, **back, confirmed="yes")
    assert mine(world).windows == {}, "as shipped again"


def test_closing_words_are_shown_as_patients_read_them_before_they_come_into_force(
    doctor: TestClient, world: World
) -> None:
    fields = whole(doctor.get(PAGE).text) | {"all_well-en": EN, "all_well-es": ES}
    shown = post(doctor, PAGE, **fields).text
    assert re.search(r'<q lang="en">Lovely to hear\. Urgent: call \+1[^<{]+</q>', shown)
    assert re.search(r"text parts: 1</span>", shown)
    assert "Weaker" not in shown
    post(doctor, PAGE, **fields, confirmed="yes")
    words = mine(world).all_well
    assert words is not None
    assert (words.en, words.es) == (EN, ES)
    with reading() as session:
        assert protocols.in_force(session, world.clinic, "radiesse").all_well is None
    again = whole(doctor.get(PAGE).text)
    assert again["all_well-en"] == EN
    post(doctor, PAGE, **(again | {"all_well-en": "", "all_well-es": ""}), confirmed="yes")
    assert mine(world).all_well is None


def test_a_nurse_reads_the_parts_and_changes_none(nurse: TestClient, world: World) -> None:
    page = nurse.get(PAGE).text
    assert re.search(r'<select id="b-pain-question"[^>]* disabled', page)
    assert re.search(r'id="w-pain-first"[^>]* readonly', page)
    assert re.search(r'id="all_well-en"[^>]* readonly', page)
    assert post(nurse, PAGE, **whole(page), confirmed="yes").status_code == 403


def test_a_form_without_the_parts_leaves_them(doctor: TestClient, world: World) -> None:
    set_up = {"all_well-en": EN, "all_well-es": ES, "w-swelling-last": "9", "b-tenderness-question": ""}
    post(doctor, PAGE, **(whole(doctor.get(PAGE).text) | set_up), confirmed="yes")
    before = mine(world)
    assert before.only_if == {"tenderness": None}
    fields = {
        name: value
        for name, value in typed(doctor.get(PAGE).text).items()
        if not name.startswith(("b-", "w-", "all_well"))
    }
    post(doctor, PAGE, **fields | {"hour": "11"}, confirmed="yes")
    now = mine(world)
    assert (now.version, now.hour) == (before.version + 1, 11)
    assert (now.only_if, now.windows, now.all_well) == (before.only_if, before.windows, before.all_well)
    assert now.days == catalogue().schedules["harmonyca"].days


@pytest.mark.parametrize(
    "typed_in",
    [
        {"b-swelling-overall-is-unwell": "on"},
        {"b-swelling-at_least": "4"},
        {"b-swelling-from_day": "7"},
    ],
)
def test_an_answer_without_a_question_to_wait_for_is_refused_at_its_field_and_kept(
    doctor: TestClient, world: World, typed_in: dict[str, str]
) -> None:
    refused = post(doctor, PAGE, **whole(doctor.get(PAGE).text) | typed_in, confirmed="yes")
    assert refused.status_code == 422
    assert '<a href="#b-swelling">Swelling</a>: Answers are ticked or numbers given here' in refused.text
    field = re.search(r'<fieldset[^>]* id="b-swelling".*?</fieldset>', refused.text, re.DOTALL)
    assert field is not None
    assert 'id="b-swelling-error">Answers are ticked' in field[0]
    assert 'aria-describedby="b-swelling-shipped b-swelling-error"' in field[0]
    (name,) = typed_in
    assert whole(refused.text)[name] == typed_in[name]
    assert mine(world).version == SHIPPED


def test_an_answer_to_another_question_than_the_chosen_one_is_refused(
    doctor: TestClient, world: World
) -> None:
    fields = {"b-swelling-question": "pain", "b-swelling-at_least": "4", "b-swelling-overall-is-unwell": "on"}
    refused = post(doctor, PAGE, **whole(doctor.get(PAGE).text) | fields, confirmed="yes")
    assert refused.status_code == 422
    assert "do not belong to the question that it waits for" in refused.text
    assert mine(world).version == SHIPPED


def test_a_condition_is_taken_out_by_choosing_everybody_whatever_was_ticked_for_it(
    doctor: TestClient, world: World
) -> None:
    fields = whole(doctor.get(PAGE).text) | {"b-tenderness-question": ""}
    assert fields["b-tenderness-lumps-is-yes"] == "on"
    shown = post(doctor, PAGE, **fields).text
    assert (
        "<li>Tenderness, asked: of everybody, instead of: only after Any lump: yes from day 60 on.</li>"
        in shown
    )
    post(doctor, PAGE, **fields, confirmed="yes")
    assert mine(world).only_if == {"tenderness": None}


def test_words_in_the_field_of_the_other_language_come_into_force_only_when_somebody_has_looked(
    doctor: TestClient, world: World
) -> None:
    fields = whole(doctor.get(PAGE).text) | {"all_well-en": ES, "all_well-es": EN}
    shown = post(doctor, PAGE, **fields).text
    assert "The words for English look Spanish." in shown
    assert "The words for Spanish look English." in shown
    refused = post(doctor, PAGE, **fields, confirmed="yes")
    assert refused.status_code == 422
    assert mine(world).version == SHIPPED
    ticked = re.search(r'name="languages" value="(\w+)"', refused.text)
    assert ticked is not None
    other = fields | {"all_well-en": fields["all_well-en"] + " Gracias."}
    assert post(doctor, PAGE, **other, confirmed="yes", languages=ticked[1]).status_code == 422
    assert mine(world).version == SHIPPED, "what was looked at were other words"
    post(doctor, PAGE, **fields, confirmed="yes", languages=ticked[1])
    assert mine(world).version == SHIPPED + 1


def test_words_in_their_own_language_are_asked_nothing_more(doctor: TestClient, world: World) -> None:
    fields = whole(doctor.get(PAGE).text) | {"all_well-en": EN, "all_well-es": ES}
    assert 'name="languages"' not in post(doctor, PAGE, **fields).text
    post(doctor, PAGE, **fields, confirmed="yes")
    assert mine(world).version == SHIPPED + 1
