"""The web chat's addresses: who may read and write, what is stored once, what the browser is told."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from bot import events
from bot import settings as app_settings
from bot.channels.base import Inbound
from bot.channels.web import conversation, tokens
from bot.channels.web import router as web
from bot.channels.web.limits import RateLimit
from bot.clinic.models import Clinic, Role, Staff
from bot.db import engine as db
from bot.db.engine import transaction
from bot.handover import service as handover
from bot.messaging.models import Channel, Conversation, Direction, Kind, Message, Status, Turn
from bot.settings import Settings

SITE, OTHER_SITE, DESK = "https://blue-heron.example", "https://elsewhere.example", "http://desk.example"
KEY = "blue-heron"


def store(inbound: Inbound) -> web.inbox.Receipt:
    """What the inbox promises, without triage: stored once per provider id."""
    with db.transaction() as session:
        clinic = session.scalars(select(Clinic).where(Clinic.widget_key == inbound.to)).first()
        if clinic is None:
            raise web.inbox.UnknownClinic(inbound.to)
        before = session.scalars(select(Message).where(Message.provider_id == inbound.provider_id)).first()
        if before is not None:
            return web.inbox.Receipt(before.id, True)
        thread = session.scalars(select(Conversation).where(Conversation.address == inbound.sender)).one()
        message = Message(
            clinic_id=clinic.id,
            conversation_id=thread.id,
            direction=Direction.IN,
            kind=Kind.PATIENT,
            channel=Channel.WEB,
            provider_id=inbound.provider_id,
            body=inbound.body,
            status=Status.RECEIVED,
            turn=Turn.PENDING,
        )
        session.add(message)
        session.flush()
        return web.inbox.Receipt(message.id, False)


def answer(text: str, buttons: list[dict[str, Any]] | None = None, kind: Kind = Kind.REPLY) -> str:
    """The clinic writes in the only conversation."""
    with db.transaction() as session:
        thread = session.scalars(select(Conversation)).one()
        message = Message(
            clinic_id=thread.clinic_id,
            conversation_id=thread.id,
            direction=Direction.OUT,
            kind=kind,
            channel=Channel.WEB,
            body=text,
            buttons=buttons or [],
            status=Status.DELIVERED,
        )
        session.add(message)
        session.flush()
    events.publish(f"conversation:{thread.id}")
    return message.id


@pytest.fixture
def app(settings: Settings, record: None, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    app_settings.use_settings(settings.model_copy(update={"public_url": DESK + "/desk/"}))
    with db.transaction() as session:
        session.add(
            Clinic(
                name="Blue Heron Clinic (demo)",
                time_zone="America/New_York",
                locale="en-US",
                country="US",
                phone="+15550100101",
                emergency_phone="+15550100102",
                emergency_number="911",
                crisis_line="988",
                text_number="+15550100100",
                widget_key=KEY,
                widget_origins=[SITE + "/"],
            )
        )
    monkeypatch.setattr(web.inbox, "receive", store)
    monkeypatch.setattr(web, "write_limit", RateLimit(burst=12, per_minute=20))
    app = FastAPI()
    app.include_router(web.router)
    return app


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    return TestClient(app, headers={"Origin": SITE})


def opened(client: TestClient, **body: str) -> dict[str, Any]:
    response = client.post("/chat/session", json={"clinic": KEY, **body})
    assert response.status_code == 201, response.text
    found: dict[str, Any] = response.json()
    return found


def bearer(session: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {session['token']}"}


def post(
    client: TestClient, session: dict[str, Any], text: str, client_id: str = "client-id-1"
) -> httpx.Response:
    return client.post("/chat/messages", json={"client_id": client_id, "text": text}, headers=bearer(session))


# --- opening ------------------------------------------------------------------------------------------


def test_a_session_tells_how_to_call_the_clinic(client: TestClient) -> None:
    session = opened(client)
    assert session["clinic"] == {
        "name": "Blue Heron Clinic (demo)",
        "emergency_phone": "+1 555-010-0102",
        "emergency_number": "911",
    }
    assert len(session["session_id"]) >= 20


def test_opening_a_chat_stores_nothing(client: TestClient) -> None:
    opened(client)
    with db.transaction() as session:
        assert session.scalars(select(Conversation)).all() == []


def test_only_the_clinics_sites_and_our_own_may_open_a_chat(client: TestClient) -> None:
    refused = client.post("/chat/session", json={"clinic": KEY}, headers={"Origin": OTHER_SITE})
    assert (refused.status_code, refused.json()["error"]) == (403, "site_not_allowed")
    assert "access-control-allow-origin" not in refused.headers
    assert client.post("/chat/session", json={"clinic": KEY}, headers={"Origin": DESK}).status_code == 201
    same = {"Origin": "http://localhost:8000", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/chat/session", json={"clinic": KEY}, headers=same).status_code == 201


@pytest.mark.parametrize(
    ("body", "status"),
    [({"clinic": "nobody"}, 404), ({}, 422), ({"clinic": KEY, "language": "xx"}, 422), ([], 422)],
)
def test_a_wrong_opening_is_refused_with_a_code(client: TestClient, body: object, status: int) -> None:
    response = client.post("/chat/session", json=body)
    assert response.status_code == status
    assert response.json()["error"] in ("unknown_clinic", "bad_request")


def test_the_pages_language_becomes_the_conversations(client: TestClient) -> None:
    post(client, opened(client, language="es"), "ok")
    with db.transaction() as session:
        assert session.scalars(select(Conversation)).one().language == "es"


# --- tokens -------------------------------------------------------------------------------------------


def test_knowing_a_session_id_opens_nothing(client: TestClient) -> None:
    session = opened(client)
    post(client, session, "a secret")
    for headers in ({}, {"Authorization": f"Bearer {session['session_id']}"}, {"Authorization": "Basic x"}):
        for path in ("/chat/messages", "/chat/events"):
            response = client.get(path, headers=headers)
            assert response.status_code == 401
            assert "a secret" not in response.text


def test_a_changed_token_is_refused(client: TestClient) -> None:
    session = opened(client)
    token = session["token"]
    for forged in (
        token[:-2] + ("aa" if token[-2:] != "aa" else "bb"),
        "x" + token,
        token.rpartition(".")[0],
        "é",
    ):
        headers = {"Authorization": f"Bearer {forged}".encode()}
        assert client.get("/chat/messages", headers=headers).json()["error"] == "bad_token"


def test_a_token_is_of_no_use_on_another_site(client: TestClient) -> None:
    session = opened(client)
    for headers in ({"Origin": OTHER_SITE}, {"Origin": DESK}, {"Origin": "null"}):
        assert client.get("/chat/messages", headers=bearer(session) | headers).status_code == 401
        assert client.post("/chat/session/refresh", headers=bearer(session) | headers).status_code == 401


def test_one_visitor_does_not_see_another(client: TestClient) -> None:
    first, second = opened(client), opened(client)
    post(client, first, "mine alone")
    assert client.get("/chat/messages", headers=bearer(second)).json() == {"messages": []}


def test_an_expired_token_can_only_be_exchanged(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    session = opened(client)
    post(client, session, "hello")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + tokens.LIFETIME.total_seconds() + 5)
    late = client.get("/chat/messages", headers=bearer(session))
    assert (late.status_code, late.json()["error"]) == (401, "expired")
    fresh = client.post("/chat/session/refresh", headers=bearer(session)).json()
    assert fresh["session_id"] == session["session_id"]
    messages = client.get("/chat/messages", headers=bearer(fresh)).json()["messages"]
    assert [message["text"] for message in messages] == ["hello"]


def test_after_some_weeks_a_token_is_worth_nothing(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = opened(client)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + tokens.REFRESHABLE.total_seconds() + 5)
    assert client.post("/chat/session/refresh", headers=bearer(session)).status_code == 401


def test_a_site_that_leaves_the_clinics_list_gets_no_fresh_token(client: TestClient) -> None:
    session = opened(client)
    with db.transaction() as record:
        record.scalars(select(Clinic)).one().widget_origins = []
    assert client.post("/chat/session/refresh", headers=bearer(session)).status_code == 401


# --- messages -----------------------------------------------------------------------------------------


def test_a_message_sent_twice_is_stored_once(client: TestClient) -> None:
    session = opened(client)
    first, again = post(client, session, "hello"), post(client, session, "hello")
    assert (first.status_code, first.json()["stored"], first.json()["duplicate"]) == (202, True, False)
    assert again.json() == {"id": first.json()["id"], "duplicate": True, "stored": True}
    assert len(client.get("/chat/messages", headers=bearer(session)).json()["messages"]) == 1


def test_the_same_client_id_of_two_visitors_is_two_messages(client: TestClient) -> None:
    first, second = opened(client), opened(client)
    assert post(client, first, "one").json()["duplicate"] is False
    assert post(client, second, "two").json()["duplicate"] is False


def test_messages_come_oldest_first_and_from_an_id_on(client: TestClient) -> None:
    session = opened(client)
    stored = post(client, session, "can I swim?").json()["id"]
    reply = answer(
        "Ask us.", [{"title": "Yes", "payload": "/affirm"}, {"title": "Person", "payload": "PERSON"}]
    )
    both = client.get("/chat/messages", headers=bearer(session)).json()["messages"]
    assert [(one["from"], one["text"]) for one in both] == [("you", "can I swim?"), ("clinic", "Ask us.")]
    assert (both[0]["client_id"], both[0]["waiting"]) == ("client-id-1", True)
    assert both[1]["buttons"] == [{"label": "Yes", "send": "Yes"}, {"label": "Person", "send": "PERSON"}]
    later = client.get("/chat/messages", params={"after": stored}, headers=bearer(session)).json()["messages"]
    assert [one["id"] for one in later] == [reply]


def test_a_safety_text_is_told_from_an_answer(client: TestClient) -> None:
    session = opened(client)
    post(client, session, "my lip is white")
    answer("Call 911 now.", kind=Kind.SAFETY)
    answer("Ask us.")
    messages = client.get("/chat/messages", headers=bearer(session)).json()["messages"]
    assert [one["kind"] for one in messages] == [None, "safety", "reply"]


def test_what_a_person_writes_comes_with_their_first_name_and_role(client: TestClient) -> None:
    session = opened(client, language="es")
    post(client, session, "hola")
    with transaction() as record:
        thread = record.scalars(select(Conversation)).one()
        person = Staff(
            clinic_id=thread.clinic_id, name="Nurse Demo", email="nurse@demo.example", role=Role.NURSE,
            password_hash="",
        )  # fmt: skip
        record.add(person)
        record.flush()
    answer("An approved answer.")
    handover.take_over(thread.id, person.id)
    handover.reply(thread.id, person.id, "Aquí estoy.")
    messages = client.get("/chat/messages", headers=bearer(session)).json()["messages"]
    assert [one["by"] for one in messages] == [None, None, None, "Nurse (enfermería)"]
    assert messages[2]["text"].startswith("Nurse (enfermería) de ")
    assert "Demo" not in messages[3]["by"]


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("x" * 4001, 413, "too_long"),
        ("x" * 70_000, 413, "too_long"),
        ("", 422, "empty"),
        (" \n\t", 422, "empty"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_a_code(
    client: TestClient, text: str, status: int, code: str
) -> None:
    response = post(client, opened(client), text)
    assert (response.status_code, response.json()["error"]) == (status, code)


@pytest.mark.parametrize(
    "text", ["x" * 4000, "🌸" * 4000, "💉💉", "/restart{}", "\x00binary\x07", "<b>hi</b>", "ñ"]
)
def test_any_words_within_the_limit_are_taken_as_they_are(client: TestClient, text: str) -> None:
    assert post(client, opened(client), text).status_code == 202


@pytest.mark.parametrize("client_id", ["", "short", "x" * 41, "with:colon", "with space", "é" * 10])
def test_a_client_id_has_a_plain_form(client: TestClient, client_id: str) -> None:
    assert post(client, opened(client), "hello", client_id).status_code == 422


def test_someone_who_writes_too_fast_is_told_when_to_go_on(client: TestClient) -> None:
    session = opened(client)
    answers = [post(client, session, f"message {n}", f"client-id-{n}") for n in range(13)]
    assert [one.status_code for one in answers] == [202] * 12 + [429]
    assert answers[-1].json()["error"] == "too_fast"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 3
    assert post(client, opened(client), "somebody else").status_code == 202


def test_a_bucket_fills_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    limit = RateLimit(burst=2, per_minute=60, keys=2)
    assert [limit.take("a"), limit.take("a"), limit.take("a")] == [0, 0, 1]
    now += 1
    assert [limit.take("a"), limit.take("a")] == [0, 1]


def test_a_message_reaches_the_inbox_also_when_the_conversation_cannot_be_opened(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The inbox spools while the database is away; the chat must not fail before it gets there."""
    taken: list[Inbound] = []

    def away(_: tokens.WebSession) -> str:
        raise OperationalError("BEGIN", {}, Exception("database is away"))

    def spool(inbound: Inbound) -> web.inbox.Receipt:
        taken.append(inbound)
        return web.inbox.Receipt("", False)

    session = opened(client)
    monkeypatch.setattr(conversation, "open_conversation", away)
    monkeypatch.setattr(web.inbox, "receive", spool)
    assert post(client, session, "my lip is white").status_code == 202
    assert [(one.body, one.to, one.sender) for one in taken] == [
        ("my lip is white", KEY, session["session_id"])
    ]


# --- other sites --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/chat/session", "/chat/session/refresh", "/chat/messages", "/chat/events"])
def test_browsers_on_the_clinics_site_may_ask_first(client: TestClient, path: str) -> None:
    ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    allowed = client.options(path, headers=ask)
    assert allowed.headers["access-control-allow-origin"] == SITE
    assert "Authorization" in allowed.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in allowed.headers
    refused = client.options(path, headers=ask | {"Origin": OTHER_SITE})
    assert "access-control-allow-origin" not in refused.headers


def test_errors_can_be_read_on_the_clinics_site(client: TestClient) -> None:
    response = client.get("/chat/messages")
    assert (response.status_code, response.headers["access-control-allow-origin"]) == (401, SITE)
    assert response.headers["vary"] == "Origin"


def test_the_script_is_public_and_nothing_beside_it_is(client: TestClient) -> None:
    script = client.get("/widget.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["access-control-allow-origin"] == "*"
    assert client.get("/widget/connection.js").status_code == 200
    assert client.get("/widget/__init__.py").status_code == 404
    assert client.get("/widget/..%2Fsecrets.py").status_code == 404


# --- the live stream ----------------------------------------------------------------------------------


@pytest.fixture
def served(app: FastAPI) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = uvicorn.Config(app, port=port, log_level="critical", ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(timeout=10)


def events_of(response: httpx.Response) -> Iterator[dict[str, Any]]:
    """The messages that a stream brings."""
    for line in response.iter_lines():
        if line.startswith("data: {") and line != "data: {}":
            yield json.loads(line.removeprefix("data: "))


def test_the_stream_brings_what_was_said_and_what_is_said_next(served: str, client: TestClient) -> None:
    session = opened(client)
    post(client, session, "can I swim?")
    headers = bearer(session) | {"Origin": SITE}
    with httpx.stream("GET", f"{served}/chat/events", headers=headers, timeout=10) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["access-control-allow-origin"] == SITE
        stream = events_of(response)
        assert next(stream)["text"] == "can I swim?"
        answer("Not for two days.")
        assert next(stream)["text"] == "Not for two days."


def test_a_resumed_stream_misses_nothing_and_skips_what_is_long_known(
    served: str, client: TestClient
) -> None:
    session = opened(client)
    post(client, session, "an old message")
    with db.transaction() as record:
        old = record.scalars(select(Message)).one()
        # As if written an hour ago: ids begin with the moment in milliseconds.
        old.id = f"{int(old.id[:12], 16) - 3_600_000:012x}{old.id[12:]}"
    seen = post(client, session, "the last one seen", "client-id-2").json()["id"]
    missed = answer("Said while the line was down.")
    headers = bearer(session) | {"Origin": SITE}
    url = f"{served}/chat/events?after={seen}"
    with httpx.stream("GET", url, headers=headers, timeout=10) as response:
        ids = []
        for message in events_of(response):
            ids.append(message["id"])
            if message["id"] == missed:
                break
    assert "an old message" not in ids
    assert ids == [seen, missed]
