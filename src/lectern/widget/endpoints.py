"""`GET /`: a chat page for a browser, a name card for a program."""

import base64
import hashlib
import re
from functools import cache
from importlib import resources
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

router = APIRouter(tags=["home"])


@cache
def chat_page() -> tuple[str, str]:
    """The page and its content security policy, which lets only the page's own script and style run; read once."""
    page = resources.files("lectern.widget").joinpath("static/chat.html").read_text(encoding="utf-8")
    hashes = {
        tag: " ".join(_hash(block) for block in re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL))
        for tag in ("script", "style")
    }
    policy = (
        f"default-src 'none'; script-src {hashes['script']}; style-src {hashes['style']}; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return page, policy


def _hash(block: str) -> str:
    digest = base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()
    return f"'sha256-{digest}'"


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
