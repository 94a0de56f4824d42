"""`POST /api/v1/treatments`: a practice-management system tells of a treatment, and the patient is enrolled.

The body is JSON with the fields of the enrolment form. The same treatment sent again answers the same and
changes nothing, so that a sender who heard no answer may simply send again.
"""

from __future__ import annotations

import json
from datetime import UTC
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from bot.access.door import Door, door
from bot.channels.web.limits import RateLimit
from bot.clinic import api_keys
from bot.clinic.enrolment import EnrolmentInvalid, enrol

router = APIRouter(prefix="/api/v1", route_class=Door)

MOST_BYTES = 64_000
limit = RateLimit(burst=60, per_minute=600)


class Refused(Exception):
    """The request goes no further: a status, what to do about it, and headers."""

    def __init__(self, status: int, what: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(what)
        self.answer = JSONResponse({"error": what}, status, headers)


def clinic_of_key(authorization: Annotated[str, Header()] = "") -> str | Refused:
    """Dependency: the clinic whose key came with the request, or why nobody is let in."""
    kind, _, key = authorization.partition(" ")
    clinic_id = api_keys.clinic_of(key.strip()) if kind.lower() == "bearer" and key.strip() else None
    if clinic_id is None:
        what = "Send a valid key: `Authorization: Bearer KEY` (`afterglow api-key add` makes one)."
        return Refused(401, what, {"WWW-Authenticate": "Bearer"})
    wait = limit.take(clinic_id)
    if wait:
        return Refused(429, f"Too many requests: wait {wait} s.", {"Retry-After": str(wait)})
    return clinic_id


@router.post("/treatments")
@door("patient.enrol")
async def add_treatment(
    request: Request, clinic_id: Annotated[str | Refused, Depends(clinic_of_key)]
) -> JSONResponse:
    """201 for a new enrolment, 200 for one that was there, 422 with what to do for each field."""
    if isinstance(clinic_id, Refused):
        return clinic_id.answer
    try:
        fields = await _object(request)
        result = await run_in_threadpool(enrol, clinic_id, fields, in_person=False)
    except Refused as refused:
        return refused.answer
    except EnrolmentInvalid as invalid:
        return JSONResponse({"errors": invalid.errors}, 422)
    return JSONResponse(
        {
            "patient_id": result.patient_id,
            "treatment_id": result.treatment_id,
            "enrolment_id": result.enrolment_id,
            "over": result.over,
            "check_ins": {str(day): due.astimezone(UTC).isoformat() for day, due in result.check_ins.items()},
        },
        200 if result.known else 201,
    )


async def _object(request: Request) -> dict[str, Any]:
    """The JSON object in the body. Raises `Refused`."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise Refused(413, f"The body is larger than {MOST_BYTES} bytes.")
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "The body is no JSON.") from None
    if not isinstance(fields, dict):
        raise Refused(400, "The body must be a JSON object with the fields of the enrolment form.")
    return fields
