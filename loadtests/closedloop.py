"""Readers who ask again as soon as they are answered, each on one connection that it keeps.

It finds how much a service can do. It hides how long somebody waits who comes meanwhile, as all its readers are busy
waiting themselves; `loadtests.openloop` shows that.
"""

import asyncio
from dataclasses import dataclass

from loadtests.openloop import NobodyAnsweredError, spread
from loadtests.wire import Connection, Target, Trace, exchange


@dataclass(frozen=True, slots=True)
class Readers:
    """So many readers for so many seconds.

    Attributes:
        ramp_seconds: They come one after another within this time; answers that end in it are not counted. 0 for all
            at once.
        patience_seconds: How long one exchange may take.
    """

    count: int
    seconds: float
    ramp_seconds: float = 0
    patience_seconds: float = 120


@dataclass(frozen=True, slots=True)
class Stage:
    """What came of them.

    Attributes:
        target: The name of who was asked.
        traces: Every exchange.
        since: From here on all readers were at it, in seconds of the loop's clock.
        until: Up to here.
    """

    target: str
    traces: list[Trace]
    since: float
    until: float

    def errors(self) -> int:
        """Exchanges that brought no answer, those of the ramp included."""
        return sum(bool(trace.error) for trace in self.traces)

    def answered(self) -> int:
        """Answers, those of the ramp and of the end included."""
        return sum(not trace.error for trace in self.traces)

    def rate(self) -> float:
        """Answers a second that came while all readers were at it."""
        ends = (trace.ended for trace in self.traces if not trace.error and trace.ended is not None)
        return sum(self.since <= ended <= self.until for ended in ends) / (self.until - self.since)

    def totals(self) -> list[float]:
        """How long each answer took, in seconds, of those that were under way while all readers were at it."""
        answers = ((trace.due, trace.ended) for trace in self.traces if not trace.error and trace.ended is not None)
        return [ended - due for due, ended in answers if due <= self.until and ended >= self.since]

    def total_ms(self) -> dict[str, float]:
        """Percentiles of these, in milliseconds.

        Raises:
            NobodyAnsweredError: There are none.
        """
        if (found := spread(self.totals())) is None:
            raise NobodyAnsweredError.of(self.target, self.traces)
        return found


async def drive(target: Target, readers: Readers) -> Stage:
    """Let them read until the time is over, and each finish its last answer."""
    loop = asyncio.get_running_loop()
    begin = loop.time() + 0.05
    since = begin + readers.ramp_seconds
    until = since + readers.seconds
    step = readers.ramp_seconds / readers.count
    tasks = [
        asyncio.create_task(_read(target, begin + number * step, until, readers.patience_seconds))
        for number in range(readers.count)
    ]
    traces = [trace for task in tasks for trace in await task]
    return Stage(target.name, traces, since, until)


async def _read(target: Target, begin: float, until: float, patience_seconds: float) -> list[Trace]:
    """One reader's exchanges. One that fails waits a moment, so that refusals at once are no storm."""
    loop = asyncio.get_running_loop()
    idle: list[Connection] = []
    traces: list[Trace] = []
    due = begin
    while due < until:
        await asyncio.sleep(due - loop.time())
        traces.append(await exchange(target, due, patience_seconds, idle))
        due = loop.time() + (_PAUSE_SECONDS if traces[-1].error else 0)
    for connection in idle:
        connection.abort()
    return traces


_PAUSE_SECONDS = 0.05
