"""A double of Twilio: its Messages API on a local port, and its signed webhooks.

Shaped by Twilio's published API description (version 2010-04-01): parameter names, message states, record
fields and paging. It signs by Twilio's documented scheme with code of its own, so that our check of
signatures is tested against a second reading of it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote_plus, urlencode, urlsplit

import httpx

#: Parameters of `CreateMessageRequest`; anything else is a mistake in the code under test.
CREATE_PARAMETERS = frozenset(
    [
        "To",
        "StatusCallback",
        "ApplicationSid",
        "MaxPrice",
        "ProvideFeedback",
        "Attempt",
        "ValidityPeriod",
        "ForceDelivery",
        "ContentRetention",
        "AddressRetention",
        "SmartEncoded",
        "PersistentAction",
        "TrafficType",
        "ShortenUrls",
        "ScheduleType",
        "SendAt",
        "SendAsMms",
        "ContentVariables",
        "RiskCheck",
        "From",
        "FallbackFrom",
        "MessagingServiceSid",
        "Body",
        "MediaUrl",
        "ContentSid",
    ]
)
#: Parameters of `CreateCallRequest` that we use; anything else is a mistake in the code under test.
CALL_PARAMETERS = frozenset(
    ["To", "From", "Url", "Twiml", "StatusCallback", "MachineDetection", "Timeout", "TimeLimit"]
)
#: `message_enum_status`.
STATES = frozenset(
    [
        "queued",
        "sending",
        "sent",
        "failed",
        "delivered",
        "undelivered",
        "receiving",
        "received",
        "accepted",
        "scheduled",
        "read",
        "partially_delivered",
        "canceled",
    ]
)
_UNSENT = frozenset({"queued", "accepted", "scheduled", "sending"})

Fields = Sequence[tuple[str, str | bytes]]


@dataclass(frozen=True)
class Fault:
    """What goes wrong with the next request. `stored`: Twilio has the message all the same."""

    status: int = 0  #: 0: the connection is closed without an answer
    code: int | None = None
    message: str = ""
    raw: bytes | None = None  #: an answer that is not Twilio's JSON
    stored: bool = False
    delay_s: float = 0.0


@dataclass
class FakeTwilio:
    """Use as a context manager: `with FakeTwilio(public_url=…, client=…) as twilio`.

    `client` (a Starlette TestClient, or an httpx.Client on a running server) receives the webhooks.
    """

    public_url: str = "https://desk.example.test"
    client: httpx.Client | None = None
    account_sid: str = "AC" + "0" * 32
    auth_token: str = "fake-primary-token"
    page_size: int = 50
    messages: list[dict[str, Any]] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    #: files by path: what is sent for it, or the path (or address) that it redirects to
    media: dict[str, bytes | str] = field(default_factory=dict)
    #: the path of each request for a file, and the credentials that came with it
    media_requests: list[tuple[str, str | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._faults: list[tuple[str, Fault]] = []
        self._changed = threading.Condition()
        self._seen: set[str] = set()
        self._numbers = itertools.count(1)
        self._callbacks: dict[str, str] = {}
        self._scripts: dict[str, dict[str, str]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True

    def __enter__(self) -> FakeTwilio:
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def api_base(self) -> str:
        """What `Settings.twilio_api_base` is set to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    # --- what tests arrange and look at ---------------------------------------------------------------

    def fail_next(self, fault: Fault, method: str = "POST") -> None:
        """The next request with `method` meets `fault`; several are met in order."""
        self._faults.append((method, fault))

    def expect_sms(self, to: str, timeout_s: float = 5.0) -> dict[str, Any]:
        """The next message to `to` that was not expected before. AssertionError when none comes."""

        def next_one() -> dict[str, Any] | None:
            return next((m for m in self.messages if m["to"] == to and m["sid"] not in self._seen), None)

        with self._changed:
            if not self._changed.wait_for(lambda: next_one() is not None, timeout_s):
                raise AssertionError(f"no text to {to} within {timeout_s} s; sent: {len(self.messages)}")
            found = next_one()
            assert found is not None
            self._seen.add(found["sid"])
            return found

    def new_sid(self, prefix: str = "SM") -> str:
        """A message id as Twilio makes them."""
        return f"{prefix}{next(self._numbers):032x}"

    def reply(
        self,
        body: str | bytes | None,
        *,
        sender: str,
        to: str,
        sid: str | None = None,
        media: Sequence[tuple[str, str]] = (),
        query: str = "",
        token: str | None = None,
        extra: Fields = (),
    ) -> httpx.Response:
        """Somebody texts the clinic: the signed webhook. `body` None: the field is missing."""
        sid = sid or self.new_sid("MM" if media else "SM")
        fields: list[tuple[str, str | bytes]] = [
            ("ToCountry", "US"),
            ("SmsMessageSid", sid),
            ("NumMedia", str(len(media))),
            ("FromCity", ""),
            ("SmsSid", sid),
            ("SmsStatus", "received"),
            ("To", to),
            ("NumSegments", "1"),
            ("MessageSid", sid),
            ("AccountSid", self.account_sid),
            ("From", sender),
            ("ApiVersion", "2010-04-01"),
            *extra,
        ]
        if body is not None:
            fields.append(("Body", body))
        for number, (url, content_type) in enumerate(media):
            fields += [(f"MediaUrl{number}", url), (f"MediaContentType{number}", content_type)]
        return self.post("/twilio/sms" + query, fields, token=token)

    def callback(self, sid: str, status: str, error_code: int | None = None) -> httpx.Response:
        """Twilio reports the state of a message to the address that the message was created with."""
        assert status in STATES, status
        record = next((m for m in self.messages if m["sid"] == sid), None)
        if record is not None:
            record["status"], record["error_code"] = status, error_code
            if status not in _UNSENT:
                record["date_sent"] = record["date_sent"] or _now()
        url = self._callbacks.get(sid, self.public_url + "/twilio/status")
        fields: list[tuple[str, str | bytes]] = [
            ("SmsSid", sid),
            ("SmsStatus", status),
            ("MessageStatus", status),
            ("To", record["to"] if record else "+15550100111"),
            ("From", (record and record["from"]) or "+15550100100"),
            ("MessageSid", sid),
            ("AccountSid", self.account_sid),
            ("ApiVersion", "2010-04-01"),
        ]
        if error_code is not None:
            fields.append(("ErrorCode", str(error_code)))
        assert url.startswith(self.public_url), url
        return self.post(url.removeprefix(self.public_url), fields)

    def post(
        self,
        path: str,
        fields: Fields,
        *,
        token: str | None = None,
        sign_url: str | None = None,
        sign_fields: Fields | None = None,
        signature: str | None = None,
    ) -> httpx.Response:
        """Post a form, signed unless told otherwise (`signature` "": unsigned)."""
        assert self.client is not None, "give the double a client to deliver webhooks with"
        if signature is None:
            signature = sign(
                token or self.auth_token,
                sign_url or self.public_url + path,
                fields if sign_fields is None else sign_fields,
            )
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "User-Agent": "TwilioProxy/1.1",
            "I-Twilio-Idempotency-Token": "00000000-0000-4000-8000-000000000000",
        }
        if signature:
            headers["X-Twilio-Signature"] = signature
        content = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in fields)
        return self.client.post(path, content=content.encode(), headers=headers)

    # --- calls ----------------------------------------------------------------------------------------

    def heard(self, sid: str, digits: str | None = None, answered_by: str = "human") -> httpx.Response:
        """The call `sid` is answered, or its hearer pressed `digits`: TwiML is fetched, signed."""
        fields = [*self._call_fields(sid, "in-progress"), ("AnsweredBy", answered_by)]
        if digits is not None:
            fields += [("Digits", digits), ("msg", "Gather End")]
        return self.post(self._path(self._scripts[sid]["Url"]), fields)

    def call_ends(self, sid: str, status: str, answered_by: str | None = None) -> httpx.Response:
        """Twilio reports how the call ended."""
        fields = [*self._call_fields(sid, status), ("CallDuration", "0")]
        if answered_by is not None:
            fields.append(("AnsweredBy", answered_by))
        return self.post(self._path(self._scripts[sid]["StatusCallback"]), fields)

    def _call_fields(self, sid: str, status: str) -> list[tuple[str, str | bytes]]:
        record = next(call for call in self.calls if call["sid"] == sid)
        return [
            ("CallSid", sid),
            ("AccountSid", self.account_sid),
            ("From", record["from"]),
            ("To", record["to"]),
            ("CallStatus", status),
            ("Direction", "outbound-api"),
            ("ApiVersion", "2010-04-01"),
        ]

    def _path(self, url: str) -> str:
        assert url.startswith(self.public_url), url
        return url.removeprefix(self.public_url)

    def _create_call(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        unknown = form.keys() - CALL_PARAMETERS
        if unknown:
            return _error(400, 20001, f"unknown parameters {sorted(unknown)}")
        if not form.get("To") or not form.get("From"):
            return _error(400, 21201, "No 'To' or no 'From' number is specified")
        if not form.get("Url") and not form.get("Twiml"):
            return _error(400, 21205, "Url or Twiml is required.")
        sid = self.new_sid("CA")
        record: dict[str, Any] = {
            "sid": sid,
            "account_sid": self.account_sid,
            "to": form["To"],
            "from": form["From"],
            "status": "queued",
            "direction": "outbound-api",
            "date_created": None,  # while it is queued
            "date_updated": None,
            "start_time": _now(),
            "answered_by": None,
            "subresource_uris": {},
        }
        self.calls.insert(0, record)
        self._scripts[sid] = form
        return 201, record

    # --- the Messages API -----------------------------------------------------------------------------

    def _create(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        unknown = form.keys() - CREATE_PARAMETERS
        if unknown:
            return _error(400, 20001, f"unknown parameters {sorted(unknown)}")
        if not form.get("To"):
            return _error(400, 21604, "A 'To' phone number is required.")
        if not form.get("From") and not form.get("MessagingServiceSid"):
            return _error(400, 21603, "A 'From' phone number is required.")
        if not form.get("Body"):
            return _error(400, 21602, "Message body is required.")
        if len(form["Body"]) > 1600:
            return _error(400, 21617, "The concatenated message body exceeds the 1600 character limit.")
        return 201, self.store(form)

    def store(self, form: dict[str, str], **changes: Any) -> dict[str, Any]:
        """Put a message on Twilio's record, newest first as its list shows them."""
        sid = self.new_sid()
        record: dict[str, Any] = {
            "account_sid": self.account_sid,
            "api_version": "2010-04-01",
            "body": form.get("Body", ""),
            "date_created": _now(),
            "date_sent": None,  # it is in the queue
            "date_updated": _now(),
            "direction": "outbound-api",
            "error_code": None,
            "error_message": None,
            "from": form.get("From"),
            "messaging_service_sid": form.get("MessagingServiceSid"),
            "num_media": "0",
            "num_segments": "1",
            "price": None,
            "price_unit": "USD",
            "sid": sid,
            "status": "accepted" if form.get("MessagingServiceSid") else "queued",
            "subresource_uris": {},
            "to": form.get("To"),
            "uri": f"/2010-04-01/Accounts/{self.account_sid}/Messages/{sid}.json",
        }
        record.update(changes)
        with self._changed:
            self.messages.insert(0, record)
            if form.get("StatusCallback"):
                self._callbacks[sid] = form["StatusCallback"]
            self._changed.notify_all()
        return record

    def _list(self, path: str, query: dict[str, list[str]]) -> dict[str, Any]:
        to = query.get("To", [None])[0]
        since = query.get("DateSent>", [""])[0]
        chosen = [m for m in self.messages if to in (None, m["to"])]
        if since:  # a message without a date of sending fits no filter on it
            chosen = [m for m in chosen if m["date_sent"] and _iso(m["date_sent"]) >= since]
        size = min(int(query.get("PageSize", [str(self.page_size)])[0]), self.page_size)
        page = int(query.get("Page", ["0"])[0])
        shown = chosen[page * size : (page + 1) * size]
        after = urlencode({"To": to or "", "PageSize": size, "Page": page + 1, "PageToken": f"PA{page}"})
        return {
            "messages": shown,
            "page": page,
            "page_size": size,
            "start": page * size,
            "end": page * size + max(len(shown) - 1, 0),
            "uri": path,
            "first_page_uri": path,
            "previous_page_uri": None,
            "next_page_uri": f"{path}?{after}" if len(chosen) > (page + 1) * size else None,
        }

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        twilio = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet: tests look at `requests`."""

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                form = dict(parse_qsl(raw.decode(), keep_blank_values=True))
                self._serve("POST", form)

            def do_GET(self) -> None:
                self._serve("GET", {})

            def _serve(self, method: str, form: dict[str, str]) -> None:
                twilio.requests.append((f"{method} {self.path}", form))
                fault = twilio._take_fault(method)
                if fault is not None:
                    if fault.stored:
                        make = twilio._create_call if "/Calls" in self.path else twilio._create
                        make(form)
                    time.sleep(fault.delay_s)
                    if not fault.status:
                        self.close_connection = True
                        return
                    status, answer = _error(fault.status, fault.code, fault.message)
                    self._answer(status, fault.raw if fault.raw is not None else json.dumps(answer).encode())
                    return
                if self.path in twilio.media:
                    self._media()
                    return
                self._answer_json(*self._route(method, form))

            def _media(self) -> None:
                twilio.media_requests.append((self.path, self.headers.get("Authorization")))
                answer = twilio.media[self.path]
                if isinstance(answer, str):
                    self.send_response(307)
                    self.send_header("Location", answer)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                else:
                    self._answer(200, answer)

            def _route(self, method: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
                wanted = base64.b64encode(f"{twilio.account_sid}:{twilio.auth_token}".encode()).decode()
                if self.headers.get("Authorization") != f"Basic {wanted}":
                    return _error(401, 20003, "Authenticate")
                url = urlsplit(self.path)
                if url.path == f"/2010-04-01/Accounts/{twilio.account_sid}/Calls.json":
                    if method == "POST":
                        return twilio._create_call(form)
                    to = parse_qs(url.query).get("To", [None])[0]
                    made = [call for call in twilio.calls if to in (None, call["to"])]
                    return 200, {"calls": made, "page": 0, "page_size": 50, "next_page_uri": None}
                if url.path != f"/2010-04-01/Accounts/{twilio.account_sid}/Messages.json":
                    return _error(404, 20404, f"The requested resource {url.path} was not found")
                if method == "POST":
                    return twilio._create(form)
                return 200, twilio._list(url.path, parse_qs(url.query))

            def _answer_json(self, status: int, answer: dict[str, Any]) -> None:
                # Twilio escapes nothing: accents and emoji come as UTF-8.
                self._answer(status, json.dumps(answer, ensure_ascii=False).encode())

            def _answer(self, status: int, content: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        return Handler

    def _take_fault(self, method: str) -> Fault | None:
        for index, (wanted, fault) in enumerate(self._faults):
            if wanted == method:
                del self._faults[index]
                return fault
        return None


def sign(token: str, url: str, fields: Fields) -> str:
    """Twilio's signature: HMAC-SHA1 over the address and the sorted fields, repeated ones once each."""
    pairs = sorted(
        {(name.encode(), value.encode() if isinstance(value, str) else value) for name, value in fields}
    )
    text = url.encode() + b"".join(name + value for name, value in pairs)
    return base64.b64encode(hmac.new(token.encode(), text, hashlib.sha1).digest()).decode()


def _error(status: int, code: int | None, message: str) -> tuple[int, dict[str, Any]]:
    answer: dict[str, Any] = {"message": message, "status": status}
    if code is not None:
        answer |= {"code": code, "more_info": f"https://www.twilio.com/docs/errors/{code}"}
    return status, answer


def _now() -> str:
    return format_datetime(datetime.now(UTC))


def _iso(rfc2822: str) -> str:
    return datetime.strptime(rfc2822, "%a, %d %b %Y %H:%M:%S %z").strftime("%Y-%m-%dT%H:%M:%SZ")
