"""Threads for work on this machine's processor, and how long the queues before them are.

A worker may be behind with its work while its event loop is not: then it stands here.
"""

from typing import Final
from weakref import WeakSet

from anyio import CapacityLimiter

_limiters: Final[WeakSet[CapacityLimiter]] = WeakSet()


def processor_threads(count: int) -> CapacityLimiter:
    """Places in threads, as many as are of use to the processor; `waiting` counts who waits for them."""
    limiter = CapacityLimiter(count)
    _limiters.add(limiter)
    return limiter


def waiting() -> float:
    """Calls that wait for a place in the longest of these queues, for each of its threads."""
    return max((limiter.statistics().tasks_waiting / limiter.total_tokens for limiter in _limiters), default=0.0)
