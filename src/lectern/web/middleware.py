"""Plain ASGI middleware: a request's id and access line, a first look at its body's head, a last resort.

Never `BaseHTTPMiddleware`: it costs 14 µs a streamed chunk and hides disconnects.
"""

import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lectern.errors import InternalError, LecternError, PayloadTooLarge, UnsupportedMediaType
from lectern.ops.logs import request_id
from lectern.resilience import deadline
from lectern.web import answer_headers
from lectern.web.problems import problem_response, shape_of

logger = logging.getLogger(__name__)
access = logging.getLogger("lectern.access")

_ACCEPTABLE_ID = re.compile(r"[\w.:/+=-]{1,128}", re.ASCII)
_JSON = re.compile(r"application/(?:[\w.+-]+\+)?json\s*(?:;|$)", re.IGNORECASE)


class RequestContextMiddleware:
    """Gives each request an id and a deadline, answers with the id, and writes one access line when it ends.

    A caller's own `X-Request-ID` is kept when it is short and harmless. The deadline ends nothing by itself: every hop
    asks it how long it may take.
    """

    def __init__(self, app: ASGIApp, *, seconds: float = 150) -> None:
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        identity = given if _ACCEPTABLE_ID.fullmatch(given) else uuid.uuid4().hex
        token = request_id.set(identity)
        until = deadline.start(self.seconds)
        started = time.perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = identity
                answer_headers.apply(scope, headers)
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            milliseconds = round((time.perf_counter() - started) * 1000, 1)
            access.info(
                "%s %s %s %.1f ms",
                scope["method"],
                scope["path"],
                status or "aborted",
                milliseconds,
                extra={"method": scope["method"], "path": scope["path"], "status": status, "ms": milliseconds},
            )
            deadline.end(until)
            request_id.reset(token)


class DefectMiddleware:
    """Answers an unforeseen exception as any other error.

    It stands inside the other middleware, so that a 500 too carries its request id and the headers a browser wants;
    the framework's own handler for such exceptions stands outside of all middleware.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        started = False

        async def noting_start(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, noting_start if scope["type"] == "http" else send)
        except Exception:
            if started or scope["type"] != "http":
                raise
            logger.exception("internal_error")
            await problem_response(InternalError(), shape_of(scope))(scope, receive, send)


class BodyGuardMiddleware:
    """Refuses a body that is not JSON or too large, by its head where that tells, else while it is read.

    Starlette's own limit answers 413 as plain text whatever error handler is installed, which is why it is not used.

    Args:
        app: The app behind it.
        max_body_bytes: Largest body that passes, in bytes.
    """

    def __init__(self, app: ASGIApp, max_body_bytes: int) -> None:
        self.app = app
        self.max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] not in {"POST", "PUT", "PATCH", "DELETE"}:
            await self.app(scope, receive, send)
        elif error := self._refusal(Headers(scope=scope)):
            await problem_response(error, shape_of(scope))(scope, receive, send)
        else:
            await self.app(scope, self._counted(receive), send)

    def _refusal(self, headers: Headers) -> LecternError | None:
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > self.max_body_bytes:
            return PayloadTooLarge(f"The request is too large: at most {self.max_body_bytes} bytes are taken.")
        has_body = length != "0" or "transfer-encoding" in headers
        if has_body and not _JSON.match(headers.get("content-type", "")):
            return UnsupportedMediaType()
        return None

    def _counted(self, receive: Receive) -> Receive:
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self.max_body_bytes:
                # An HTTPException, as that is the one kind the framework lets through while it reads a body.
                raise HTTPException(PayloadTooLarge.status)
            return message

        return counted
