"""Numbers under keys, in memory that the master makes before the fork and every worker changes.

A key is known by a keyed digest, so nobody outside can choose keys that meet in one place. A number has a moment from
which it says nothing any more; its row is then free. The digest names a set of eight rows; where all of them still say
something, the smallest number gives way to the new one. What the numbers mean, others know.

A change is made under a lock on its set: a record lock on a file in memory, which the kernel takes back from a worker
that dies with it. Rows are written in words of eight bytes, each by one store, in such an order that a row whose writer
was killed in the middle is either as it was, as it should be, or free.
"""

import fcntl
import mmap
import os
from collections.abc import Callable, Sequence
from hashlib import blake2b
from struct import Struct
from typing import Final, TypeVar

Result = TypeVar("Result")

Entry = tuple[float, float]
"""A number, and from when on it says nothing."""

_ROWS: Final = 8
_SET: Final = 4 * _ROWS
"""Words of a set: eight first halves of digests, eight second halves, eight numbers, eight moments. So the rest of the
row whose first word is at `row` is at `row + 8`, `row + 16` and `row + 24`."""

_HALVES: Final = Struct("=QQ")
_TRIES: Final = 3


class Held(Exception):
    """Another worker is changing these numbers right now."""


class NumberTable:
    """A fixed number of rows. Moments of one table are of one clock.

    Args:
        rows: How many there are; a power of two.
        shared: Whether processes that are forked from this one change it, too.
    """

    def __init__(self, rows: int, *, shared: bool) -> None:
        self._sets = rows // _ROWS
        self._memory = mmap.mmap(-1, self._sets * _SET * 8)  # anonymous and shared; takes room when it is written
        self._words = memoryview(self._memory).cast("Q")
        self._floats = memoryview(self._memory).cast("B").cast("d")
        self._secret = os.urandom(16)
        self._locks = os.memfd_create("numbers") if shared else None

    def change(
        self,
        keys: Sequence[str],
        now: float,
        decide: Callable[[list[float]], tuple[Sequence[Entry] | None, Result]],
        *,
        alone: bool = True,
    ) -> Result:
        """Change the numbers of some keys together, or leave them.

        Args:
            keys: Each a different one.
            now: The moment, by the table's clock.
            decide: Gets the numbers, 0 where there is none; gives the new entries, or None to leave all as they are,
                and the result.
            alone: Whether nobody else may change them meanwhile. Without that, one of two changes may be lost.

        Raises:
            Held: Somebody else is changing one of them. Nothing was changed.
        """
        places = [self._place(key) for key in keys]
        held = self._hold(sorted({place[0] for place in places})) if alone else ()
        try:
            rows = [self._row(*place) for place in places]
            floats = self._floats
            numbers = [floats[row + 16] if row is not None and floats[row + 24] > now else 0.0 for row in rows]
            entries, result = decide(numbers)
            if entries is not None:
                for place, entry in zip(places, entries, strict=True):
                    self._write(place, entry, now)
            return result
        finally:
            self._release(held)

    def _place(self, key: str) -> tuple[int, int, int]:
        """The set of a key, and both halves of its digest."""
        digest = blake2b(key.encode(errors="surrogatepass"), digest_size=16, key=self._secret).digest()
        first, second = _HALVES.unpack(digest)
        return first % self._sets, first, second

    def _row(self, number: int, first: int, second: int) -> int | None:
        """The word at which a key's row begins; None when it has none."""
        at = number * _SET
        for row, half in enumerate(self._words[at : at + _ROWS].tolist()):
            if half == first and self._words[at + row + 8] == second:
                return at + row
        return None

    def _write(self, place: tuple[int, int, int], entry: Entry, now: float) -> None:
        words, floats = self._words, self._floats
        row = self._row(*place)  # looked for again: the key written before may have taken a row that was over
        if row is None:
            row = self._free(place[0] * _SET, now)
            floats[row + 24] = 0.0  # from here on it is nobody's
            words[row], words[row + 8] = place[1:]
        floats[row + 16], floats[row + 24] = entry

    def _free(self, at: int, now: float) -> int:
        """The row of a set that says nothing any more, else the one with the smallest number."""
        moments = self._floats[at + 24 : at + 32].tolist()
        for row, moment in enumerate(moments):
            if not moment > now:
                return at + row
        numbers = self._floats[at + 16 : at + 24].tolist()
        return at + numbers.index(min(numbers))

    def _hold(self, sets: list[int]) -> Sequence[int]:
        """Lock some sets, or none."""
        if self._locks is None:
            return ()
        for done, number in enumerate(sets):
            if not self._lock(number):
                self._release(sets[:done])
                raise Held
        return sets

    def _lock(self, number: int) -> bool:
        assert self._locks is not None
        for _ in range(_TRIES):
            try:
                fcntl.lockf(self._locks, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
            except OSError:
                os.sched_yield()  # a change takes microseconds: whoever makes it may only want the processor
            else:
                return True
        return False

    def _release(self, sets: Sequence[int]) -> None:
        if self._locks is not None:
            for number in sets:
                fcntl.lockf(self._locks, fcntl.LOCK_UN, 1, number)


class SharedNumbers:
    """What all workers count together.

    Attributes:
        moments: Moments of `time.monotonic()`, which is one clock for all processes of a machine.
        amounts: Sums, forgotten at moments of `time.time()`.

    Args:
        shared: Whether processes that are forked from this one count with it.
    """

    def __init__(self, *, shared: bool) -> None:
        self.moments = NumberTable(65_536, shared=shared)  # 2 MiB, when all of it is used
        self.amounts = NumberTable(32_768, shared=shared)
