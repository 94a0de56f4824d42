"""Twilio's webhooks: what is let in, what is stored, what Twilio is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot import settings as app_settings
from bot.channels.base import Inbound
from bot.channels.twilio import router as twilio_router
from bot.messaging.models import Channel, Status
from bot.settings import Settings
from tests.contract.fake_twilio import FakeTwilio, sign

CLINIC, PATIENT = "+15550100100", "+15550100111"
PUBLIC_URL = "https://desk.example.test"


@dataclass
class Desk:
    """What the webhooks hand on, and how that behaves."""

    received: list[Inbound] = field(default_factory=list)
    statuses: list[tuple[str, Status, str]] = field(default_factory=list)
    opted_out: list[tuple[str, str]] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    trouble: Exception | None = None

    def receive(self, inbound: Inbound) -> twilio_router.inbox.Receipt:
        if self.trouble is not None:
            raise self.trouble
        duplicate = any(m.provider_id == inbound.provider_id for m in self.received)
        if not duplicate:
            self.received.append(inbound)
        return twilio_router.inbox.Receipt(f"message-of-{inbound.provider_id}", duplicate)

    def update_status(self, sid: str, status: Status, *, error_code: str = "", channel: Channel) -> bool:
        assert channel is Channel.SMS
        if self.trouble is not None:
            raise self.trouble
        self.statuses.append((sid, status, error_code))
        return sid in self.known

    def carrier_says_opted_out(self, address: str, to: str) -> None:
        self.opted_out.append((address, to))


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk()
    monkeypatch.setattr(twilio_router.inbox, "receive", desk.receive)
    monkeypatch.setattr(twilio_router.delivery, "update_status", desk.update_status)
    monkeypatch.setattr(twilio_router.optout, "carrier_says_opted_out", desk.carrier_says_opted_out)
    monkeypatch.setattr(twilio_router, "_OVERTAKING_WAITS_S", (0.01, 0.01, 0.01))
    return desk


def configure(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    values: dict[str, Any] = {
        "public_url": PUBLIC_URL,
        "twilio_auth_token": SecretStr("fake-primary-token"),
        "twilio_auth_token_secondary": SecretStr("fake-secondary-token"),
    }
    settings = Settings(_env_file=None, **(values | changes))  # type: ignore[call-arg]
    monkeypatch.setattr(app_settings, "get_settings", lambda: settings)


@pytest.fixture
def twilio(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTwilio]:
    configure(monkeypatch)
    app = FastAPI()
    app.include_router(twilio_router.router)
    with TestClient(app, base_url="http://10.0.0.7:8000") as client, FakeTwilio(client=client) as twilio:
        yield twilio


# --- messages ------------------------------------------------------------------------------------------


def test_a_text_is_stored_as_it_came_and_answered_with_nothing_to_say(twilio: FakeTwilio, desk: Desk) -> None:
    answer = twilio.reply("Mi labio está blanco 😟", sender=PATIENT, to=CLINIC, sid="SM1")
    assert (answer.status_code, answer.content) == (204, b"")
    assert desk.received == [Inbound(Channel.SMS, "SM1", CLINIC, PATIENT, "Mi labio está blanco 😟", [])]


def test_a_repeated_webhook_is_the_same_message(twilio: FakeTwilio, desk: Desk) -> None:
    answers = [twilio.reply("hello", sender=PATIENT, to=CLINIC, sid="SM1").status_code for _ in range(3)]
    assert answers == [204, 204, 204]
    assert [m.provider_id for m in desk.received] == ["SM1"]


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        pytest.param("", "", id="empty"),
        pytest.param(None, "", id="no Body field"),
        pytest.param("  \n ", "  \n ", id="blank is not trimmed: the signature covers it"),
        pytest.param("👍🏽👍🏽👍🏽", "👍🏽👍🏽👍🏽", id="emoji only"),
        pytest.param("a" * 10_000, "a" * 10_000, id="10,000 characters"),
        pytest.param("😱" * 10_000, "😱" * 10_000, id="10,000 emoji"),
        pytest.param("can\0t see", "cant see", id="NUL"),
        pytest.param(b"labio fr\xedo", "labio fr\ufffdo", id="not UTF-8"),
        pytest.param(b"\xff\xfe\x00\x01\x80", "\ufffd\ufffd\x01\ufffd", id="binary"),
        pytest.param("\u202eمرحبا\u2028a&b=c+d%20e", "\u202eمرحبا\u2028a&b=c+d%20e", id="awkward characters"),
        pytest.param('/report_symptom{"severity":"none"}', '/report_symptom{"severity":"none"}', id="intent"),
    ],
)
def test_every_text_is_accepted(
    sent: str | bytes | None, stored: str, twilio: FakeTwilio, desk: Desk
) -> None:
    assert twilio.reply(sent, sender=PATIENT, to=CLINIC).status_code == 204
    assert [m.body for m in desk.received] == [stored]


@pytest.mark.parametrize("sender", ["24273", "PHARMACY", "whatsapp:+15550100111", "+15550100111"])
def test_the_sender_is_kept_as_it_is(sender: str, twilio: FakeTwilio, desk: Desk) -> None:
    assert twilio.reply("hi", sender=sender, to=CLINIC).status_code == 204
    assert desk.received[0].sender == sender


def test_pictures_without_a_text_arrive(twilio: FakeTwilio, desk: Desk) -> None:
    media = [("https://api.example.test/a", "image/jpeg"), ("https://api.example.test/b", "video/3gpp")]
    assert twilio.reply("", sender=PATIENT, to=CLINIC, media=media).status_code == 204
    assert desk.received[0].body == ""
    assert desk.received[0].media == [{"url": url, "content_type": kind} for url, kind in media]


@pytest.mark.parametrize(
    ("extra", "count"),
    [
        pytest.param([("NumMedia", "1")], 1, id="announced but not named"),
        pytest.param(
            [("NumMedia", "many"), ("MediaUrl0", "https://m.example.test/0")], 1, id="named, no count"
        ),
        pytest.param([("NumMedia", "-3")], 0, id="negative"),
        pytest.param([("NumMedia", "999999999999")], 20, id="absurd"),
        pytest.param([("NumMedia", "")], 0, id="blank"),
    ],
)
def test_a_wrong_count_of_pictures_loses_none(
    extra: list[tuple[str, str]], count: int, twilio: FakeTwilio, desk: Desk
) -> None:
    fields = [("MessageSid", "MM1"), ("From", PATIENT), ("To", CLINIC), ("Body", "look"), *extra]
    assert twilio.post("/twilio/sms", fields).status_code == 204
    assert len(desk.received[0].media) == count


def test_a_number_that_is_no_clinics_is_logged_and_not_asked_for_again(
    twilio: FakeTwilio, desk: Desk
) -> None:
    desk.trouble = twilio_router.inbox.UnknownClinic("nobody's")
    with capture_logs() as logs:
        answer = twilio.reply("hello", sender=PATIENT, to="+15550199999", sid="SM9")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/xml")
    twiml = ElementTree.fromstring(answer.text)
    assert (twiml.tag, len(twiml), twiml.text) == ("Response", 0, None)
    assert [(e["log_level"], e["message_sid"], e["to"]) for e in logs] == [("error", "SM9", "+15550199999")]


def test_a_text_that_cannot_be_stored_is_refused_so_that_the_fallback_address_is_used(
    twilio: FakeTwilio, desk: Desk
) -> None:
    desk.trouble = RuntimeError("INSERT … 'my lip is white' … +15550100111")
    with capture_logs() as logs:
        assert twilio.reply("my lip is white", sender=PATIENT, to=CLINIC, sid="SM5").status_code == 500
    assert [(e["log_level"], e["message_sid"], e["error"]) for e in logs] == [
        ("error", "SM5", "RuntimeError")
    ]
    assert "white" not in str(logs)
    assert PATIENT not in str(logs)
    desk.trouble = None
    assert twilio.reply("my lip is white", sender=PATIENT, to=CLINIC, sid="SM5").status_code == 204
    assert [m.provider_id for m in desk.received] == ["SM5"]


@pytest.mark.parametrize("missing", ["MessageSid", "From"])
def test_a_signed_post_without_id_or_sender_is_refused(missing: str, twilio: FakeTwilio, desk: Desk) -> None:
    fields = [("MessageSid", "SM1"), ("From", PATIENT), ("To", CLINIC), ("Body", "hi")]
    answer = twilio.post("/twilio/sms", [pair for pair in fields if pair[0] != missing])
    assert answer.status_code == 400
    assert desk.received == []


def test_storing_one_text_keeps_no_other_waiting(
    twilio: FakeTwilio, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    both_here = threading.Barrier(2, timeout=10)

    def slow(inbound: Inbound) -> twilio_router.inbox.Receipt:
        both_here.wait()  # passes only when the two are being stored at the same time
        return desk.receive(inbound)

    monkeypatch.setattr(twilio_router.inbox, "receive", slow)
    with ThreadPoolExecutor(2) as pool:
        posts = [pool.submit(twilio.reply, f"text {n}", sender=PATIENT, to=CLINIC) for n in range(2)]
        assert [post.result().status_code for post in posts] == [204, 204]
    assert len(desk.received) == 2


# --- who may post --------------------------------------------------------------------------------------

FIELDS = [
    ("MessageSid", "SM1"),
    ("From", PATIENT),
    ("To", CLINIC),
    ("Body", "my eye hurts"),
    ("NumMedia", "0"),
]
TOKEN = "fake-primary-token"


@pytest.mark.parametrize("path", ["/twilio/sms", "/twilio/status"])
@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"signature": ""}, id="unsigned"),
        pytest.param({"token": "guessed"}, id="other token"),
        pytest.param({"token": ""}, id="signed with an empty key"),
        pytest.param({"signature": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}, id="made-up signature"),
        pytest.param({"signature": "\xe9\xe8".encode("latin-1")}, id="signature that is no text"),
        pytest.param({"sign_fields": [*FIELDS[:3], ("Body", "all is well"), FIELDS[4]]}, id="altered field"),
        pytest.param({"sign_fields": FIELDS[:4]}, id="added field"),
        pytest.param({"sign_fields": [*FIELDS, ("ErrorCode", "30003")]}, id="removed field"),
        pytest.param({"sign_fields": []}, id="signed without its fields"),
        pytest.param({"sign_url": "https://other.example.test/twilio/sms"}, id="other host"),
        pytest.param({"sign_url": "http://10.0.0.7:8000/twilio/sms"}, id="the request's own address"),
        pytest.param({"sign_url": PUBLIC_URL + "/twilio/voice"}, id="other path"),
        pytest.param({"sign_url": PUBLIC_URL + "/twilio/sms?a=1"}, id="other query"),
    ],
)
def test_a_forged_post_is_refused_logged_and_leaves_nothing(
    path: str, how: dict[str, Any], twilio: FakeTwilio, desk: Desk
) -> None:
    if how.get("token") == "":
        how = {"signature": sign("", PUBLIC_URL + path, FIELDS)}
    with capture_logs() as logs:
        answer = twilio.post(path, FIELDS, **how)
    assert answer.status_code == 403
    assert (desk.received, desk.statuses, desk.opted_out) == ([], [], [])
    assert [(entry["log_level"], entry["path"]) for entry in logs] == [("warning", path)]
    assert "eye" not in str(logs)
    assert twilio.post(path, FIELDS).status_code == 204, "the same post, properly signed, is let in"


@pytest.mark.parametrize("tokens", [{"twilio_auth_token": None}, {"twilio_auth_token": SecretStr("  ")}])
@pytest.mark.parametrize("key", ["fake-primary-token", "", "  "])
def test_without_a_token_nothing_is_let_in_and_the_log_says_what_to_set(
    tokens: dict[str, Any], key: str, twilio: FakeTwilio, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, twilio_auth_token_secondary=None, **tokens)
    signature = sign(key, PUBLIC_URL + "/twilio/sms", FIELDS)
    with capture_logs() as logs:
        assert twilio.post("/twilio/sms", FIELDS, signature=signature).status_code == 403
    assert desk.received == []
    assert "AFTERGLOW_TWILIO_AUTH_TOKEN" in str(logs)


def test_while_tokens_are_rotated_both_are_accepted(twilio: FakeTwilio, desk: Desk) -> None:
    for token in ("fake-primary-token", "fake-secondary-token"):
        assert twilio.reply("hi", sender=PATIENT, to=CLINIC, token=token).status_code == 204
    assert len(desk.received) == 2


@pytest.mark.parametrize("query", ["?clinic=a%20b&x=", "?a=1&a=2", "?q=%C3%A9%2F", "?bodySHA256=00"])
def test_the_query_counts_exactly_as_it_was_sent(query: str, twilio: FakeTwilio, desk: Desk) -> None:
    assert twilio.reply("hi", sender=PATIENT, to=CLINIC, query=query).status_code == 204
    wrong = twilio.post("/twilio/sms" + query, FIELDS, sign_url=PUBLIC_URL + "/twilio/sms")
    assert wrong.status_code == 403


@pytest.mark.parametrize(
    "public_url",
    ["https://desk.example.test/", "https://desk.example.test:8443", "https://example.test/afterglow"],
)
def test_the_public_address_may_have_a_port_a_folder_or_a_slash(
    public_url: str, twilio: FakeTwilio, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, public_url=public_url)
    twilio.public_url = public_url.rstrip("/")
    assert twilio.reply("hi", sender=PATIENT, to=CLINIC).status_code == 204


def test_what_a_proxy_says_of_the_address_changes_nothing(twilio: FakeTwilio, desk: Desk) -> None:
    assert twilio.client is not None
    twilio.client.headers |= {
        "Host": "evil.example.test/x?",
        "X-Forwarded-Host": "h",
        "X-Forwarded-Proto": "ftp",
    }
    assert twilio.reply("hi", sender=PATIENT, to=CLINIC).status_code == 204


def test_repeated_and_blank_fields_are_part_of_what_is_signed(twilio: FakeTwilio, desk: Desk) -> None:
    extra = [("Tag", "b"), ("Tag", "a"), ("Tag", "b"), ("Blank", "")]
    assert twilio.reply("hi", sender=PATIENT, to=CLINIC, extra=extra).status_code == 204
    fields = [*FIELDS, *extra]
    assert twilio.post("/twilio/sms", fields, sign_fields=[*FIELDS, *extra[1:2], extra[3]]).status_code == 403


def test_an_enormous_post_is_not_read_to_its_end(twilio: FakeTwilio, desk: Desk) -> None:
    assert twilio.post("/twilio/sms", [*FIELDS, ("X", "x" * 1_000_001)]).status_code == 413
    assert twilio.post("/twilio/sms", [*FIELDS, *((f"X{n}", "") for n in range(600))]).status_code == 403
    assert desk.received == []


def test_only_posts_are_taken(twilio: FakeTwilio, desk: Desk) -> None:
    assert twilio.client is not None
    url = PUBLIC_URL + "/twilio/sms"
    answer = twilio.client.get("/twilio/sms", headers={"X-Twilio-Signature": sign(TOKEN, url, [])})
    assert answer.status_code == 405


# --- what became of our messages -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("accepted", Status.QUEUED),
        ("scheduled", Status.QUEUED),
        ("queued", Status.QUEUED),
        ("sending", Status.SENDING),
        ("sent", Status.SENT),
        ("partially_delivered", Status.SENT),
        ("delivered", Status.DELIVERED),
        ("read", Status.DELIVERED),
        ("undelivered", Status.FAILED),
        ("failed", Status.FAILED),
        ("canceled", Status.FAILED),
    ],
)
def test_every_state_of_a_message_is_handed_on(
    word: str, status: Status, twilio: FakeTwilio, desk: Desk
) -> None:
    desk.known.add("SM1")
    assert twilio.callback("SM1", word).status_code == 204
    assert desk.statuses == [("SM1", status, "")]


def test_states_out_of_order_and_repeated_are_all_answered(twilio: FakeTwilio, desk: Desk) -> None:
    desk.known.add("SM1")
    for word in ("delivered", "sent", "queued", "delivered"):
        assert twilio.callback("SM1", word).status_code == 204
    assert [s for _, s, _ in desk.statuses] == [
        Status.DELIVERED,
        Status.SENT,
        Status.QUEUED,
        Status.DELIVERED,
    ]


def test_the_reason_of_a_failure_is_handed_on(twilio: FakeTwilio, desk: Desk) -> None:
    desk.known.add("SM1")
    assert twilio.callback("SM1", "undelivered", 30003).status_code == 204
    assert desk.statuses == [("SM1", Status.FAILED, "30003")]
    assert desk.opted_out == []


def test_a_state_of_an_unknown_message_is_answered_and_logged(twilio: FakeTwilio, desk: Desk) -> None:
    with capture_logs() as logs:
        assert twilio.callback("SM404", "delivered").status_code == 204
    assert [(e["log_level"], e["message_sid"]) for e in logs] == [("warning", "SM404")]


def test_a_state_that_overtakes_the_commit_of_its_message_is_not_lost(
    twilio: FakeTwilio, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def committed_meanwhile(sid: str, status: Status, *, error_code: str = "", channel: Channel) -> bool:
        ours = desk.update_status(sid, status, error_code=error_code, channel=channel)
        desk.known.add(sid)
        return ours

    monkeypatch.setattr(twilio_router.delivery, "update_status", committed_meanwhile)
    with capture_logs() as logs:
        assert twilio.callback("SM1", "delivered").status_code == 204
    assert desk.statuses == [("SM1", Status.DELIVERED, "")] * 2
    assert logs == []


@pytest.mark.parametrize("word", ["received", "receiving"])
def test_a_state_that_no_text_of_ours_can_have_changes_nothing(
    word: str, twilio: FakeTwilio, desk: Desk
) -> None:
    assert twilio.callback("SM1", word).status_code == 204
    assert (
        twilio.post("/twilio/status", [("MessageSid", "SM1"), ("MessageStatus", "teleported")]).status_code
        == 204
    )
    assert twilio.post("/twilio/status", [("MessageStatus", "sent")]).status_code == 204
    assert desk.statuses == []


def test_the_carriers_word_on_an_opt_out_is_taken(twilio: FakeTwilio, desk: Desk) -> None:
    desk.known.add("SM1")
    assert twilio.callback("SM1", "failed", 21610).status_code == 204
    assert desk.opted_out == [(PATIENT, CLINIC)]
    assert desk.statuses == [("SM1", Status.FAILED, "21610")]


def test_a_state_that_cannot_be_stored_is_refused(twilio: FakeTwilio, desk: Desk) -> None:
    desk.trouble = RuntimeError("the database is away")
    with capture_logs() as logs:
        assert twilio.callback("SM1", "delivered").status_code == 500
    assert [(e["log_level"], e["error"]) for e in logs] == [("error", "RuntimeError")]
