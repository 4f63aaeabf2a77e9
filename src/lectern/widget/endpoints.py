"""`GET /`: a chat page for a browser, a name card for a program. `GET /widget.js`: the assistant for any other site."""

import hashlib
import re
from functools import cache
from http import HTTPStatus
from importlib import resources
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel

from lectern.web.policy import content_policy

router = APIRouter(tags=["home"])
_STATIC = resources.files("lectern.widget") / "static"


class NameCard(BaseModel):
    """What this service is, and where its parts are."""

    status: Literal["online"]
    service: str
    version: str
    chat: str
    search: str
    widget: str
    health: str
    docs: str


@cache
def chat_page() -> tuple[str, str]:
    """The page, its script and style put in, and its content security policy; read once."""
    page = re.sub(r"\{\{([\w.]+)\}\}", lambda name: _text(name[1]), _text("chat.html"))
    scripts, styles = (re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL) for tag in ("script", "style"))
    return page, content_policy(scripts=scripts, styles=styles)


@cache
def widget_script() -> tuple[str, str]:
    """The script and its entity tag; read once."""
    script = _text("widget.js")
    return script, f'"{hashlib.sha256(script.encode()).hexdigest()[:16]}"'


@router.get(
    "/",
    response_class=JSONResponse,
    responses={200: {"model": NameCard, "content": {"text/html": {"schema": {"type": "string"}}}}},
)
@router.head("/", include_in_schema=False)
async def home(request: Request) -> Response:
    """Say what this is: the chat page when HTML is asked for, else one JSON object."""
    if "text/html" in request.headers.get("accept", ""):
        page, policy = chat_page()
        return HTMLResponse(page, headers={"Vary": "Accept", "Content-Security-Policy": policy})
    card: dict[str, Any] = {
        "status": "online",
        "service": "Lectern",
        "version": request.app.version,
        "chat": "/chat",
        "search": "/search",
        "widget": "/widget.js",
        "health": "/health",
        "docs": "/docs",
    }
    return JSONResponse(card, headers={"Vary": "Accept"})


@router.get(
    "/widget.js",
    response_class=Response,
    responses={
        200: {"content": {"text/javascript": {"schema": {"type": "string"}}}},
        304: {"description": "`If-None-Match` names what would be sent"},
    },
)
@router.head("/widget.js", include_in_schema=False)
async def widget(if_none_match: Annotated[str, Header()] = "") -> Response:
    """The script that puts the assistant on a page of any site, by one `<script src>`."""
    script, tag = widget_script()
    headers = {
        "ETag": tag,
        # Short, so that a new version is on every site within minutes; asking again costs a 304.
        "Cache-Control": "public, max-age=300",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    known = {given.strip().removeprefix("W/") for given in if_none_match.split(",")}
    if tag in known:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(script, media_type="text/javascript", headers=headers)


def _text(name: str) -> str:
    return (_STATIC / name).read_text(encoding="utf-8")
