"""Counters in the memory that all workers of a server share; in this process's own where there is no master."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from lectern.limits import bucket
from lectern.ports import Part, Rate, Standing
from lectern.serving.numbers import Entry, Held, NumberTable, SharedNumbers

Result = TypeVar("Result")
Decide = Callable[[list[float]], tuple[Sequence[Entry] | None, Result]]

_PAUSES: Final = (0.0002, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032)
"""Seconds between tries at a number that another worker holds. It holds it for microseconds, unless it is taken off the
processor just then; one that was stopped (SIGSTOP, a debugger) is waited for no longer, and counted beside."""


class SharedCounters:
    """Exact over all workers, whoever of them is killed or replaced; gone with the server.

    Args:
        numbers: The memory; left out, this process's own.
        note: What is counted, for reports; empty when that is not worth a word.
    """

    def __init__(self, numbers: SharedNumbers | None = None, *, note: str = "") -> None:
        self._kind = "memory of this process" if numbers is None else "memory of all workers"
        self._numbers = numbers or SharedNumbers(shared=False)
        self._note = note

    @property
    def outlive_restarts(self) -> bool:
        """The memory ends with the server."""
        return False

    async def take(self, key: str, rate: Rate) -> Standing:
        """As `Counters.take`."""
        return (await self.take_all(((key, rate),)))[0]

    async def take_all(self, takes: Sequence[tuple[str, Rate]]) -> list[Standing]:
        """As `Counters.take_all`."""

        def decide(moments: list[float], now: float) -> tuple[Sequence[Entry] | None, list[Standing]]:
            rates = [rate for _, rate in takes]
            ahead = [bucket.ahead_of(moment, now, rate) for moment, rate in zip(moments, rates, strict=True)]
            return _taken(ahead, rates, now)

        return await _change(self._numbers.moments, time.monotonic, [key for key, _ in takes], decide)

    async def note_taken(self, takes: Sequence[tuple[str, Rate]], standings: Sequence[Standing]) -> None:
        """Have no bucket fuller than another counter says it is."""

        def decide(moments: list[float], now: float) -> tuple[Sequence[Entry], None]:
            known = [now + standing.reset_seconds for standing in standings]
            later = [max(pair) for pair in zip(moments, known, strict=True)]
            return [(moment, moment) for moment in later], None

        await _change(self._numbers.moments, time.monotonic, [key for key, _ in takes], decide)

    async def spent(self, key: str) -> float:
        """As `Counters.spent`."""
        return await self._amount(key, lambda amount: amount, until=0)

    async def spend(self, key: str, amount: float, *, until: float) -> None:
        """As `Counters.spend`."""
        await self.put(key, bucket.countable(amount), until=until)

    async def put(self, key: str, amount: float, *, until: float) -> None:
        """Add a countable amount, or a sum of some."""
        await self._amount(key, lambda before: before + amount, until=until)

    async def note_spent(self, key: str, amount: float, *, until: float) -> float:
        """Have no amount below what another counter says it is; the amount then."""
        return await self._amount(key, lambda before: max(before, amount), until=until)

    async def take_out(self, key: str, *, until: float) -> float:
        """Begin an amount anew; what it was."""

        def decide(amounts: list[float], _now: float) -> tuple[Sequence[Entry] | None, float]:
            return [(0.0, until)] if amounts[0] else None, amounts[0]

        return await _change(self._numbers.amounts, time.time, [key], decide)

    async def _amount(self, key: str, changed: Callable[[float], float], *, until: float) -> float:
        """Change an amount; what it is then. One that is over already, or stays as it is, is not written."""

        def decide(amounts: list[float], now: float) -> tuple[Sequence[Entry] | None, float]:
            after = changed(amounts[0])
            if after == amounts[0]:
                return None, after
            return ([(after, until)], after) if until > now else (None, amounts[0])

        return await _change(self._numbers.amounts, time.time, [key], decide)

    def describe(self) -> Part:
        """What is counted, and where."""
        return Part("limits", self._kind, "ok", self._note)

    async def warm(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""


def _taken(ahead: list[float], rates: list[Rate], now: float) -> tuple[Sequence[Entry] | None, list[Standing]]:
    """One from each bucket, or from none: their new moments, and how it stands with each."""
    after = [bucket.take(one, rate) for one, rate in zip(ahead, rates, strict=True)]
    whole = [one for one in after if one is not None]
    if len(whole) == len(after):
        moments = [now + one for one in whole]
        standings = [bucket.standing(one, rate, allowed=True) for one, rate in zip(whole, rates, strict=True)]
        return [(moment, moment) for moment in moments], standings
    return None, [
        bucket.standing(one, rate, allowed=new is not None) for one, new, rate in zip(ahead, after, rates, strict=True)
    ]


async def _change(
    table: NumberTable,
    clock: Callable[[], float],
    keys: Sequence[str],
    decide: Callable[[list[float], float], tuple[Sequence[Entry] | None, Result]],
) -> Result:
    """Change numbers alone, as soon as nobody else does; by what is there when somebody holds them too long."""
    for pause in _PAUSES:
        now = clock()
        try:
            return table.change(keys, now, lambda numbers: decide(numbers, now))  # noqa: B023 - called at once
        except Held:
            await asyncio.sleep(pause)
    now = clock()
    return table.change(keys, now, lambda numbers: decide(numbers, now), alone=False)
