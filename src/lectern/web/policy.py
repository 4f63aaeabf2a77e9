"""What browsers are told about an answer: which script and style run in a page, and which sites may frame it.

Never `X-Frame-Options`: it cannot name sites, so on a Space it leaves the Space's page blank.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SPACE_ANCESTORS = ("https://huggingface.co",)
"""Who frames a Space: its page on the Hub. Not `*.hf.space`, which is everybody's."""

# What a source expression can say: no IPv6 literal, and nothing that could end it or start another directive.
_ORIGIN = re.compile(r"https?://[a-z0-9](?:[a-z0-9.-]{0,252}[a-z0-9])?(?::\d{1,5})?", re.ASCII)


def content_policy(*, scripts: Sequence[str] = (), styles: Sequence[str] = ()) -> str:
    """A `Content-Security-Policy` that allows these inline blocks, requests to this server, and nothing else.

    Args:
        scripts: The exact texts between `<script>` and `</script>`.
        styles: The exact texts between `<style>` and `</style>`.
    """
    return (
        f"default-src 'none'; script-src {_hashes(scripts)}; style-src {_hashes(styles)}; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def origin_of(url: str) -> str | None:
    """The origin of a URL as a policy can name it, or None: `https://docs.example.org`."""
    try:
        scheme, host = urlsplit(url)[:2]
    except ValueError:
        return None
    origin = f"{scheme}://{host}".lower()
    return origin if _ORIGIN.fullmatch(origin) else None


class BrowserPolicyMiddleware:
    """Tells browsers not to guess types, and for each HTML page which sites may frame it and how much its links tell.

    A policy can name an origin, but not a pattern within a label (`https://*-team.vercel.app`). So the site that frames
    is asked: where its `Referer` has an origin that the rules allow, the answer names that origin too. The browser
    still checks the real ancestors against the policy, so a forged or missing `Referer` opens nothing.

    Args:
        app: The app behind it.
        origins: Origins that may frame every page; what a policy cannot say, like a pattern, is left to `allows`.
        allows: Whether the rules let this origin call.
    """

    def __init__(self, app: ASGIApp, *, origins: Iterable[str], allows: Callable[[str], bool]) -> None:
        self.app = app
        self._allows = allows
        named = (origin.lower() for origin in origins)
        exact = (origin for origin in named if origin in SPACE_ANCESTORS or _ORIGIN.fullmatch(origin))
        self._ancestors = tuple(dict.fromkeys(exact))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                if headers.get("content-type", "").startswith("text/html"):
                    self._guard_page(headers, Headers(scope=scope).get("referer", ""))
            await send(message)

        await self.app(scope, receive, send_with_policy)

    def _guard_page(self, headers: MutableHeaders, referer: str) -> None:
        policy = headers.get("content-security-policy")
        framing = f"frame-ancestors {' '.join(self._ancestors_for(referer))}"
        headers["Content-Security-Policy"] = f"{policy}; {framing}" if policy else framing
        headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
        headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        headers.add_vary_header("Referer")

    def _ancestors_for(self, referer: str) -> tuple[str, ...]:
        origin = origin_of(referer)
        asking = (origin,) if origin and origin not in self._ancestors and self._allows(origin) else ()
        return ("'self'", *self._ancestors, *asking)


def _hashes(blocks: Sequence[str]) -> str:
    hashes = [base64.b64encode(hashlib.sha256(block.encode()).digest()).decode() for block in blocks]
    return " ".join(f"'sha256-{digest}'" for digest in hashes) or "'none'"
