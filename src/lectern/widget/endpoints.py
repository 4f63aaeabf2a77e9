"""`GET /`: a chat page for a browser, a name card for a program."""

import re
from functools import cache
from importlib import resources
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from lectern.web.policy import content_policy

router = APIRouter(tags=["home"])


@cache
def chat_page() -> tuple[str, str]:
    """The page and its content security policy, read once."""
    page = resources.files("lectern.widget").joinpath("static/chat.html").read_text(encoding="utf-8")
    scripts, styles = (re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL) for tag in ("script", "style"))
    return page, content_policy(scripts=scripts, styles=styles)


@router.get("/", response_class=JSONResponse)
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
        "health": "/health",
        "docs": "/docs",
    }
    return JSONResponse(card, headers={"Vary": "Accept"})
