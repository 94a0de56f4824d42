"""The console's style sheet and scripts."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from bot.access.door import door
from bot.console.pages import ConsoleRoute, NotThere

router = APIRouter(route_class=ConsoleRoute)
_files = StaticFiles(directory=Path(__file__).with_name("static"))


@router.get("/static/{name:path}")
@door("")
async def asset(name: str, request: Request) -> Response:
    """One file of `static/`; browsers ask again each time and get 304 when it has not changed."""
    try:
        response = await _files.get_response(name, request.scope)
    except HTTPException:
        raise NotThere from None
    response.headers["Cache-Control"] = "no-cache"
    return response
