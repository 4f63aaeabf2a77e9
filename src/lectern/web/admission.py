"""Refuses at the door what a worker has no room for, before a byte of its body is read."""

import random
import re
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from lectern.errors import TooBusy
from lectern.ops.logs import request_id
from lectern.resilience.door import Door
from lectern.web.problems import PROBLEM, Shape, Shapes, problem_response, shape_for

RETRY_AFTER_SECONDS: Final = (1, 2, 3)
"""When the refused may come again, at random: those who were refused together must not return together."""

_ID_MARK: Final = b'"request_id":"'


class _Refusal:
    """The bytes of a refusal in one shape, but for the request's id where the shape tells it."""

    def __init__(self, shape: Shape) -> None:
        response = problem_response(TooBusy(), shape)
        self._before, mark, rest = bytes(response.body).partition(_ID_MARK)
        self._after = rest[rest.index(b'"') :] if mark else None
        kept = [(name, value) for name, value in response.raw_headers if name != b"content-length"]
        self._heads = tuple([*kept, (b"retry-after", b"%d" % seconds)] for seconds in RETRY_AFTER_SECONDS)

    async def send(self, send: Send) -> None:
        """Answer with it."""
        body = self._before
        if self._after is not None:  # an id has no character that JSON would escape
            body = b"".join((body, _ID_MARK, request_id.get().encode(), self._after))
        headers = [*random.choice(self._heads), (b"content-length", b"%d" % len(body))]  # noqa: S311 - not a secret
        await send({"type": "http.response.start", "status": TooBusy.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class AdmissionMiddleware:
    """Counts requests that cost something until their answer has ended, and refuses those there is no room for.

    A refusal is made of bytes that are ready, and costs two thirds of a `/health`. The connection stays open, and the
    server drops the body that is still on its way.

    Args:
        app: The app behind it.
        door: Who may come in.
        metered: `(method, path)` of the requests that cost something; all others pass. `{…}` is any one part.
        shapes: How a refusal is told where it is not a problem body.
    """

    def __init__(
        self, app: ASGIApp, *, door: Door, metered: frozenset[tuple[str, str]], shapes: Shapes | None = None
    ) -> None:
        self.app = app
        self._door = door
        self._metered = frozenset(each for each in metered if "{" not in each[1])
        self._patterns = tuple(
            (method, re.compile(re.sub(r"\\{[^/]*\\}", "[^/]+", re.escape(path))))
            for method, path in sorted(metered - self._metered)
        )
        self._shapes = shapes or {}
        self._refusals = {shape: _Refusal(shape) for shape in (PROBLEM, *self._shapes.values())}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not self._is_metered(scope["method"], scope["path"]):
            await self.app(scope, receive, send)
        elif not self._door.enter():
            await self._refusals[shape_for(scope["path"], self._shapes)].send(send)
        else:
            try:
                await self.app(scope, receive, send)
            finally:
                self._door.leave()

    def _is_metered(self, method: str, path: str) -> bool:
        return (method, path) in self._metered or any(
            method == wanted and pattern.fullmatch(path) for wanted, pattern in self._patterns
        )
