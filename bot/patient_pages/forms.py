"""Reading what a page sent: bounded, and so that a file too large costs none of the answers beside it."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import FormData, Headers
from starlette.formparsers import FormParser, MultiPartParser

from bot.db.engine import reading
from bot.links import service as links
from bot.links.models import LinkPurpose
from bot.photos.errors import MAX_BYTES

#: Bytes of a form without files: 4,000 characters of four bytes, escaped, and the answers beside them.
FORM_LIMIT = 64 * 1024
#: Bytes of a form with photos: more than the views of any area together. Of each file no more is kept than
#: tells that it is too large.
PHOTO_FORM_LIMIT = 160_000_000
_MOST_FILES, _MOST_FIELDS = 20, 200


class _Bounded(MultiPartParser):
    """Reads a form to its end, but keeps only the first `keep` bytes of each file."""

    def __init__(self, headers: Headers, stream: AsyncGenerator[bytes, None], keep: int) -> None:
        super().__init__(
            headers, stream, max_files=_MOST_FILES, max_fields=_MOST_FIELDS, max_part_size=FORM_LIMIT
        )
        self._keep, self._kept = keep, 0

    def on_part_begin(self) -> None:
        """A part starts: nothing of it is kept so far."""
        super().on_part_begin()
        self._kept = 0

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        """Some bytes of a part. Answers are kept whole, or the form is refused."""
        if self._current_part.file is not None:
            end = min(end, start + self._keep - self._kept)
            self._kept += max(0, end - start)
        if end > start:
            super().on_part_data(data, start, end)


async def bounded(request: Request) -> FormData | None:
    """Dependency: the form that was sent; None when no page of ours can have sent one of that size.

    What was read stays with the request (`entered`), for a page that says that something failed.
    """
    length = _length(request)
    if length is None or length > (PHOTO_FORM_LIMIT if _has_parts(request) else FORM_LIMIT):
        return None
    if length > FORM_LIMIT and not await run_in_threadpool(_may_send_files, request.path_params["token"]):
        return None
    request.state.form = await _read(request, MAX_BYTES + 1)
    form: FormData = request.state.form
    return form


async def entered(request: Request) -> FormData:
    """What was sent, without files where it has not been read yet; empty when it is no form of ours."""
    form = getattr(request.state, "form", None)
    if isinstance(form, FormData):
        return form
    length = _length(request)
    if request.method != "POST" or length is None or length > PHOTO_FORM_LIMIT:
        return FormData()
    try:
        return await _read(request, 0)
    except Exception:  # whatever is wrong with it: there is nothing to show again
        return FormData()


async def close(request: Request) -> None:
    """Let go of the files that came with a form."""
    form = getattr(request.state, "form", None)
    if isinstance(form, FormData):
        await form.close()


async def _read(request: Request, keep: int) -> FormData:
    if _has_parts(request):
        return await _Bounded(request.headers, request.stream(), keep).parse()
    if _kind(request).startswith("application/x-www-form-urlencoded"):
        return await FormParser(request.headers, request.stream(), max_fields=_MOST_FIELDS).parse()
    return FormData()


def _length(request: Request) -> int | None:
    length = request.headers.get("content-length", "")
    return int(length) if length.isdecimal() else None


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").strip().lower()


def _has_parts(request: Request) -> bool:
    return _kind(request).startswith("multipart/form-data")


def _may_send_files(token: str) -> bool:
    """Whether the link is one of a check-in: nobody else makes us read millions of bytes."""
    with reading() as session:
        link = links.find(session, token)
        return link is not None and link.purpose is LinkPurpose.CHECK_IN
