"""How one part is called: a bounded number at once, within the request's deadline, a few bounded retries, a breaker.

A `Line` joins them for one part. It decides what a failure means: what counts against the part, and what is worth
another try. Its owner (`lectern.adapters.guarded`) only calls.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass
from types import TracebackType
from typing import TypeVar

from lectern.errors import LecternError, TooBusy, UpstreamRejected, UpstreamTimeout
from lectern.resilience import deadline
from lectern.resilience.breaker import Permit
from lectern.resilience.circuit import Circuit

Result = TypeVar("Result")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
"""Seconds before a retry: at random up to the first, doubled each time; who asks for more than the second gets none."""

_USEFUL_SECONDS = 0.05
"""With less time left than this, a call is not begun."""

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


class RetryBudget:
    """Retries are at most a fifth of the calls of the last half minute, and three are always free.

    Time is an argument. The floor lets a quiet site retry at all; the share keeps a busy one from doubling the load of
    a part that is failing under it.
    """

    SHARE, FLOOR, WINDOW_SECONDS = 0.2, 3, 30

    def __init__(self) -> None:
        self._seconds: deque[list[int]] = deque()  # second, calls, retries

    def call(self, now: float) -> None:
        """Count a call; its retries are not calls."""
        self._second(now)[1] += 1

    def take(self, now: float) -> bool:
        """Whether one more retry may be made; it is counted if so."""
        second = self._second(now)
        calls = sum(entry[1] for entry in self._seconds)
        retries = sum(entry[2] for entry in self._seconds)
        if retries + 1 > max(self.FLOOR, calls * self.SHARE):
            return False
        second[2] += 1
        return True

    def _second(self, now: float) -> list[int]:
        while self._seconds and self._seconds[0][0] <= now - self.WINDOW_SECONDS:
            self._seconds.popleft()
        if not self._seconds or self._seconds[-1][0] != int(now):
            self._seconds.append([int(now), 0, 0])
        return self._seconds[-1]


@dataclass(slots=True)
class Attempt:
    """One try at a circuit; `number` counts from 0."""

    circuit: Circuit
    permit: Permit
    number: int


class Line:
    """The way to one part.

    Args:
        bulkhead: How many use it at once; None where the part itself sees to that.
        unavailable: The error that a call gets when its circuit is open or the request's time is up.
        what: What is not available, as a message for readers says it.
        retries: Further tries after a failure that one may help against.
        dice: A number from 0 to 1, another one each time.
    """

    def __init__(
        self,
        bulkhead: Bulkhead | None,
        *,
        unavailable: type[LecternError],
        what: str | None = None,
        retries: int = 1,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self.bulkhead = bulkhead or nullcontext()
        self._unavailable = unavailable
        self._message = f"The {what} is not available right now." if what else None
        self._retries = retries
        self._budget = RetryBudget()
        self._dice = dice

    async def call(self, circuit: Circuit, work: Callable[[], Awaitable[Result]]) -> Result:
        """The result of `work`, which is called again for each retry.

        Raises:
            LecternError: What `work` raised at last; or the line's own when the circuit is open or time is up.
            TooBusy: There is no room.
        """
        async with self.bulkhead:
            number = 0
            while True:
                attempt = self.begin(circuit, number)
                try:
                    async with asyncio.timeout(deadline.left()):
                        result = await work()
                except LecternError as error:
                    if not await self.again(attempt, error):
                        raise
                except TimeoutError:
                    raise self.refusal(None) from None
                else:
                    circuit.succeeded(attempt.permit)
                    return result
                finally:
                    circuit.released(attempt.permit)  # unless it has its verdict
                number += 1

    def begin(self, circuit: Circuit, number: int) -> Attempt:
        """Begin a try; give it its verdict afterwards.

        Raises:
            LecternError: The line's own: the circuit is open, or the request's time is up.
        """
        seconds = deadline.left()
        if seconds is not None and seconds < _USEFUL_SECONDS:
            raise self.refusal(None)
        permit = circuit.admit()
        if permit is None:
            raise self.refusal(circuit.refused_for())
        if number == 0:
            self._budget.call(time.monotonic())
        return Attempt(circuit, permit, number)

    async def again(self, attempt: Attempt, error: LecternError) -> bool:
        """Give a failed try its verdict; wait and return True when another one makes sense."""
        pause = self._pause(attempt, error)
        if pause is not None and error.retry_after_seconds is not None:
            attempt.circuit.released(attempt.permit)  # asked to come back in a moment: a limit, not an outage
        else:
            judge(attempt, error)
        if pause is None:
            return False
        await asyncio.sleep(pause)
        return True

    def refusal(self, retry_after_seconds: float | None) -> LecternError:
        """The line's own error."""
        return self._unavailable(self._message, retry_after_seconds=retry_after_seconds)

    def _pause(self, attempt: Attempt, error: LecternError) -> float | None:
        """Seconds before the next try, or None for none. After a timeout the reader has waited long enough."""
        if attempt.number >= self._retries or not error.retryable or isinstance(error, (UpstreamTimeout, TooBusy)):
            return None
        pause = error.retry_after_seconds
        if pause is None:
            pause = self._dice() * _FIRST_PAUSE * 2.0**attempt.number
        if pause > min(_LONGEST_PAUSE, deadline.within(_LONGEST_PAUSE + _USEFUL_SECONDS) - _USEFUL_SECONDS):
            return None
        return pause if self._budget.take(time.monotonic()) else None


def judge(attempt: Attempt, error: LecternError) -> None:
    """What an error says about the part: that it failed, that it refused us, or nothing bad at all."""
    circuit, permit = attempt.circuit, attempt.permit
    if isinstance(error, UpstreamRejected):
        circuit.rejected(permit)
    elif isinstance(error, TooBusy):
        circuit.released(permit)
    elif error.retryable:
        circuit.failed(permit, error.retry_after_seconds)
    else:
        circuit.succeeded(permit)  # it answered: no such conversation
