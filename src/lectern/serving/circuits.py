"""Memory that the master makes before the fork, in which workers tell each other what they know of their circuits.

A circuit has one row with one cell for each worker. Only its owner writes a cell, and the newest cell of a row counts.
A cell carries a checksum, so what is read while it is written is noticed and left out. The master clears the cells of
a worker that has ended. All is bytes and plain numbers: what a circuit is, others know.
"""

import mmap
import struct
import zlib

_CELL = struct.Struct("<IIBBHIdd")  # checksum, name, state, rejected, padding, failures, until, changed
_CHECKED = 4
_MOST_CIRCUITS = 16
_MOST_WORKERS = 128
_ROW = _CELL.size * _MOST_WORKERS
_EMPTY = bytes(_CELL.size)
_TRIES = 3

News = tuple[int, int, float, float, bool]
"""State, failures in a row, until when calls are refused, when that changed (CLOCK_MONOTONIC), rejected."""


class CircuitTable:
    """What all workers know of each circuit.

    Circuits are registered before the fork, so that each has the same row in every worker. Whoever has no cell (the
    master, or one worker too many) can read and tells nothing.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _ROW * _MOST_CIRCUITS)  # anonymous and shared: survives the fork, leaves no file
        self._rows: dict[str, int] = {}
        self._cells: dict[int, int] = {}
        self._mine: int | None = None
        self._seen: dict[str, tuple[bytes, News | None]] = {}

    def register(self, name: str) -> None:
        """Give a circuit its row; one too many stays without, and each worker knows it by itself."""
        if name not in self._rows and len(self._rows) < _MOST_CIRCUITS:
            self._rows[name] = len(self._rows)

    def reserve(self, worker: int) -> None:
        """Keep a free cell for the worker that is forked next. Called in the master."""
        taken = set(self._cells.values())
        free = next((cell for cell in range(_MOST_WORKERS) if cell not in taken), None)
        if free is not None:
            self._cells[worker] = free

    def enter(self, worker: int) -> None:
        """Become this worker: write into its cell from now on."""
        self._mine = self._cells.get(worker)

    def leave(self, worker: int) -> None:
        """Clear what a worker that has ended left, and give its cell away. Called in the master."""
        cell = self._cells.pop(worker, None)
        if cell is not None:
            for row in self._rows.values():
                self._write(row, cell, _EMPTY)

    def publish(self, name: str, news: News) -> None:
        """Tell what this process knows of a circuit."""
        row = self._rows.get(name)
        if row is None or self._mine is None:
            return
        state, failures, until, changed, rejected = news
        fields = (zlib.crc32(name.encode()), state, rejected, 0, min(failures, 2**32 - 1), until, changed)
        body = _CELL.pack(0, *fields)[_CHECKED:]
        self._write(row, self._mine, struct.pack("<I", zlib.crc32(body)) + body)

    def newest(self, name: str) -> News | None:
        """What changed last in a circuit, in whichever process; None when nothing has."""
        row = self._rows.get(name)
        if row is None:
            return None
        for _ in range(_TRIES):
            cells = self._memory[row * _ROW : (row + 1) * _ROW]
            seen = self._seen.get(name)
            if seen is not None and seen[0] == cells:
                return seen[1]
            whole, news = _read(cells, zlib.crc32(name.encode()))
            if whole:
                break
        # A cell that is torn three times over belongs to a worker that was killed while it wrote.
        self._seen[name] = cells, news
        return news

    def _write(self, row: int, cell: int, data: bytes) -> None:
        at = row * _ROW + cell * _CELL.size
        self._memory[at : at + _CELL.size] = data


def _read(cells: bytes, name: int) -> tuple[bool, News | None]:
    """Whether all cells are whole, and the newest of those that are."""
    whole, newest = True, None
    for at in range(0, _ROW, _CELL.size):
        cell = cells[at : at + _CELL.size]
        if cell == _EMPTY:
            continue
        checksum, owner, state, rejected, _, failures, until, changed = _CELL.unpack(cell)
        if checksum != zlib.crc32(cell[_CHECKED:]) or owner != name:
            whole = False
        elif newest is None or changed > newest[3]:
            newest = state, failures, until, changed, bool(rejected)
    return whole, newest
