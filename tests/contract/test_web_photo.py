"""Photos from the chat widget: who may send them, what is refused and why, and that none is stored twice."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from bot.channels.base import MEDIA_LIMIT
from bot.channels.web import photos as web_photos
from bot.channels.web import router as web
from bot.channels.web.limits import RateLimit
from bot.clinic.models import Clinic
from bot.db.engine import transaction
from bot.messaging.models import Channel, Direction, Message
from bot.photos import files
from bot.photos.models import Photo, PhotoArrival
from bot.records.models import AssessmentRecord
from tests.support import pictures
from tests.support.desk import Desk

KEY, SITE = "blue-heron-demo", "https://blue-heron.example"


@pytest.fixture
def client(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    with transaction() as session:
        session.query(Clinic).one().widget_origins = [SITE]
    monkeypatch.setattr(web_photos, "photo_limit", RateLimit(burst=8, per_minute=6))
    app = FastAPI()
    app.include_router(web.router)
    app.include_router(web_photos.router)
    with TestClient(app, headers={"Origin": SITE}) as mine:
        yield mine


def token(client: TestClient) -> str:
    return str(client.post("/chat/session", json={"clinic": KEY}).json()["token"])


def upload(
    client: TestClient, data: bytes, *, by: str | None = None, client_id: str = "photo-0001", **query: str
) -> httpx.Response:
    by = by if by is not None else token(client)
    return client.post(
        "/chat/photo",
        params={"client_id": client_id, **query},
        content=data,
        headers={"Authorization": f"Bearer {by}", "Content-Type": "application/octet-stream"},
    )


def web_messages(desk: Desk) -> list[Any]:
    return desk.rows(Message, channel=Channel.WEB, direction=Direction.IN)


def test_a_photo_is_kept_and_triaged_like_a_message_without_words(client: TestClient, desk: Desk) -> None:
    mine = token(client)
    answer = upload(client, pictures.with_secrets(), by=mine, view="front")
    assert answer.status_code == 202
    (message,) = web_messages(desk)
    (photo,) = desk.rows(Photo)
    assert answer.json() == {"id": message.id, "duplicate": False, "stored": True}
    assert desk.rows(AssessmentRecord, message_id=message.id)[0].findings[0]["rule"] == "answer.media"
    assert photo.view == "front"
    assert files.read(photo.clinic_id, photo.sha256)
    shown = client.get("/chat/messages", headers={"Authorization": f"Bearer {mine}"}).json()["messages"]
    assert (shown[0]["photos"], shown[0]["from"]) == (1, "you")
    assert "sha256" not in str(shown), "the browser is told nothing of the file"


def test_a_photo_that_is_sent_again_is_stored_once(client: TestClient, desk: Desk) -> None:
    mine = token(client)
    first, again = (upload(client, pictures.jpeg(), by=mine) for _ in range(2))
    assert first.json()["id"] == again.json()["id"]
    assert again.json()["duplicate"]
    assert len(desk.rows(PhotoArrival)) == len(web_messages(desk)) == 1


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        pytest.param(b"", 422, "empty", id="empty"),
        pytest.param(b"<html></html>", 422, "not_a_photo", id="a page"),
        pytest.param(pictures.film("GIF"), 422, "moving", id="moving"),
        pytest.param(pictures.bomb(), 422, "too_many_pixels", id="bomb"),
        pytest.param(pictures.jpeg()[:-300], 422, "damaged", id="cut short"),
        pytest.param(b"\xff\xd8" + b"\0" * MEDIA_LIMIT, 413, "too_big", id="too big"),
    ],
)
def test_what_is_no_photo_is_refused_with_a_code_and_leaves_nothing(
    data: bytes, status: int, code: str, client: TestClient, desk: Desk
) -> None:
    answer = upload(client, data)
    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert answer.headers["Access-Control-Allow-Origin"] == SITE, "the widget can read why"
    assert web_messages(desk) == desk.rows(Photo) == []


@pytest.mark.parametrize(
    ("announced", "most_reads"), [(MEDIA_LIMIT + 1, 0), (10, MEDIA_LIMIT // 1_000_000 + 2)]
)
def test_a_file_over_the_limit_is_not_read_to_its_end(
    announced: int, most_reads: int, client: TestClient
) -> None:
    headers = {"Authorization": f"Bearer {token(client)}", "Content-Length": str(announced), "Origin": SITE}
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/chat/photo",
        "query_string": b"client_id=photo-0001",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    reads, statuses = 0, []

    async def receive() -> dict[str, Any]:
        nonlocal reads
        reads += 1
        return {"type": "http.request", "body": b"x" * 1_000_000, "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        statuses.append(message.get("status"))

    asyncio.run(client.app(scope, receive, send))
    assert statuses[0] == 413
    assert reads <= most_reads


@pytest.mark.parametrize("by", ["", "forged", "e30.aa.bb"])
def test_without_a_good_token_nothing_is_taken(by: str, client: TestClient, desk: Desk) -> None:
    assert upload(client, pictures.jpeg(), by=by).status_code == 401
    assert web_messages(desk) == []


def test_another_sites_page_cannot_use_the_token(client: TestClient, desk: Desk) -> None:
    mine = token(client)
    client.headers["Origin"] = "https://elsewhere.example"
    answer = upload(client, pictures.jpeg(), by=mine)
    assert answer.status_code == 401
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert web_messages(desk) == []


@pytest.mark.parametrize("client_id", ["", "short", "x" * 41, "../../etc/passwd"])
def test_a_strange_client_id_is_refused(client_id: str, client: TestClient, desk: Desk) -> None:
    assert upload(client, pictures.jpeg(), client_id=client_id).json()["error"] == "bad_request"
    assert web_messages(desk) == []


def test_too_many_photos_at_once_are_slowed_down(client: TestClient) -> None:
    mine = token(client)
    answers = [
        upload(client, b"<html>", by=mine, client_id=f"photo-{number:04}").status_code for number in range(9)
    ]
    assert answers == [422] * 8 + [429]


def test_a_full_disk_says_to_send_again(
    client: TestClient, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "RESERVE", 10**18)
    answer = upload(client, pictures.jpeg())
    assert (answer.status_code, answer.json()["error"]) == (503, "not_stored")
    assert web_messages(desk) == []


def test_a_clinics_page_may_ask_first(client: TestClient) -> None:
    answer = client.options("/chat/photo", headers={"Access-Control-Request-Method": "POST"})
    assert answer.status_code == 204
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
