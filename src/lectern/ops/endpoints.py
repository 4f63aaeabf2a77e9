"""`GET /health/report`: the report of `./entrypoint.sh check`, for whoever has the operator's token."""

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from lectern.errors import NotFound, Unauthorized
from lectern.ops.findings import Report
from lectern.ops.schemas import ReportBody

router = APIRouter(tags=["health"])

KEPT_SECONDS: Final = 15.0
"""How long a report is given again, so that asking often does not ask the remote parts often."""

_HEADERS: Final = ("authorization", "x-lectern-authorization")
"""On a private Space the first one carries the Hub's token, so the operator's has a place of its own."""


class ReportDesk:
    """Makes reports for those who may have them: one at a time in a worker, and not too often.

    Args:
        examine: Makes a report. Called at the first wish, so that a server nobody asks loads nothing for it.
        token: The operator's token; None means that nobody may have one.
        kept_seconds: See `KEPT_SECONDS`.
    """

    def __init__(
        self, examine: Callable[[], Awaitable[Report]], *, token: str | None, kept_seconds: float = KEPT_SECONDS
    ) -> None:
        self._examine = examine
        self._token = token
        self._kept_seconds = kept_seconds
        self._alone = asyncio.Lock()
        self._report: Report | None = None
        self._made = 0.0

    def admit(self, offered: list[str]) -> None:
        """Let the operator in.

        Args:
            offered: The values of the headers that may carry the token.

        Raises:
            NotFound: There is no operator's token, so there is no report.
            Unauthorized: None of these is it.
        """
        if self._token is None:
            raise NotFound
        wanted = self._token.encode()
        tokens = [value[7:].strip() for value in offered if value[:7].lower() == "bearer "]
        # In constant time: the place of the first wrong character does not show.
        if not any(hmac.compare_digest(token.encode("latin-1"), wanted) for token in tokens):
            raise Unauthorized

    async def report(self) -> tuple[Report, float]:
        """A report and its age in seconds; whoever asks while one is made gets that one."""
        async with self._alone:
            age = time.monotonic() - self._made
            if self._report is None or age > self._kept_seconds:
                self._report = await self._examine()
                self._made, age = time.monotonic(), 0.0
            return self._report, age


@router.get("/health/report", responses={200: {"model": ReportBody}})
async def report(request: Request) -> JSONResponse:
    """What `./entrypoint.sh check` finds in this worker, at most 15 s old. For the operator only (`ADMIN_TOKEN`)."""
    desk: ReportDesk = request.app.state.report_desk
    desk.admit([value for name in _HEADERS for value in request.headers.getlist(name)])
    made, age = await desk.report()
    body: dict[str, Any] = made.fields() | {"version": request.app.version, "age_seconds": round(age, 1)}
    return JSONResponse(body, headers={"Cache-Control": "no-store"})
