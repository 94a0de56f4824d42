"""Files that came with a message, from Twilio's media addresses."""

from __future__ import annotations

import time
from urllib.parse import urljoin, urlsplit

import requests

from bot.channels.base import MEDIA_LIMIT, CarrierError, MediaTooBig
from bot.channels.twilio.transport import CONNECT_TIMEOUT_S, READ_TIMEOUT_S

_CHUNK = 64 * 1024
#: Seconds for one file in all; a server that drips must not hold a worker.
_DEADLINE_S = 60.0
#: Twilio answers with the address of a storage host, which may name another once more.
_HOPS = 3


def download(url: str, credentials: tuple[str, str], api_base: str) -> bytes:
    """The file at `url`. The credentials go to Twilio (or `api_base`) alone, never where it redirects to.

    Raises MediaTooBig, and CarrierError: permanent when Twilio has removed the file or `url` is not Twilio's.
    """
    if not _is_twilios(url, api_base):
        raise CarrierError("the file's address is not Twilio's", code="foreign_address", permanent=True)
    end = time.monotonic() + _DEADLINE_S
    auth: tuple[str, str] | None = credentials
    try:
        with requests.Session() as session:
            session.trust_env = False  # no credentials from a .netrc
            for _ in range(_HOPS + 1):
                with session.get(
                    url,
                    auth=auth,
                    stream=True,
                    allow_redirects=False,
                    timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                ) as answer:
                    if answer.is_redirect:
                        url, auth = _next_hop(url, answer.headers["Location"]), None
                        continue
                    if answer.status_code != 200:
                        raise _refusal(answer.status_code)
                    return _body(answer, end)
    except requests.RequestException as error:
        # its text holds the address, which opens the picture
        raise CarrierError(f"no file from Twilio ({type(error).__name__})", code="unreachable") from None
    raise CarrierError("Twilio redirects without end", code="redirects")


def _is_twilios(url: str, api_base: str) -> bool:
    parts, own = urlsplit(url), urlsplit(api_base)
    if own.netloc and (parts.scheme, parts.netloc) == (own.scheme, own.netloc):
        return True
    host = parts.hostname or ""
    return parts.scheme == "https" and (host == "twilio.com" or host.endswith(".twilio.com"))


def _next_hop(url: str, location: str) -> str:
    """Where a redirect goes; from https never to anything else."""
    there = urljoin(url, location)
    if urlsplit(there).scheme not in {"https", urlsplit(url).scheme}:
        raise CarrierError("Twilio redirects to an unsafe address", code="redirects")
    return there


def _refusal(status: int) -> CarrierError:
    """404 is tried again: a file may come a moment after its message; 410 is not."""
    return CarrierError(f"Twilio gave no file (HTTP {status})", code=str(status), permanent=status == 410)


def _body(answer: requests.Response, end: float) -> bytes:
    length = answer.headers.get("Content-Length", "")
    if length.isdecimal() and int(length) > MEDIA_LIMIT:
        raise MediaTooBig
    data = bytearray()
    for chunk in answer.iter_content(_CHUNK):
        data += chunk
        if len(data) > MEDIA_LIMIT:
            raise MediaTooBig
        if time.monotonic() > end:
            raise CarrierError("Twilio sends the file too slowly", code="slow")
    return bytes(data)
