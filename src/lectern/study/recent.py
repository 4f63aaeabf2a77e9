"""What a process has at hand of its last requests, so that the next one like it is not worked out again."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """The values that were asked for last.

    Args:
        most: How many are kept.
        seconds: How long each is kept.
        clock: Seconds that only grow.
    """

    def __init__(self, most: int, *, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._values: OrderedDict[Key, tuple[float, Value]] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """The value under this key; None when there is none, or none any more."""
        kept = self._values.get(key)
        if kept is None:
            return None
        if kept[0] <= self._clock():
            del self._values[key]
            return None
        self._values.move_to_end(key)
        return kept[1]

    def put(self, key: Key, value: Value) -> None:
        """Keep a value under this key; the one that was not asked for longest goes when there are too many."""
        self._values[key] = (self._clock() + self._seconds, value)
        self._values.move_to_end(key)
        if len(self._values) > self._most:
            self._values.popitem(last=False)
