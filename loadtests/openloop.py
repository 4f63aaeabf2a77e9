"""Arrivals on a schedule, whoever is still being served: what a closed loop hides is seen here.

Each arrival goes to one of the targets in turn, so that all of them meet the same machine in the same run. Every time
is counted from the moment the schedule asked for, also when the driver itself was late. Single tokens are kept, nothing
is averaged per request. `/health` of the first target is asked all through.
"""

import asyncio
import random
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2

from loadtests.wire import Connection, Target, Trace, exchange

PROBE_SECONDS: Final = 0.1
PERCENTILES: Final = (50, 95, 99)


class NobodyAnsweredError(Exception):
    """No exchange with a target came to an answer, so there is nothing to measure; the message says what went wrong."""

    @classmethod
    def of(cls, target: str, traces: Sequence[Trace]) -> "NobodyAnsweredError":
        """What exchanges with a target came to instead."""
        said = ", ".join(f"{count} times {error}" for error, count in errors(traces).items())
        return cls(f"{target} answered nobody: {said or 'nobody asked'}")


@dataclass(frozen=True, slots=True)
class Schedule:
    """Arrivals of each target a second, for so many seconds; Poisson, the same ones for the same seed.

    Attributes:
        patience_seconds: How long an exchange may take.
    """

    rate: float
    seconds: float
    seed: int = 1
    patience_seconds: float = 120

    def arrivals(self, targets: int) -> list[tuple[float, int]]:
        """`(seconds since the start, target)`; targets take turns."""
        dice = random.Random(self.seed)
        now = 0.0
        plan: list[tuple[float, int]] = []
        while (now := now + dice.expovariate(self.rate * targets)) < self.seconds:
            plan.append((now, len(plan) % targets))
        return plan


@dataclass(slots=True)
class Run:
    """What came of a schedule: the traces of each target by its name, and how long each `/health` took."""

    traces: dict[str, list[Trace]]
    health_seconds: list[float] = field(default_factory=list)
    health_failures: int = 0


async def drive(targets: Sequence[Target], schedule: Schedule, health: str | None = None) -> Run:
    """Send every arrival at its time and wait until all are over."""
    run = Run({target.name: [] for target in targets})
    loop = asyncio.get_running_loop()
    prober = asyncio.create_task(_probe(health, run)) if health else None
    begin = loop.time() + 0.1
    running = []
    idle: dict[str, list[Connection]] = {target.name: [] for target in targets}
    for after, number in schedule.arrivals(len(targets)):
        await asyncio.sleep(max(0.0, begin + after - loop.time()))
        target = targets[number]
        asking = exchange(target, begin + after, schedule.patience_seconds, idle[target.name])
        running.append((target, asyncio.create_task(asking)))
    for target, task in running:
        run.traces[target.name].append(await task)
    if prober is not None:
        prober.cancel()
    for connection in (kept for connections in idle.values() for kept in connections):
        connection.abort()
    return run


async def _probe(url: str, run: Run) -> None:
    async with httpx2.AsyncClient(timeout=10, limits=httpx2.Limits(max_keepalive_connections=0)) as http:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                response = await http.get(url)
                run.health_failures += response.status_code != 200  # noqa: PLR2004 - HTTP
            except httpx2.HTTPError:
                run.health_failures += 1
            run.health_seconds.append(loop.time() - began)
            await asyncio.sleep(PROBE_SECONDS)


def figures(traces: Sequence[Trace]) -> dict[str, Any]:
    """What a target's traces show. Times are in milliseconds; gaps are those between two tokens of one answer."""
    whole = [trace for trace in traces if not trace.error]
    refused = [trace.headed - trace.due for trace in traces if trace.status == 503 and trace.headed is not None]  # noqa: PLR2004 - HTTP
    return {
        "asked": len(traces),
        "answered": len(whole),
        "errors": errors(traces),
        "tokens": sum(len(trace.tokens) for trace in whole),
        "first_token_ms": spread([trace.tokens[0] - trace.due for trace in whole if trace.tokens]),
        "gap_ms": spread(gaps(whole)),
        "total_ms": spread([trace.ended - trace.due for trace in whole if trace.ended is not None]),
        "refused_ms": spread(refused),
        "refused_without_retry_after": sum(trace.status == 503 and not trace.retry_after for trace in traces),  # noqa: PLR2004 - HTTP
    }


def errors(traces: Sequence[Trace]) -> dict[str, int]:
    """How often there was which error."""
    return dict(Counter(trace.error for trace in traces if trace.error))


def gaps(traces: Sequence[Trace]) -> list[float]:
    """The seconds between each two tokens of one answer, of all answers."""
    return [later - earlier for trace in traces for earlier, later in zip(trace.tokens, trace.tokens[1:], strict=False)]


def spread(seconds: Sequence[float]) -> dict[str, float] | None:
    """Percentiles and the largest, in milliseconds; None for nothing."""
    if not seconds:
        return None
    ordered = sorted(seconds)
    marks = statistics.quantiles(ordered, n=100, method="inclusive") if len(ordered) > 1 else ordered * 99
    found = {f"p{percent}": round(marks[percent - 1] * 1000, 3) for percent in PERCENTILES}
    return found | {"max": round(ordered[-1] * 1000, 3)}
