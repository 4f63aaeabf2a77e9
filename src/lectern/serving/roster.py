"""Memory that the master makes before the fork, in which each worker notes what it has under way, for all to find.

An entry is a pair of ids, whose it is, and what others wish of it: that it goes on, or that it stops. Each worker has a
region with slots of its own. Only the owner makes and removes entries there, and others write nothing but wishes, so
there is no lock. An id stands in a slot at its beginning and is written last and cleared first: what is found half-way
through is found as nothing, or a moment too late. A wish to stop names the entry it is for, so that it harms nobody who
got the slot meanwhile. The master clears the region of a worker that has ended. What the ids are of, others know.
"""

import mmap
from dataclasses import dataclass
from struct import Struct
from typing import Final

_SLOT: Final = Struct("=16s16sQddQ")
"""First id, second id, owner, began, wanted, to be stopped: 64 bytes, each word at a multiple of its size."""

_SLOTS: Final = 1280
"""Of a worker: as many turns as one may have under way (MAX_TURNS, 1,250 when it is not set), and some to spare."""

_WORKERS: Final = 128
_REGION: Final = _SLOT.size * _SLOTS
_ID: Final = 16
_WANTED: Final = Struct("=d")
_WANTED_AT: Final = 48
_STOP: Final = Struct("=Q")
_STOP_AT: Final = 56
_MARK: Final = Struct("=Q")
_MARKS: Final = _MARK.size * _WORKERS
_NONE: Final = bytes(_ID)
_NO_WISH: Final = bytes(_SLOT.size - _WANTED_AT)


@dataclass(frozen=True, slots=True)
class Entry:
    """What somebody in this container has under way.

    Attributes:
        first: Its own id, 16 bytes.
        second: The id of what it belongs to, 16 bytes.
        owner: Whose it is, as a number of 64 bits.
        place: Where its slot is, in bytes.
    """

    first: bytes
    second: bytes
    owner: int
    place: int


@dataclass(frozen=True, slots=True)
class Wished:
    """What others wish of an entry.

    Attributes:
        wanted_at: When somebody last wanted it to go on, on the clock of `want`; 0.0 when nobody did.
        stop: Whether it is to be stopped.
    """

    wanted_at: float = 0.0
    stop: bool = False


_NOTHING: Final = Wished()


class Roster:
    """What all workers of a container have under way, in 64 bytes each: 10 MiB, of which it takes what was written.

    Args:
        shared: Whether processes that are forked from this one share it; else this process has the only region.
    """

    def __init__(self, *, shared: bool) -> None:
        regions = _WORKERS if shared else 1
        kind = mmap.MAP_SHARED if shared else mmap.MAP_PRIVATE
        self._memory = mmap.mmap(-1, _MARKS + _REGION * regions, kind | mmap.MAP_ANONYMOUS)  # leaves no file
        self._regions = regions
        self._cells: dict[int, int] = {}
        self._mine: int | None = None
        self._free: list[int] = []
        if not shared:
            self._take(0)

    def reserve(self, worker: int) -> None:
        """Keep a free region for the worker that is forked next. Called in the master."""
        taken = set(self._cells.values())
        free = next((cell for cell in range(self._regions) if cell not in taken), None)
        if free is not None:
            self._cells[worker] = free

    def enter(self, worker: int) -> None:
        """Become this worker: its region is this process's from now on. One too many has none."""
        self._mine, self._free = None, []
        if (cell := self._cells.get(worker)) is not None:
            self._take(cell)

    def leave(self, worker: int) -> None:
        """Clear what a worker that has ended left, and give its region away. Called in the master."""
        cell = self._cells.pop(worker, None)
        if cell is not None:
            begin = _base(cell)
            self._memory[begin : begin + self._used(cell)] = bytes(self._used(cell))
            self._mark(cell, 0)

    def add(self, first: bytes, second: bytes, *, owner: int, now: float) -> int | None:
        """Note that this process has something under way; its place, or None when there is no room.

        Args:
            first: Its own id, 16 bytes, not all zero.
            second: The id of what it belongs to, 16 bytes.
            owner: Whose it is, as a number of 64 bits.
            now: The moment; of several with one second id, the latest is found.
        """
        if self._mine is None or not self._free:
            return None
        place = self._free.pop()
        self._memory[place + _ID : place + _SLOT.size] = _SLOT.pack(_NONE, second, owner, now, 0.0, 0)[_ID:]
        self._memory[place : place + _ID] = first
        end = place + _SLOT.size - _base(self._mine)
        if end > self._used(self._mine):
            self._mark(self._mine, end)
        return place

    def remove(self, place: int) -> None:
        """Forget what was added at a place."""
        self._memory[place : place + _ID] = _NONE
        self._free.append(place)

    def wishes(self, place: int) -> Wished:
        """What others wish of what was added at a place."""
        end = place + _SLOT.size
        if self._memory[place + _WANTED_AT : end] == _NO_WISH:
            return _NOTHING
        first, _, _, _, wanted, stop = _SLOT.unpack(self._memory[place:end])
        return Wished(wanted, stop == _tail(first))

    def find(self, first: bytes) -> list[Entry]:
        """What is under way by its own id: one, unless several processes have begun the same."""
        return [entry for entry, _ in self._search(first, 0)]

    def find_latest(self, second: bytes) -> Entry | None:
        """What began last of all that belongs to this; None when nothing of it is under way."""
        found = max(self._search(second, _ID), key=lambda pair: pair[1], default=None)
        return None if found is None else found[0]

    def want(self, entry: Entry, now: float) -> None:
        """Wish that it goes on.

        Args:
            entry: As it was found.
            now: The moment, on a clock that all processes share (`time.monotonic`).
        """
        _WANTED.pack_into(self._memory, entry.place + _WANTED_AT, now)

    def stop(self, entry: Entry) -> None:
        """Wish that it stops."""
        _STOP.pack_into(self._memory, entry.place + _STOP_AT, _tail(entry.first))

    def _search(self, wanted: bytes, offset: int) -> list[tuple[Entry, float]]:
        """The entries with these bytes at an offset in their slot, and when they began."""
        found: list[tuple[Entry, float]] = []
        for cell in range(self._regions):
            begin, at = _base(cell), -1
            seen = self._memory[begin : begin + self._used(cell)]
            while (at := seen.find(wanted, at + 1)) >= 0:
                if at % _SLOT.size == offset:
                    first, second, owner, began, _, _ = _SLOT.unpack_from(seen, at - offset)
                    if first != _NONE:
                        found.append((Entry(first, second, owner, begin + at - offset), began))
        return found

    def _take(self, cell: int) -> None:
        self._mine = cell
        begin = _base(cell)
        # The first ones are given away first, so that little is touched and searched.
        self._free = [begin + slot * _SLOT.size for slot in reversed(range(_SLOTS))]

    def _used(self, cell: int) -> int:
        """How many bytes of a region were ever written: whole slots, and no more than it has, whatever stands there."""
        mark: int = _MARK.unpack_from(self._memory, cell * _MARK.size)[0]
        return min(_REGION, mark - mark % _SLOT.size)

    def _mark(self, cell: int, used: int) -> None:
        _MARK.pack_into(self._memory, cell * _MARK.size, used)


def _base(cell: int) -> int:
    return _MARKS + cell * _REGION


def _tail(first: bytes) -> int:
    """The half of an id that is random, by which a wish names it; never 0, which is no wish."""
    return int.from_bytes(first[_ID // 2 :], "little") or 1
