"""Real servers on this machine take the mails and chat messages, or refuse them."""

from __future__ import annotations

import email
import email.policy
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from pydantic import SecretStr

from bot.channels.base import CarrierError, OutcomeUnknown
from bot.messaging.models import Status
from bot.notify import mail
from bot.notify.base import Notice
from bot.notify.chat import ChatNotifier, is_usable, masked
from bot.notify.mail import MailNotifier
from bot.settings import Settings

NOTICE = Notice(
    id="a1",
    to="nurse@demo.example",
    sender="+15550100100",
    subject="AFTERGLOW T1: paciente PS",
    text="Paciente PS <b>. Nadie lo ha asumido: https://desk.example/a/x?y&z",
    language="es",
    link="https://desk.example/a/x?y&z",
    link_label="Verla y asumirla",
)


class Mailbox:
    """What the mail server does; `answer` is what it says to a recipient or to the data."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []
        self.to_recipient = "250 OK"
        self.to_data = "250 OK"
        self.delay_s = 0.0

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _opt: Any) -> str:
        if self.to_recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.to_recipient

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:
        self.taken.append(envelope)
        time.sleep(self.delay_s)
        return self.to_data


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def smtp_port(mailbox: Mailbox) -> Iterator[int]:
    port = free_port()

    def check(_server: Any, _session: Any, _envelope: Any, _mechanism: Any, given: Any) -> AuthResult:
        right = isinstance(given, LoginPassword) and given.password == b"right"
        return AuthResult(success=right, handled=right)

    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=port,
        authenticator=check,
        auth_require_tls=False,
    )
    controller.start()
    yield port
    controller.stop()


def by_mail(port: int, **changes: Any) -> MailNotifier:
    values: dict[str, Any] = {
        "smtp_host": "127.0.0.1",
        "smtp_port": port,
        "smtp_security": "none",
        "smtp_from": "Afterglow <desk@clinic.example>",
    }
    return MailNotifier(Settings(_env_file=None, **(values | changes)))  # type: ignore[call-arg]


def test_a_mail_says_it_in_plain_text_and_in_html_with_the_link(mailbox: Mailbox, smtp_port: int) -> None:
    assert by_mail(smtp_port).send(NOTICE).status is Status.SENT
    (envelope,) = mailbox.taken
    assert envelope.rcpt_tos == ["nurse@demo.example"]
    got = email.message_from_bytes(envelope.content, policy=email.policy.default)  # type: ignore[arg-type]
    assert got["Subject"] == NOTICE.subject
    assert got["From"] == "Afterglow <desk@clinic.example>"
    assert got["Message-ID"] == "<a1@clinic.example>"
    plain, rich = got.get_body(("plain",)), got.get_body(("html",))
    assert plain.get_content().strip() == NOTICE.text
    html = rich.get_content()
    assert 'href="https://desk.example/a/x?y&amp;z"' in html
    assert "&lt;b&gt;" in html
    assert '<html lang="es">' in html


def test_it_signs_in_when_the_settings_say_so(mailbox: Mailbox, smtp_port: int) -> None:
    by_mail(smtp_port, smtp_user="desk", smtp_password=SecretStr("right")).send(NOTICE)
    assert len(mailbox.taken) == 1
    with pytest.raises(CarrierError, match="AFTERGLOW_SMTP_USER") as refused:
        by_mail(smtp_port, smtp_user="desk", smtp_password=SecretStr("wrong")).send(NOTICE)
    assert not refused.value.permanent, "somebody can put it right while the page waits"
    assert "wrong" not in str(refused.value)


@pytest.mark.parametrize(
    ("where", "answer", "permanent"),
    [
        ("to_recipient", "550 no such mailbox", True),
        ("to_recipient", "450 try later", False),
        ("to_data", "554 looks like spam", True),
        ("to_data", "451 try later", False),
    ],
)
def test_a_refusal_says_whether_another_try_can_help_and_names_no_address(
    mailbox: Mailbox, smtp_port: int, where: str, answer: str, permanent: bool
) -> None:
    setattr(mailbox, where, answer)
    with pytest.raises(CarrierError) as refused:
        by_mail(smtp_port).send(NOTICE)
    assert refused.value.permanent is permanent
    assert "nurse@" not in str(refused.value)


def test_a_server_that_is_away_or_speaks_no_tls_is_tried_again(smtp_port: int) -> None:
    for notifier in (
        by_mail(free_port()),
        by_mail(smtp_port, smtp_security="starttls"),
        by_mail(smtp_port, smtp_security="ssl"),
    ):
        with pytest.raises(CarrierError, match="cannot be used") as refused:
            notifier.send(NOTICE)
        assert not refused.value.permanent


def test_no_answer_after_the_mail_left_is_unknown(
    mailbox: Mailbox, smtp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "_TIMEOUT_S", 0.2)
    mailbox.delay_s = 0.5
    with pytest.raises(OutcomeUnknown):
        by_mail(smtp_port).send(NOTICE)


@pytest.mark.parametrize("missing", ["smtp_host", "smtp_from"])
def test_without_a_server_it_says_what_to_set(missing: str) -> None:
    with pytest.raises(CarrierError, match="AFTERGLOW_SMTP_HOST and AFTERGLOW_SMTP_FROM") as refused:
        by_mail(1, **{missing: None}).send(NOTICE)
    assert refused.value.permanent


# --- chat tools -------------------------------------------------------------------------------------------


@pytest.fixture
def hook() -> Iterator[tuple[str, list[dict[str, Any]], list[int]]]:
    """A local web hook: its apprise URL, what it was sent, and the statuses that it answers first."""
    got: list[dict[str, Any]] = []
    statuses: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(statuses.pop(0) if statuses else 200)
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"json://127.0.0.1:{server.server_address[1]}/secret-token", got, statuses
    server.shutdown()
    server.server_close()


def to(url: str) -> Notice:
    return Notice("a1", url, "+15550100100", "AFTERGLOW T1: patient PS", "Nobody has taken this yet", "en")


def test_a_chat_tool_gets_title_and_words(hook: tuple[str, list[dict[str, Any]], list[int]]) -> None:
    url, got, _ = hook
    assert ChatNotifier().send(to(url)).status is Status.SENT
    assert (got[0]["title"], got[0]["message"]) == ("AFTERGLOW T1: patient PS", "Nobody has taken this yet")


@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_chat_tool_that_refuses_is_tried_again_and_its_address_is_logged_nowhere(
    hook: tuple[str, list[dict[str, Any]], list[int]], caplog: pytest.LogCaptureFixture, status: int
) -> None:
    url, _, statuses = hook
    statuses.append(status)
    with caplog.at_level(logging.DEBUG), pytest.raises(CarrierError) as refused:
        ChatNotifier().send(to(url))
    assert not refused.value.permanent
    assert "secret-token" not in caplog.text + str(refused.value)


def test_a_chat_tool_that_is_away_is_tried_again() -> None:
    with pytest.raises(CarrierError) as refused:
        ChatNotifier().send(to(f"json://127.0.0.1:{free_port()}/secret-token"))
    assert not refused.value.permanent


@pytest.mark.parametrize("url", ["", "hello", "nosuch://x", "syslog://", "https//x", "json://"])
def test_what_is_no_usable_address_is_refused_for_good(url: str) -> None:
    assert not is_usable(url)
    with pytest.raises(CarrierError) as refused:
        ChatNotifier().send(to(url))
    assert refused.value.permanent


def test_an_address_is_shown_without_its_secret() -> None:
    assert masked("slack://tokenA/tokenB/tokenC/#alerts") == "slack://…"
