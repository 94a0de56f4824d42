"""How requests reach Twilio's API: one pooled session, strict timeouts, nothing of a patient in any log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from twilio.http.response import Response
from urllib3.exceptions import NewConnectionError

#: Twilio accepts a message within a second or two; a worker thread must not hang on one that does not come.
CONNECT_TIMEOUT_S = 4.0
READ_TIMEOUT_S = 10.0


class Transport:
    """An HTTP client for `twilio.rest.Client`, safe to share between threads.

    The library's own client hands the answer over through an attribute of the client, so that two threads can
    receive each other's message id, and logs request parameters, which hold phone numbers. This one does
    neither. It never repeats a request by itself: a repeated POST is a second text to a patient.
    """

    is_async = False

    def __init__(self, connect_s: float = CONNECT_TIMEOUT_S, read_s: float = READ_TIMEOUT_S) -> None:
        self._timeout = (connect_s, read_s)
        self._session = requests.Session()
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=16, max_retries=0))

    def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Any:
        """One request, one answer (`twilio.http.response.Response`). Raises `requests.RequestException`."""
        answer = self._session.request(
            method.upper(),
            url,
            params=params,
            data=data,
            headers=headers,
            auth=auth,
            timeout=timeout or self._timeout,
            allow_redirects=allow_redirects,
        )
        # JSON is UTF-8; left to itself `requests` guesses, and a wrong guess breaks the comparison of texts.
        return Response(answer.status_code, answer.content.decode("utf-8", "replace"), answer.headers)


def never_left(error: BaseException) -> bool:
    """Whether no connection was made at all, so that Twilio cannot have the request."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if isinstance(error, requests.ConnectionError) and error.args else None
    return isinstance(getattr(cause, "reason", None), NewConnectionError)
