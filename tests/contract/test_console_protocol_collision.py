"""Two people change one protocol at once, in the console."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from bot.clinic.models import Staff
from bot.db.engine import reading, transaction
from bot.followup import protocols
from bot.followup.models import ProtocolVersion
from bot.protocols.schema import Schedule, Wording
from tests.contract.console_browser import client_for, post
from tests.contract.console_clinic import World
from tests.contract.test_console_follow_up import PAGE, SHIPPED
from tests.contract.test_console_protocol_parts import EN, ES, mine, weighed, whole


def change_of(world: World, name: str, **other: object) -> None:
    """Somebody else puts a version in force."""
    with reading() as session:
        now = protocols.in_force(session, world.clinic, "harmonyca")
    wanted = protocols.checked(now.model_dump(mode="json") | {"version": now.version + 1} | other)
    protocols.put_in_force(world.clinic, world.staff[name], wanted, "as agreed")


def contacts(schedule: Schedule, **other: dict[str, object] | None) -> list[object]:
    """The check-ins of a protocol by day ("d3"), others added, or left out with None."""
    known = {f"d{c.day}": c.model_dump(mode="json") for c in schedule.check_ins} | other
    return sorted((one for one in known.values() if one), key=lambda one: int(str(one["day"])))


def all_of(page: str) -> dict[str, str]:
    """Everything that the form as it was shown would send, with the chosen radio buttons."""
    fields = whole(page)
    for tag in re.findall(r'<input type="radio"[^>]*>', page):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]+)"', tag)
        assert name is not None
        assert value is not None
        fields.pop(name[1], None)
        if " checked" in tag:
            fields[name[1]] = value[1]
    return fields


def lines(page: str, heading: str) -> list[str]:
    """The list items after a heading, up to the next one."""
    part = re.search(rf'{heading}</h[23]>(.*?)<(?:h[23]|/section|p class="hint")', page, re.DOTALL)
    assert part is not None, heading
    return re.findall(r"<li>([^<]*)</li>", part[1])


def test_a_tab_that_was_overtaken_is_told_who_changed_what_beside_what_it_wants(
    doctor: TestClient, world: World
) -> None:
    old = whole(doctor.get(PAGE).text)
    change_of(world, "nurse", hour=15, windows={"swelling": {"first_day": 0, "last_day": 9}})
    refused = post(doctor, PAGE, **old | {"w-bruising-last": "21"}, confirmed="yes")
    assert refused.status_code == 422
    page = refused.text
    assert "Somebody else has changed this protocol meanwhile" in page
    who = rf"<strong>Version {SHIPPED + 1}</strong>, Nurse Demo, <time[^>]*>[^<]+</time>: as agreed"
    assert re.search(who, page)
    assert lines(page, "Changed since you opened this page") == [
        "Hour of the day: 15, instead of: 10.",
        "Swelling, days shaded: day 0 to day 9, instead of: day 0 to day 7.",
    ]
    assert lines(page, "What you want to change") == [
        "Bruising, days shaded: day 0 to day 21, instead of: day 0 to day 14."
    ]
    assert "which is to hold?" not in page
    assert "Put in force" not in page
    assert mine(world).version == SHIPPED + 1


def test_the_next_clicks_of_an_overtaken_tab_keep_what_it_never_touched(
    doctor: TestClient, world: World
) -> None:
    old = whole(doctor.get(PAGE).text)
    change_of(world, "nurse", hour=15, all_well={"en": EN, "es": ES})
    refused = post(doctor, PAGE, **old | {"w-bruising-last": "21"}, confirmed="yes", note="as seen")
    joined = all_of(refused.text)
    assert joined["note"] == "as seen"
    assert (joined["hour"], joined["w-bruising-last"], joined["all_well-en"]) == ("15", "21", EN)
    shown = post(doctor, PAGE, **joined)
    assert lines(shown.text, "What this changes") == [
        "Bruising, days shaded: day 0 to day 21, instead of: day 0 to day 14."
    ]
    post(doctor, PAGE, **all_of(shown.text), confirmed="yes")
    now = mine(world)
    assert (now.version, now.hour, now.all_well) == (SHIPPED + 2, 15, Wording(en=EN, es=ES))
    assert now.windows["bruising"] is not None
    assert now.windows["bruising"].last_day == 21


def test_the_old_form_sent_again_and_again_never_comes_into_force(doctor: TestClient, world: World) -> None:
    old = whole(doctor.get(PAGE).text)
    change_of(world, "nurse", hour=15)
    for _click in range(2):
        assert post(doctor, PAGE, **old | {"hour": "9"}, confirmed="yes").status_code == 422
        assert mine(world).hour == 15


def test_what_both_changed_is_named_and_must_be_chosen_field_by_field(
    doctor: TestClient, world: World
) -> None:
    old = whole(doctor.get(PAGE).text)
    change_of(world, "nurse", hour=15, windows={"pain": {"first_day": 0, "last_day": 6}})
    wants = old | {"hour": "9", "w-pain-last": "4", "w-bruising-last": "21"}
    refused = post(doctor, PAGE, **wants, confirmed="yes").text
    assert "which is to hold?" in refused
    assert re.findall(r'<fieldset id="(keep-[^"]+)"', refused) == ["keep-hour", "keep-window-pain"]
    assert "As in force now: day 0 to day 6" in refused
    assert "As you want it: day 0 to day 4" in refused
    unchosen = all_of(refused)
    assert unchosen["hour"] == "9", "what was typed is kept"
    for sent in ({}, {"keep-hour": "mine"}, {"keep-hour": "both", "keep-window-pain": "mine"}):
        again = post(doctor, PAGE, **unchosen | sent, confirmed="yes")
        assert again.status_code == 422
        assert "Say which of the two is to hold" in again.text
        assert mine(world).version == SHIPPED + 1
    shown = post(doctor, PAGE, **unchosen | {"keep-hour": "mine", "keep-window-pain": "theirs"})
    assert shown.status_code == 200
    assert lines(shown.text, "What this changes")[0] == "Hour of the day: 9, instead of: 15."
    post(doctor, PAGE, **all_of(shown.text), confirmed="yes")
    now = mine(world)
    assert (now.version, now.hour) == (SHIPPED + 2, 9)
    assert now.windows["pain"] is not None
    assert now.windows["pain"].last_day == 6
    assert now.windows["bruising"] is not None


def test_what_the_other_changed_cannot_be_typed_over_without_being_chosen(
    doctor: TestClient, world: World
) -> None:
    old = whole(doctor.get(PAGE).text)
    change_of(world, "nurse", hour=15)
    joined = all_of(post(doctor, PAGE, **old | {"w-bruising-last": "21"}).text)
    refused = post(doctor, PAGE, **joined | {"hour": "8"}, confirmed="yes")
    assert refused.status_code == 422
    assert 'href="#keep-hour">Hour of the day</a>' in refused.text
    assert mine(world).hour == 15


def test_a_choice_counts_for_the_version_that_it_was_made_on(doctor: TestClient, world: World) -> None:
    old = whole(doctor.get(PAGE).text)
    change_of(world, "nurse", hour=15)
    chosen = all_of(post(doctor, PAGE, **old | {"hour": "9"}).text) | {"keep-hour": "mine"}
    change_of(world, "nurse", hour=17)
    again = post(doctor, PAGE, **chosen, confirmed="yes")
    assert again.status_code == 422
    assert "keep-hour" not in all_of(again.text), "it must be chosen anew"
    assert lines(again.text, "Changed since you opened this page") == [
        "Hour of the day: 17, instead of: 15.",
        "Hour of the day: 15, instead of: 10.",
    ]
    assert mine(world).hour == 17


def test_days_changed_by_two_people_are_joined(doctor: TestClient, world: World) -> None:
    old = whole(doctor.get(PAGE).text)
    now = mine(world)
    day_3 = now.check_ins[1].model_dump(mode="json")
    change_of(
        world, "nurse", check_ins=contacts(now, d3=day_3 | {"ask": ["overall", "pain", "other"]}, d365=None)
    )
    page = post(doctor, PAGE, **old | {"day-0": "2", "ask-1-lumps": "on"}, confirmed="yes").text
    assert lines(page, "Changed since you opened this page") == [
        "Day 365 is removed.",
        "Day 3 no longer asks: Swelling, Danger signs (0 is none).",
    ]
    assert lines(page, "What you want to change") == ["Day 1 moves to day 2.", "Day 3 also asks: Any lump."]
    shown = post(doctor, PAGE, **all_of(page)).text
    post(doctor, PAGE, **all_of(shown), confirmed="yes", weighed=weighed(shown))
    joined = mine(world)
    assert joined.days == (2, 3, 7, 14, 28, 42, 91, 182)
    assert joined.check_ins[1].ask == ("overall", "pain", "lumps", "other")


def test_what_cannot_be_read_is_mended_first_and_then_joined(doctor: TestClient, world: World) -> None:
    old = whole(doctor.get(PAGE).text)
    change_of(world, "nurse", hour=15)
    refused = post(doctor, PAGE, **old | {"w-bruising-last": "soon"}, confirmed="yes").text
    assert "Somebody else has changed" in refused
    assert "Days are whole numbers" in refused
    kept = all_of(refused)
    assert (kept["version"], kept["w-bruising-last"]) == (str(SHIPPED), "soon")
    mended = post(doctor, PAGE, **kept | {"w-bruising-last": "21"}, confirmed="yes")
    assert mended.status_code == 422
    assert all_of(mended.text)["hour"] == "15"
    assert mine(world).version == SHIPPED + 1


def test_a_slip_on_the_way_does_not_lose_what_the_other_changed(doctor: TestClient, world: World) -> None:
    old = whole(doctor.get(PAGE).text)
    change_of(world, "nurse", hour=15)
    joined = all_of(post(doctor, PAGE, **old | {"hour": "9"}).text)
    slip = all_of(post(doctor, PAGE, **joined | {"keep-hour": "mine", "w-bruising-last": "soon"}).text)
    refused = post(doctor, PAGE, **slip | {"w-bruising-last": "21"}, confirmed="yes")
    assert 'href="#keep-hour"' in refused.text
    change_of(world, "nurse", windows={"pain": None})
    slip = all_of(post(doctor, PAGE, **slip).text)
    refused = post(doctor, PAGE, **slip | {"w-bruising-last": "21"}, confirmed="yes")
    assert re.findall(r'<fieldset id="(keep-[^"]+)"', refused.text) == ["keep-hour"]
    assert mine(world).hour == 15


def test_what_cannot_be_followed_once_it_is_joined_is_said(doctor: TestClient, world: World) -> None:
    old = whole(doctor.get(PAGE).text)
    now = mine(world)
    without = [
        c.model_dump(mode="json") | {"ask": [name for name in c.ask if name != "pain"]} for c in now.check_ins
    ]
    change_of(world, "nurse", check_ins=without)
    page = post(doctor, PAGE, **old | {"b-swelling-question": "pain", "b-swelling-at_least": "3"}).text
    assert '<a href="#b-swelling">Swelling</a>: No day asks both' in page
    again = post(doctor, PAGE, **all_of(page), confirmed="yes")
    assert again.status_code == 422
    assert mine(world).version == SHIPPED + 1


def test_a_second_click_on_the_same_change_is_no_change(doctor: TestClient, world: World) -> None:
    wants = whole(doctor.get(PAGE).text) | {"hour": "9"}
    post(doctor, PAGE, **wants, confirmed="yes")
    again = post(doctor, PAGE, **wants, confirmed="yes")
    assert again.status_code == 422
    assert "You have changed this protocol yourself meanwhile" in again.text
    assert "which is to hold?" not in again.text
    assert "Nothing would change" in post(doctor, PAGE, **all_of(again.text), confirmed="yes").text
    assert mine(world).version == SHIPPED + 1


def test_a_version_that_nobody_knows_puts_nothing_back_unchosen(doctor: TestClient, world: World) -> None:
    change_of(world, "nurse", hour=15)
    now = whole(doctor.get(PAGE).text)
    for version in ("1", "x", ""):
        page = post(doctor, PAGE, **now | {"version": version, "hour": "9"}, confirmed="yes").text
        assert re.findall(r'<fieldset id="(keep-[^"]+)"', page) == ["keep-hour"]
        assert post(doctor, PAGE, **all_of(page), confirmed="yes").status_code == 422
    assert mine(world).hour == 15


def test_the_history_says_what_each_version_changed_in_both_languages(
    doctor: TestClient, world: World
) -> None:
    now = mine(world)
    change_of(
        world, "nurse", check_ins=contacts(now, d3=None, d5={"day": 5, "ask": ["overall", "other"]}), hour=15
    )
    change_of(
        world, "doctor", thresholds={"lumps": []}, only_if={"tenderness": None},
        all_well={"en": EN, "es": ES},
    )  # fmt: skip
    page = doctor.get(PAGE).text
    told = re.findall(r"<li>([^<]*)</li>", page[page.index('id="history-h"') :])
    assert told == [
        "Any lump, when a person must look: nobody, instead of: T3 Next working day: yes from day 14 on.",
        "Tenderness, asked: of everybody, instead of: only after Any lump: yes from day 60 on.",
        f"What is said when all is well: “{EN}” / “{ES}”, instead of: the usual words.",
        "Hour of the day: 15, instead of: 10.",
        "Day 3 is removed.",
        "Day 5 is added: asks How the patient is.",
    ]
    with transaction() as session:
        session.get_one(Staff, world.staff["doctor"]).language = "es"
    spanish = client_for("doctor").get(PAGE).text
    assert "Se añade el día 5: pregunta Cómo está." in spanish
    assert "Sensibilidad, se pregunta: a todos, en lugar de: solo tras Algún bulto: sí" in spanish


def test_a_version_that_cannot_be_read_any_more_does_not_close_the_page(
    doctor: TestClient, world: World
) -> None:
    change_of(world, "nurse", hour=15)
    change_of(world, "doctor", hour=16)
    with transaction() as session:
        old = session.scalars(select(ProtocolVersion).filter_by(version=SHIPPED + 1)).one()
        old.definition = old.definition | {"check_ins": [{"day": 1, "ask": ["overall", "gone", "other"]}]}
    page = doctor.get(PAGE)
    assert page.status_code == 200
    assert page.text.count("What it was before is not known any more.") == 2
    overtaken = post(doctor, PAGE, **whole(page.text) | {"version": str(SHIPPED + 1), "hour": "9"})
    assert 'id="keep-hour"' in overtaken.text


@pytest.mark.parametrize("language", ["en", "es"])
def test_an_overtaken_tab_is_told_in_its_language(world: World, language: str) -> None:
    with transaction() as session:
        session.get_one(Staff, world.staff["doctor"]).language = language
    client = client_for("doctor")
    old = whole(client.get(PAGE).text)
    change_of(world, "nurse", hour=15)
    page = post(client, PAGE, **old | {"hour": "9"}, confirmed="yes").text
    words = {
        "en": ("Changed since you opened this page", "Changed in both places", "As in force now: 15"),
        "es": ("Ha cambiado desde que abrió", "Cambiado en los dos sitios", "Como está en vigor: 15"),
    }
    for one in words[language]:
        assert one in page
