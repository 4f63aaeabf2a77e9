"""Makes reports for whoever may have them: one at a time in a worker, and not too often."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from lectern.ops.findings import Report

KEPT_SECONDS: Final = 15.0
"""How long a report is given again, so that asking often does not ask the remote parts often."""


class ReportDesk:
    """Makes reports: one at a time in a worker, and not too often.

    Args:
        examine: Makes a report. Called at the first wish, so that a server nobody asks loads nothing for it.
        kept_seconds: See `KEPT_SECONDS`.
    """

    def __init__(self, examine: Callable[[], Awaitable[Report]], *, kept_seconds: float = KEPT_SECONDS) -> None:
        self._examine = examine
        self._kept_seconds = kept_seconds
        self._alone = asyncio.Lock()
        self._report: Report | None = None
        self._made = 0.0

    async def report(self) -> tuple[Report, float]:
        """A report and its age in seconds; whoever asks while one is made gets that one."""
        async with self._alone:
            age = time.monotonic() - self._made
            if self._report is None or age > self._kept_seconds:
                self._report = await self._examine()
                self._made, age = time.monotonic(), 0.0
            return self._report, age
