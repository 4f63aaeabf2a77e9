"""Counters in Redis, for all replicas together; in this server's own memory while Redis cannot be asked."""

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from lectern.adapters import guarded
from lectern.adapters.redis_numbers import RedisNumbers
from lectern.adapters.shared_counters import SharedCounters
from lectern.errors import LecternError
from lectern.limits import bucket
from lectern.ports import Part, Rate, Standing
from lectern.ports.part import State
from lectern.resilience.circuit import Circuit
from lectern.resilience.policy import Line

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


class RedisCounters:
    """Notes in this server's memory what Redis counted, so that an outage begins with it and not with nothing.

    What is spent during an outage waits there, and is added when the same key is spent under again.

    Args:
        redis: Where it is counted.
        here: Where it is noted, and counted meanwhile.
        line: The way to Redis.
        circuit: How that goes.
    """

    def __init__(self, redis: RedisNumbers, here: SharedCounters, line: Line, circuit: Circuit) -> None:
        self._redis, self._here = redis, here
        self._line, self._circuit = line, circuit
        self._state: State = "unknown"
        self._trouble = ""

    @property
    def outlive_restarts(self) -> bool:
        """Redis keeps them."""
        return True

    async def take(self, key: str, rate: Rate) -> Standing:
        """As `Counters.take`."""
        return (await self.take_all(((key, rate),)))[0]

    async def take_all(self, takes: Sequence[tuple[str, Rate]]) -> list[Standing]:
        """As `Counters.take_all`."""
        standings = await self._asked(lambda: self._redis.take_all(takes))
        if standings is None:
            return await self._here.take_all(takes)
        if all(standing.allowed for standing in standings):
            await self._here.note_taken(takes, standings)
        return standings

    async def spent(self, key: str) -> float:
        """As `Counters.spent`."""
        there = await self._asked(lambda: self._redis.spent(key))
        noted, waiting = await self._here.spent(key), await self._here.spent(_waiting(key))
        return max(there or 0.0, noted) + waiting

    async def spend(self, key: str, amount: float, *, until: float) -> None:
        """As `Counters.spend`. An answer of Redis that is lost makes the amount count twice, never not at all."""
        counted, end = bucket.countable(amount), bucket.whole_second(until)
        if not counted or end <= time.time():
            return
        known = await self._here.spent(key)
        counted += await self._here.take_out(_waiting(key), until=end)
        total = None
        try:
            total = await self._asked(lambda: self._redis.spend(key, counted, until=end, known=known))
        finally:
            if total is None:
                await self._here.put(_waiting(key), counted, until=end)
            else:
                await self._here.note_spent(key, total, until=end)

    def describe(self) -> Part:
        """As this worker saw Redis last, corrected by what its siblings found out."""
        part = guarded.known(Part("limits", f"Redis at {self._redis.place}", self._state, self._trouble), self._circuit)
        if part.state == "down":
            return replace(part, note=f"counted by each container for itself: {part.note}")
        return replace(part, note="counted for all replicas together")

    async def warm(self) -> None:
        """Connect."""
        await self._asked(lambda: self._redis.spent(""))

    async def close(self) -> None:
        """Give back connections."""
        await self._redis.close()

    async def _asked(self, work: Callable[[], Awaitable[Result]]) -> Result | None:
        """What Redis says; None while it says nothing."""
        try:
            result = await self._line.call(self._circuit, work)
        except LecternError as error:
            if self._state != "down":
                logger.warning("Redis cannot be asked (%s); limits are counted here meanwhile", error.message)
            if error.__cause__ is not None or not self._trouble:  # an open circuit has nothing new to tell
                self._trouble = error.message
            self._state = "down"
            return None
        if self._state == "down":
            logger.info("Redis counts limits again")
        self._state, self._trouble = "ok", ""
        return result


def _waiting(key: str) -> str:
    """Under which key it is noted here what Redis has not been told."""
    return f"waiting:{key}"
