"""Refuses at the door what a worker has no room for, before a byte of its body is read."""

import random
import re
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from lectern.errors import TooBusy
from lectern.ops.logs import request_id
from lectern.resilience.door import Door
from lectern.web.problems import problem_response

RETRY_AFTER_SECONDS: Final = (1, 2, 3)
"""When the refused may come again, at random: those who were refused together must not return together."""


class AdmissionMiddleware:
    """Counts requests that cost something until their answer has ended, and refuses those there is no room for.

    A refusal is made of bytes that are ready, and costs two thirds of a `/health`. The connection stays open, and the
    server drops the body that is still on its way.

    Args:
        app: The app behind it.
        door: Who may come in.
        metered: `(method, path)` of the requests that cost something; all others pass. `{…}` is any one part.
    """

    def __init__(self, app: ASGIApp, *, door: Door, metered: frozenset[tuple[str, str]]) -> None:
        self.app = app
        self._door = door
        self._metered = frozenset(each for each in metered if "{" not in each[1])
        self._patterns = tuple(
            (method, re.compile(re.sub(r"\\{[^/]*\\}", "[^/]+", re.escape(path))))
            for method, path in sorted(metered - self._metered)
        )
        response = problem_response(TooBusy())
        mark = b'"request_id":"'
        self._before, _, rest = bytes(response.body).partition(mark)
        self._before += mark
        self._after = rest[rest.index(b'"') :]
        kept = [(name, value) for name, value in response.raw_headers if name != b"content-length"]
        self._heads = tuple([*kept, (b"retry-after", b"%d" % seconds)] for seconds in RETRY_AFTER_SECONDS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not self._is_metered(scope["method"], scope["path"]):
            await self.app(scope, receive, send)
        elif not self._door.enter():
            await self._refuse(send)
        else:
            try:
                await self.app(scope, receive, send)
            finally:
                self._door.leave()

    def _is_metered(self, method: str, path: str) -> bool:
        return (method, path) in self._metered or any(
            method == wanted and pattern.fullmatch(path) for wanted, pattern in self._patterns
        )

    async def _refuse(self, send: Send) -> None:
        # A request's id has no character that JSON would escape.
        body = b"".join((self._before, request_id.get().encode(), self._after))
        headers = [*random.choice(self._heads), (b"content-length", b"%d" % len(body))]  # noqa: S311 - not a secret
        await send({"type": "http.response.start", "status": TooBusy.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
