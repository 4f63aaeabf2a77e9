"""Calls from pages of other sites: what browsers are told, and who is refused.

CORS alone refuses nobody. It tells browsers who may read, and a Space's edge tells them so in its own words: it answers
preflights itself and reflects any origin. So the real request is judged too, by the same rules, before any work.
"""

import logging

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from lectern.errors import OriginNotAllowed
from lectern.web.origins import OriginRules
from lectern.web.problems import problem_response, shape_of

logger = logging.getLogger(__name__)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
# What OpenAI's SDK for JavaScript sends with each request, also in a browser.
_OF_OPENAI_SDK = tuple(
    f"X-Stainless-{name}"
    for name in (
        *("Arch", "Helper-Method", "Lang", "OS", "Package-Version", "Retry-Count", "Runtime", "Runtime-Version"),
        "Timeout",
    )
)
# What front ends send. User-Agent is there because the AI SDK sets it (5.0.43 to vercel/ai#13330), which browsers other
# than Chrome then ask for.
REQUEST_HEADERS = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "Last-Event-ID",
    "MCP-Protocol-Version",
    "Mcp-Method",
    "Mcp-Name",
    "User-Agent",
    "X-AI-SDK-Version",
    "X-Lectern-Authorization",
    "X-Request-ID",
    *_OF_OPENAI_SDK,
)
RESPONSE_HEADERS = (
    "X-Request-ID",
    "Retry-After",
    "RateLimit-Limit",
    "RateLimit-Policy",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "X-Should-Retry",
)
# How long a browser may go without asking again, in seconds; the Space edge says the same.
_PREFLIGHT_SECONDS = 600
_READING = frozenset({"GET", "HEAD"})
_SHOWN_CHARACTERS = 200


class CrossOriginMiddleware(CORSMiddleware):
    """Answers preflights, and gives pages that may call the headers without which their browser hides the answer.

    An origin is always named, never `*`, as credentials are allowed; every answer says that it varies with it.
    """

    def __init__(self, app: ASGIApp, *, rules: OriginRules) -> None:
        super().__init__(
            app,
            allow_credentials=True,
            allow_methods=METHODS,
            allow_headers=REQUEST_HEADERS,
            expose_headers=RESPONSE_HEADERS,
            max_age=_PREFLIGHT_SECONDS,
        )
        self._rules = rules

    def is_allowed_origin(self, origin: str) -> bool:
        """Whether pages of this origin may read the answer."""
        return self._rules.judge(origin).allowed


class OriginGuardMiddleware:
    """Refuses what a page that may not call asks for, before its body is read.

    It judges what changes something, by its method, and what is asked below the guarded paths, by any method. A request
    without an origin is no page's (curl, a server) and passes.

    The refusal may be read by any page: it says nothing but the page's own origin, and its developer looks for the
    reason in the browser. It does not allow credentials, so no other answer can ever be read by these headers.

    Args:
        app: The app behind it.
        rules: Who may call.
        guarded: Paths whose answers are for the allowed pages only, with all below them.
    """

    def __init__(self, app: ASGIApp, *, rules: OriginRules, guarded: tuple[str, ...]) -> None:
        self.app = app
        self._rules = rules
        self._guarded = guarded

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and self._is_guarded(scope["method"], scope["path"]):
            headers = Headers(scope=scope)
            # No browser sends two; together they are no origin.
            origin = ", ".join(headers.getlist("origin"))
            if "origin" in headers and not self._may_call(origin, headers, scope["scheme"]):
                await _refuse(origin, scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _is_guarded(self, method: str, path: str) -> bool:
        if method in _READING:
            return any(path == prefix or path.startswith(f"{prefix}/") for prefix in self._guarded)
        return method != "OPTIONS"

    def _may_call(self, origin: str, headers: Headers, scheme: str) -> bool:
        verdict = self._rules.judge(origin, host=headers.get("host", ""), scheme=scheme)
        if not verdict.allowed:
            shown = origin[:_SHOWN_CHARACTERS]
            logger.warning("A page of %r may not call: %s. %s", shown, verdict.rule, self._rules.hint(shown))
        return verdict.allowed


async def _refuse(origin: str, scope: Scope, receive: Receive, send: Send) -> None:
    refusal = OriginNotAllowed(
        f"Pages of {origin[:_SHOWN_CHARACTERS]} may not call this service; its operator adds their origin to "
        "CORS_ALLOWED_ORIGINS."
    )
    response = problem_response(refusal, shape_of(scope))
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Vary"] = "Origin"
    await response(scope, receive, send)
