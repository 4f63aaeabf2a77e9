"""So many calls at once and no more, so that one part that hangs does not hold everything that others need."""

import asyncio
from types import TracebackType

from lectern.errors import TooBusy
from lectern.resilience import deadline

_BUSY_SECONDS = 1.0
"""What a full queue tells its readers to wait."""


class Bulkhead:
    """So many calls at once, so many in line behind them for so long; one more is refused at once.

    Args:
        most: Calls at once, in this process.
        queue: Calls that may wait.
        wait_seconds: How long one of them waits at most.
    """

    def __init__(self, most: int, *, queue: int, wait_seconds: float) -> None:
        self._places = asyncio.Semaphore(most)
        self._queue = queue
        self._wait_seconds = wait_seconds
        self.waiting = 0

    async def __aenter__(self) -> None:
        """Take a place.

        Raises:
            TooBusy: There is none, and no room to wait; or none came free in time.
        """
        if not self._places.locked():
            await self._places.acquire()  # at once
            return
        if self.waiting >= self._queue:
            raise TooBusy(retry_after_seconds=_BUSY_SECONDS)
        self.waiting += 1
        try:
            async with asyncio.timeout(deadline.within(self._wait_seconds)):
                await self._places.acquire()
        except TimeoutError:
            raise TooBusy(retry_after_seconds=_BUSY_SECONDS) from None
        finally:
            self.waiting -= 1

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the place back."""
        self._places.release()
