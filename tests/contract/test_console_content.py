"""The pages about the clinic's words: preview, change, approve, and what a patient was told."""

from __future__ import annotations

import html
import re

import pytest
from fastapi.testclient import TestClient

from bot.db.engine import reading
from bot.governance import service
from bot.governance.sentences import digest, split
from bot.governance.standing import history, standing_of
from bot.protocols.catalogue import catalogue
from tests.contract.console_browser import client_for, post
from tests.contract.console_clinic import World

TOPIC = "aftercare.sleep"
PAGE = f"/console/content/{TOPIC}"


def text_of(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def sentences() -> list[str]:
    return split(catalogue().piece(TOPIC).variants[0].sms.en)


def change(client: TestClient, **changed: str) -> object:
    fields = {f"sentence-{at}": sentence for at, sentence in enumerate(sentences())} | changed
    return post(client, f"{PAGE}/change", place="1-sms-en", note="as we do it", **fields)


def test_every_text_is_listed_with_how_it_stands(nurse: TestClient) -> None:
    page = nurse.get("/console/content").text
    for piece_id in catalogue().pieces:
        assert f'href="/console/content/{piece_id}"' in page
    assert f"Not approved ({len(catalogue().pieces)})" in page
    assert "Approve what is ticked" not in page, "a nurse approves nothing"


def test_texts_are_found_by_their_words_and_by_id(nurse: TestClient) -> None:
    page = nurse.get("/console/content", params={"q": "aftercare sleep"}).text
    assert PAGE in page
    assert "/console/content/safety.t0" not in page
    assert "No text fits." in nurse.get("/console/content", params={"q": "xyzzy"}).text


def test_a_preview_is_what_that_patient_would_read(nurse: TestClient) -> None:
    before = nurse.get("/console/content/safety.t0", params={"language": "es", "channel": "sms"}).text
    assert "911" in before
    assert re.search(r"\d+ characters, \d+ segments", text_of(before))
    nonsense = nurse.get(PAGE, params={"day": "²", "phase": "?", "product": "?", "language": "fr"})
    assert nonsense.status_code == 200


def test_a_nurse_proposes_and_the_director_decides(
    world: World, nurse: TestClient, doctor: TestClient
) -> None:
    fresh = sentences()[-1].rstrip(".") + ", please."
    reply = change(nurse, **{f"sentence-{len(sentences()) - 1}": fresh})
    assert reply.status_code == 200  # type: ignore[attr-defined]
    assert "Proposed. The medical director decides." in reply.text  # type: ignore[attr-defined]
    page = doctor.get(PAGE).text
    assert "Proposed: version 1" in page
    assert f'<ins><span class="unseen">added: </span>{html.escape(fresh)}</ins>' in page
    assert "as we do it" in page
    seen = digest(catalogue().piece(TOPIC))
    assert post(nurse, f"{PAGE}/approve", digest=seen, number="1").status_code == 403
    done = post(doctor, f"{PAGE}/approve", digest=seen, number="1")
    assert "Approved." in done.text
    with reading() as session:
        here = standing_of(session, world.clinic, TOPIC)
        assert (here.name, here.own_version) == ("approved", 1)
        assert here.piece.variants[0].sms.en.endswith(fresh)
    assert "our words" in doctor.get("/console/content", params={"show": "own"}).text


def test_going_back_to_the_shipped_words_is_a_decision_too(
    world: World, nurse: TestClient, doctor: TestClient
) -> None:
    change(nurse, **{f"sentence-{len(sentences()) - 1}": "Sleep well."})
    seen = digest(catalogue().piece(TOPIC))
    post(doctor, f"{PAGE}/approve", digest=seen, number="1")
    post(doctor, f"{PAGE}/approve", digest=seen)
    with reading() as session:
        assert standing_of(session, world.clinic, TOPIC).own_version is None
        assert [version.number for version in history(session, world.clinic, TOPIC)] == [2, 1]


def test_a_version_that_is_no_number_is_read_as_the_shipped_words(world: World, doctor: TestClient) -> None:
    seen = digest(catalogue().piece(TOPIC))
    assert post(doctor, f"{PAGE}/approve", digest=seen, number="²").status_code == 200
    with reading() as session:
        assert standing_of(session, world.clinic, TOPIC).own_version is None


def test_words_that_may_not_be_sent_are_refused_with_the_reason(world: World, nurse: TestClient) -> None:
    reply = change(nurse, **{"sentence-0": "Reply STOP to sleep."})
    assert reply.status_code == 422  # type: ignore[attr-defined]
    assert "opts out" in reply.text  # type: ignore[attr-defined]
    same = change(nurse)
    assert "no sentence was changed" in same.text  # type: ignore[attr-defined]
    with reading() as session:
        assert list(history(session, world.clinic, TOPIC)) == []


def test_the_director_approves_several_at_once_as_they_were_shown(world: World, doctor: TestClient) -> None:
    ticked = [f"{piece_id}@{digest(catalogue().piece(piece_id))}" for piece_id in (TOPIC, "safety.t0")]
    page = post(doctor, "/console/content", text=ticked)
    assert page.status_code == 200
    with reading() as session:
        assert standing_of(session, world.clinic, TOPIC).name == "approved"
        assert standing_of(session, world.clinic, "safety.t0").name == "approved"
        assert standing_of(session, world.other_clinic, TOPIC).name == "draft"
    refused = post(doctor, "/console/content", text=[f"{TOPIC}@{'0' * 64}", "no.such@1"])
    assert refused.status_code == 422
    assert "Not everything was approved" in refused.text


def test_the_desks_own_texts_cannot_be_retired(world: World, doctor: TestClient) -> None:
    assert post(doctor, "/console/content/safety.t0/retire").status_code == 422
    assert "Retired. Staff answer instead." in post(doctor, f"{PAGE}/retire", note="rewriting").text
    with reading() as session:
        assert standing_of(session, world.clinic, TOPIC).name == "retired"


@pytest.mark.parametrize("path", ["no.such.text", "no.such.text/approve", "../../etc"])
def test_a_text_that_is_not_there_is_not_found(doctor: TestClient, path: str) -> None:
    address = f"/console/content/{path}"
    reply = post(doctor, address) if path.endswith("approve") else doctor.get(address)
    assert reply.status_code == 404


def test_what_a_patient_was_told_is_on_a_page(world: World, nurse: TestClient) -> None:
    service.keep(catalogue())
    address = f"/console/patients/{world.patients['pat']}/told"
    page = text_of(nurse.get(address, params={"topic": TOPIC}).text)
    assert "not approved" in page
    assert "Nothing about this topic was sent to this patient that day." in page
    early = text_of(nurse.get(address, params={"topic": TOPIC, "on": "2020-03-03"}).text)
    assert "The record does not have this text for that time." in early
    assert nurse.get(address, params={"topic": TOPIC, "on": "yesterday"}).status_code == 200
    assert client_for("stranger").get(address).status_code == 404
    assert f'href="{address}"' in nurse.get(f"/console/patients/{world.patients['pat']}").text


def test_the_pages_are_in_spanish_for_whoever_reads_it(world: World) -> None:
    page = client_for("spanish").get(PAGE, params={"language": "en"}).text
    assert "Como lo lee un paciente" in page
    assert "Cambiar una frase" in page
