"""Waiting for parts that may sleep: quick ones pass unmentioned, of a slow one the reader is told once.

A database that sleeps, a cluster that scales to zero and a server that loads its model all answer after seconds. The
work goes on in a task of its own meanwhile, as a generator that yields cannot also wait: 25 µs of the 3 ms of a turn.
"""

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from lectern.events import Waking
from lectern.resilience.background import end

Result = TypeVar("Result")


class Waiting:
    """Which part a turn waits for, and whether that takes so long that the reader should know.

    Args:
        seconds: How long a reader hears nothing. The parts before the first `waking` share this time; from then on
            each part has it for itself.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._part = ""
        self._told = False
        self._unsaid: list[Waking] = []
        self._timer: asyncio.TimerHandle | None = None
        self._news: asyncio.Future[None] | None = None

    def on(self, part: str) -> None:
        """Say which part is asked now; each is asked once a turn."""
        self._part = part
        if self._told:
            self._unset()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._slow)

    async def slow(self, task: asyncio.Task[Any]) -> Waking | None:
        """The next part that a task is slow at; None when the task has ended, however it ended."""
        while not task.done():
            if self._unsaid:
                return self._unsaid.pop(0)
            self._news = task.get_loop().create_future()
            await self._news
        return None

    def wake(self, _: object = None) -> None:
        """Have `slow` look again."""
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def stop(self) -> None:
        """Wait for nothing now."""
        self._unsaid.clear()
        self._unset()

    def _unset(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _slow(self) -> None:
        self._timer = None
        self._told = True
        self._unsaid.append(Waking(self._part))
        self.wake()


class Work(Generic[Result]):
    """Work that is waited for, in a task of its own that ends with the block: left early, it is cancelled.

    Args:
        work: What to do; it says `waiting.on(part)` before it asks a part.
        waiting: Whose time it is.
    """

    def __init__(self, work: Coroutine[Any, Any, Result], waiting: Waiting) -> None:
        self._waiting = waiting
        self._task = asyncio.create_task(work)
        self._task.add_done_callback(waiting.wake)

    async def slow(self) -> Waking | None:
        """The next part that turns out to be slow; None when the work has ended, and `result` can be asked for."""
        return await self._waiting.slow(self._task)

    def result(self) -> Result:
        """What the work came to, or the exception it ended with."""
        return self._task.result()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End with nothing left behind: what is cancelled has cleaned up."""
        self._waiting.stop()
        await end(self._task)
