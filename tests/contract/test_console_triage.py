"""Trying triage in the console: what is shown, to whom, and that nothing comes of it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from bot import triage
from bot.clinic.models import Staff
from bot.console import triage as console_triage
from bot.console import triage_result
from bot.console.router import router
from bot.console.strings import catalogue
from bot.console.triage_result import percent, shaded, why_key
from bot.db.engine import reading, transaction
from bot.escalation.models import Alert, AlertEvent, Notification
from bot.messaging.models import Message
from bot.records.models import AssessmentRecord, StaffTask
from bot.triage import shelf
from bot.triage.explain import Explanation, Weighed
from bot.triage.signs import Sign
from bot.triage.types import Assessment, Context, Finding, Tier
from bot.triage.verdict import Judgement
from tests.contract import console_clinic
from tests.contract.console_browser import client_for, post
from tests.contract.console_clinic import World
from tests.support.triage_reader import WordReader, serving

PAGE = "/console/triage"
WHITE_LIP = "My lip has gone white and it hurts"


@pytest.fixture
def world(record: None) -> World:
    """The busy clinic as the stand-in reads its messages, which the shared record was not."""
    return console_clinic.build()


@pytest.fixture(autouse=True)
def _no_reader() -> Iterator[None]:
    """The rules alone, whatever is trained on this machine."""
    with serving(None):
        yield


@pytest.fixture
def reader() -> Iterator[WordReader]:
    """A reader that knows a few words."""
    mine = WordReader()
    with serving(mine):
        yield mine


def words(page: str) -> str:
    """What the page says, without its markup."""
    body = page.partition('<main id="content" tabindex="-1">')[2]
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", body).split()))


def part(page: str, heading: str) -> str:
    """What the section under `heading` says; empty when there is none."""
    found = re.search(rf'<section[^>]*aria-labelledby="{heading}".*?</section>', page, re.DOTALL)
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", found[0]).split())) if found else ""


def message_of(world: World, alert: str) -> str:
    """The id of the message that raised the alert."""
    with reading() as session:
        return session.get_one(Alert, world.alerts[alert]).message_id


def test_only_staff_who_are_signed_in_may_try(world: World) -> None:
    app = FastAPI()
    app.include_router(router)
    stranger = TestClient(app, follow_redirects=False)
    assert stranger.get(f"{PAGE}?message=x").headers["location"] == (
        "/console/sign-in?next=/console/triage%3Fmessage%3Dx"
    )
    assert stranger.post(PAGE, data={"message": "hi"}).headers["location"].startswith("/console/sign-in")


def test_a_form_without_its_sessions_token_is_refused(nurse: TestClient) -> None:
    assert nurse.post(PAGE, data={"message": WHITE_LIP}).status_code == 403


def test_the_page_is_in_the_navigation_and_says_that_nothing_comes_of_it(nurse: TestClient) -> None:
    reply = nurse.get(PAGE)
    assert re.search(r'href="/console/triage" aria-current="page"', reply.text)
    assert "nobody is paged" in words(reply.text)
    assert reply.headers["cache-control"] == "no-store"
    assert "default-src 'self'" in reply.headers["content-security-policy"]
    assert "style=" not in reply.text


def test_a_white_lip_is_within_the_hour_and_the_page_says_in_words_why(nurse: TestClient) -> None:
    reply = post(nurse, PAGE, message=WHITE_LIP, day="1")
    assert reply.status_code == 200
    verdict = part(reply.text, "result")
    assert "T1 Within the hour" in verdict
    assert "A person is paged at once" in verdict
    found = part(reply.text, "findings-h")
    book = {rule.id: rule for rule in shelf.shelf.book().rules}
    rule = next(name for name in re.findall(r"\b\w+\.[\w-]+\b", found) if name in book)
    assert book[rule].why in found
    assert book[rule].source in found
    assert "white" in found
    assert re.search(r"standing-(sure|vote|fallback)", reply.text)
    assert f"{WHITE_LIP}</textarea>" in reply.text


def test_the_safety_text_is_the_clinics_own_in_both_languages(world: World, nurse: TestClient) -> None:
    heard = part(post(nurse, PAGE, message=WHITE_LIP, day="1").text, "heard-h")
    assert "safety.t1" in heard
    assert heard.count("+1 555-010-0102") >= 2
    assert "English" in heard
    assert "Spanish" in heard
    with transaction() as session:
        session.get_one(Staff, world.staff["doctor"]).safeguarding_lead = True
    heard = part(post(nurse, PAGE, message="I want to die, I will kill myself tonight").text, "heard-h")
    assert "_crisis" in heard
    assert "Dr Demo" in heard


def test_a_patient_who_takes_it_back_hears_that_the_call_still_comes(nurse: TestClient) -> None:
    page = post(nurse, PAGE, message="never mind, all good", day="1", alert_tier="T1").text
    assert "T1" in part(page, "result")
    assert "safety.retraction" in part(page, "heard-h")
    assert "Nothing new beside an open alert" in part(page, "findings-h")


def test_a_missing_reader_is_said_and_the_rules_alone_are_shown(nurse: TestClient) -> None:
    page = post(nurse, PAGE, message=WHITE_LIP, day="1").text
    assert "without the trained reader" in words(page)
    assert "No trained reader is loaded" in part(page, "reader-h")
    assert 'role="meter"' not in page
    assert part(page, "near-h") == ""


def test_with_a_reader_odds_words_and_neighbours_are_shown(nurse: TestClient, reader: WordReader) -> None:
    page = post(nurse, PAGE, message=WHITE_LIP, day="1").text
    assert "Triage does not do all of its work" not in page
    odds = part(page, "reader-h")
    assert re.search(r"Within the hour, or an emergency 92\.4\s%", odds)
    assert re.search(r"pages from 12\.0\s% \(reached\)", odds)
    meters = re.findall(r'role="meter"[^>]*aria-valuenow="([\d.]+)"', page)
    assert len(meters) == 4
    assert all(0 <= float(value) <= 100 for value in meters)
    weighed = re.search(r'<ol class="top-words">(.*?)</ol>', page, re.DOTALL)
    assert weighed
    assert re.findall(r"<strong[^>]*>(\w+)<", weighed[1]) == ["white", "hurts", "lip"]
    assert re.search(r'<span class="raises-4">white</span>', page)
    near = part(page, "near-h")
    for said in ("top lip has gone white", "T1 Within the hour", "day 1", "likeness 0.96", "day not known"):
        assert said in near
    assert "frío &lt;b&gt;" in page
    assert "T1 Within the hour" in part(page, "result").partition("The rules alone would say")[2]


def test_votes_that_lead_to_nothing_are_shown_as_set_aside(
    nurse: TestClient, reader: WordReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def finding(rule: str, tier: Tier) -> Finding:
        return Finding("VO", tier, rule, f"words of {rule}", "Pearce")

    kept = finding("vo.cold", Tier.T2)
    found = Explanation(
        assessment=Assessment(Tier.T2, (kept,), flags=("VO",)),
        by_rules=Assessment(Tier.T1, (finding("vo.cold", Tier.T1),), flags=("VO",)),
        signs=(
            Sign(finding("cos.early-mention", Tier.T4), "fallback"),
            Sign(finding("vo.cold", Tier.T1), "vote"),
            Sign(finding("vo.pale", Tier.T1), "vote"),
        ),
        judgement=Judgement(0.01, 0.001, 0.6, 0.7, Tier.T2, False),
    )
    monkeypatch.setattr(console_triage, "explain", lambda _text, _context: found)
    page = post(nurse, PAGE, message="x").text
    assert "words of vo.cold" in part(page, "findings-h")
    assert "the rule alone: T1" in part(page, "findings-h")
    aside = part(page, "aside-h")
    assert re.findall(r"\b\w+\.[\w-]+ (?:vote|fallback)", aside) == [
        "vo.pale vote",
        "cos.early-mention fallback",
    ]
    assert "vo.cold" not in aside
    assert "T1 Within the hour" in part(page, "result").partition("The rules alone would say")[2]


def test_a_picture_alone_is_a_message_and_the_reader_is_silent(nurse: TestClient, reader: WordReader) -> None:
    page = post(nurse, PAGE, message="", media="yes", day="1").text
    assert "T1 Within the hour" in part(page, "result")
    assert "A picture without words" in part(page, "findings-h")
    assert "The reader did not read this" in part(page, "reader-h")


@pytest.mark.parametrize(
    ("fields", "field", "complaint"),
    [
        ({"message": "   "}, "message", "Write a message first"),
        ({"message": "a" * 10_001}, "message", "has 10001 characters; 10000 is the most"),
        ({"message": "hi", "day": "soon"}, "day", "whole number from 0 on"),
        ({"message": "hi", "day": "-1"}, "day", "whole number from 0 on"),
        ({"message": "hi", "day": "99999"}, "day", "whole number from 0 on"),
        ({"message": "hi", "day": "2", "phase": "before"}, "phase", "choose that phase"),
    ],
)
def test_a_wrong_field_is_explained_beside_it_and_nothing_typed_is_lost(
    nurse: TestClient, fields: dict[str, str], field: str, complaint: str
) -> None:
    reply = post(nurse, PAGE, **fields)
    assert reply.status_code == 422
    assert complaint in reply.text
    assert f'id="{field}-error"' in reply.text
    assert f'href="#{field}"' in reply.text
    assert f"{fields['message'].strip()}</textarea>" in reply.text
    assert part(reply.text, "result") == ""


def test_ten_thousand_characters_are_read_also_when_lines_end_as_browsers_send_them(
    nurse: TestClient,
) -> None:
    reply = post(nurse, PAGE, message="a" * 4998 + "\r\n" + "b" * 5001, day="1")
    assert reply.status_code == 200


def test_what_is_chosen_stays_chosen_and_counts(nurse: TestClient) -> None:
    fields = {
        "message": "9",
        "day": "2",
        "product": "harmonyca",
        "areas": ["chin", "lips"],
        "other_area": "earlobe",
        "question": "checkin.pain",
        "alert_tier": "T2",
        "media": "yes",
    }
    page = post(nurse, PAGE, **fields).text
    for chosen in ("harmonyca", "checkin.pain", "T2", "after"):
        assert re.search(rf'<option value="{chosen}" selected>', page), chosen
    assert re.search(r'name="areas" value="chin" checked', page)
    assert re.search(r'name="media" value="yes" checked', page)
    assert 'value="earlobe"' in page
    found = part(page, "findings-h")
    assert "answer.pain-score" in found
    assert "The pain score given as the answer" in found


def test_questions_are_offered_in_the_words_in_which_patients_are_asked(
    world: World, nurse: TestClient
) -> None:
    page = nurse.get(PAGE).text
    for asked in ("Right now do you have any of these?", "How much pain do you have right now?"):
        assert asked in page
    assert "¿Cuánto dolor tiene ahora?" in client_for("spanish").get(PAGE).text


def test_choices_that_the_form_does_not_offer_do_no_harm(nurse: TestClient) -> None:
    made_up = dict.fromkeys(("alert_tier", "alert_flag", "question", "phase", "areas", "product"), "<i>moon")
    reply = post(nurse, PAGE, message="hi", **made_up)
    assert reply.status_code == 200
    assert "<i>" not in reply.text
    assert reply.text.count("moon") == 2  # a product that the catalogue had once may be any word


def test_what_is_typed_is_text_and_never_markup(nurse: TestClient, reader: WordReader) -> None:
    typed = '</textarea><script>alert(1)</script> white lip "><img src=x>'
    page = post(nurse, PAGE, message=typed, day="1", other_area='"><script>').text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert html.escape(typed).replace("&quot;", "&#34;") in page


def test_nothing_is_stored_and_nobody_is_paged(world: World, nurse: TestClient) -> None:
    def counts() -> list[int]:
        tables = (Message, Alert, AlertEvent, Notification, AssessmentRecord, StaffTask)
        with reading() as session:
            return [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]

    before = counts()
    for message in (WHITE_LIP, "I cannot see", "is this normal?"):
        assert post(nurse, PAGE, message=message, day="1").status_code == 200
    nurse.get(PAGE, params={"message": message_of(world, "lip")})
    assert counts() == before


def test_an_alert_leads_to_why_its_message_has_its_tier(world: World, nurse: TestClient) -> None:
    message = message_of(world, "lip")
    with transaction() as session:
        record = session.scalars(select(AssessmentRecord).filter_by(message_id=message)).one()
        surroundings = Context(
            day=2,
            product="harmonyca",
            areas=("lateral cheek", "earlobe"),
            phase="after",
            question="checkin.other",
            open_alert_tier=Tier.T2,
            open_alert_flag="INF",
        )
        record.context = asdict(surroundings)
    alert = nurse.get(f"/console/alerts/{world.alerts['lip']}").text
    links = re.findall(r'href="(/console/triage\?message=[^"]+)"', alert)
    assert f"{PAGE}?message={message}" in links
    assert len(links) == 2  # one for each message of the patient, none for ours
    assert "lip" not in links[0]
    page = nurse.get(f"{PAGE}?message={message}").text
    assert "My lip looks white and it really hurts</textarea>" in page
    assert 'name="day" inputmode="numeric" value="2"' in page
    for chosen in ("after", "harmonyca", "checkin.other", "T2"):
        assert re.search(rf'<option value="{chosen}" selected>', page), chosen
    assert re.search(r'value="lateral_cheek" checked', page)
    assert 'value="earlobe"' in page
    assert 'name="alert_flag" value="INF"' in page
    stored = part(page, "stored-h")
    assert "Pat Sample" in stored
    assert "T1 Within the hour" in stored
    assert "say the same" in stored
    assert world.alerts["lip"] in page
    assert "T1 Within the hour" in part(page, "result")
    with transaction() as session:
        session.scalars(select(AssessmentRecord).filter_by(message_id=message)).one().tier = Tier.T3
    assert "say something else" in part(nurse.get(f"{PAGE}?message={message}").text, "stored-h")


def test_a_later_message_leads_back_to_its_alert_and_an_unknown_question_is_kept(
    world: World, nurse: TestClient
) -> None:
    with transaction() as session:
        alert = session.get_one(Alert, world.alerts["lip"])
        added = next(event.message_id for event in alert.events if event.kind == "patient_wrote")
        record = session.scalars(select(AssessmentRecord).filter_by(message_id=added)).one()
        record.context = {"question": "symptom.where", "product": "withdrawn_gel"}
    page = nurse.get(f"{PAGE}?message={added}").text
    assert world.alerts["lip"] in part(page, "stored-h") or f"/console/alerts/{world.alerts['lip']}" in page
    assert re.search(r'<option value="symptom.where" selected>[^<]*\?<', page)
    assert re.search(r'<option value="withdrawn_gel" selected>', page)


def test_another_clinics_message_is_not_there(world: World, nurse: TestClient) -> None:
    for key in (message_of(world, "foreign"), "nobody"):
        reply = nurse.get(f"{PAGE}?message={key}")
        assert reply.status_code == 404
        assert "I cannot see" not in reply.text
    outgoing = select(Message.id).where(Message.clinic_id == world.clinic, Message.direction == "out")
    with reading() as session:
        ours = session.scalars(outgoing.limit(1)).one()
    assert nurse.get(f"{PAGE}?message={ours}").status_code == 404


def test_the_page_speaks_the_staff_members_language(world: World, reader: WordReader) -> None:
    spanish = client_for("spanish")
    page = spanish.get(PAGE).text
    assert "no se avisa a nadie" in page
    shown = words(post(spanish, PAGE, message="Tengo el labio blanco", day="1").text)
    assert "Antes de una hora" in shown
    assert re.search(r"\d,\d\s%", shown)
    assert not re.search(r"\d\.\d\s%", shown)
    for english in ("Result ", "Within the hour", "Findings", "reached", "likeness", "Not known", "Assess"):
        assert english not in shown
    assert "El mensaje tiene 10001" in post(spanish, PAGE, message="a" * 10_001).text


def test_no_rules_at_all_is_said_and_the_form_stays(
    nurse: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "bad.yml").write_text("rules: [", encoding="utf-8")
    monkeypatch.setattr(shelf.shelf, "folder", tmp_path)
    monkeypatch.setattr(shelf.shelf, "kept", None)
    monkeypatch.setattr(shelf.shelf, "_book", None)
    monkeypatch.setattr(shelf.shelf, "_seen", ())
    monkeypatch.setattr(shelf.shelf, "problem", None)
    page = post(nurse, PAGE, message=WHITE_LIP).text
    assert "no rules can be used" in words(page)
    assert part(page, "result") == ""
    assert f"{WHITE_LIP}</textarea>" in page


def test_every_rule_outside_the_rule_book_has_its_reason() -> None:
    sources = "\n".join(
        path.read_text(encoding="utf-8") for path in Path(triage.__file__).parent.glob("*.py")
    )
    named = set(re.findall(r'"((?:answer|hyp|neg)\.[a-z-]+)', sources))
    assert {"answer.list-", "hyp.question", "neg.history"} <= named
    for rule in named:
        assert why_key(rule) != "triage.why_other", rule
        assert why_key(rule) in catalogue()
    assert {why_key(name) for name in triage_result.UNWRITTEN} <= set(catalogue())


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.0, "<0.1\u00a0%"), (0.312, "31.2\u00a0%"), (0.9999, ">99.9\u00a0%"), (1.0, ">99.9\u00a0%")],
)
def test_a_probability_is_never_shown_as_certain(share: float, shown: str) -> None:
    assert percent(share, "en") == shown
    assert percent(share, "es") == shown.replace(".", ",")


@pytest.mark.parametrize(
    ("text", "weights", "shades"),
    [
        ("so white now", (0.0, 0.8, 0.1), [("so", 0), (" ", 0), ("white", 4), (" ", 0), ("now", 1)]),
        ("  so white", (-0.8, 0.4), [("so", -4), (" ", 0), ("white", 2)]),
        ("so white", (0.001, 0.004), [("so", 0), (" ", 0), ("white", 0)]),
        ("one two", (0.5,), [("one", 4), (" ", 0), ("two", 0)]),
        ("", (), []),
    ],
)
def test_words_are_shaded_by_their_weight(
    text: str, weights: tuple[float, ...], shades: list[tuple[str, int]]
) -> None:
    weighed = [Weighed(word, weight) for word, weight in zip(text.split(), weights, strict=False)]
    assert shaded(text, weighed) == shades
