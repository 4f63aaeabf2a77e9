"""Turns on disk that wait for their database: one small file a turn, shared by all workers of this machine.

A file is whole or not there, whatever is killed when. Its name says when the question came, whose it is and how large
it is (`outbox_entries`), so that looking for a conversation reads no file. What cannot be read is set aside under its
own name, never deleted.
"""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lectern.adapters import whole_file
from lectern.adapters.outbox_entries import Entry, entry_of, name_of
from lectern.ports import Turn

MOST_TURNS = 10_000
"""Listing that many names takes 10 ms, once a turn."""

_STALE_SECONDS = 600


class OutboxFull(Exception):
    """There is no room for one more turn; the message gives the numbers."""


class NotReadable(Exception):
    """A file is not what was written; the message says why, without its content."""


class OutboxFiles:
    """The folder.

    Args:
        folder: Made when the first turn comes.
        most_bytes: Room for all turns together; two workers at the same moment may pass it by one turn each.
    """

    def __init__(self, folder: Path, *, most_bytes: int) -> None:
        self.folder = folder
        self.aside = folder / "set-aside"
        self._most_bytes = most_bytes

    def put(self, turn: Turn) -> None:
        """Keep a turn; when this returns, it is on the disk.

        Raises:
            OutboxFull: There is no room.
            OSError: The disk cannot be written.
        """
        body = json.dumps(asdict(turn) | {"created_at": turn.created_at.isoformat()}).encode()
        data = hashlib.sha256(body).hexdigest().encode() + b"\n" + body
        waiting = self.entries()
        held = sum(entry.size for entry in waiting)
        if len(waiting) >= MOST_TURNS or held + len(data) > self._most_bytes:
            raise OutboxFull(f"{len(waiting)} turns of {held} bytes wait, and {self._most_bytes} bytes are allowed")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        whole_file.write(self.folder / name_of(turn, len(data)), data)

    def entries(self) -> list[Entry]:
        """The waiting turns, oldest question first."""
        return sorted(entry for name in _names(self.folder) if (entry := entry_of(name)) is not None)

    def all_entries(self) -> list[Entry]:
        """The waiting turns and those that were set aside, oldest question first."""
        aside = (entry_of(name, is_aside=True) for name in _names(self.aside))
        return sorted([*self.entries(), *(entry for entry in aside if entry is not None)])

    def read(self, entry: Entry) -> Turn | None:
        """The turn, or None when it is no longer there.

        Raises:
            NotReadable: The file is damaged.
        """
        try:
            digest, _, body = (self.folder / entry.name).read_bytes().partition(b"\n")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise NotReadable(str(error.strerror)) from error
        if hashlib.sha256(body).hexdigest().encode() != digest:
            raise NotReadable("its content has changed since it was written")
        try:
            return _turn(json.loads(body))
        except (ValueError, TypeError, KeyError) as error:
            raise NotReadable(f"it is of another version ({type(error).__name__})") from error

    def read_all(self, entries: Iterable[Entry]) -> list[Turn]:
        """Those of the turns that are there and not damaged."""
        turns = []
        for entry in entries:
            with suppress(NotReadable):  # set aside and told when it is its turn to be written
                turns.append(self.read(entry))
        return [turn for turn in turns if turn is not None]

    def remove(self, *entries: Entry) -> None:
        """Forget turns: they are in the database now, or were deleted."""
        for entry in entries:
            folder = self.aside if entry.is_aside else self.folder
            (folder / entry.name).unlink(missing_ok=True)

    def set_aside(self, entry: Entry) -> Path:
        """Move a turn out of the way that the database will never take; where it is now."""
        self.aside.mkdir(mode=0o700, exist_ok=True)
        with suppress(FileNotFoundError):
            (self.folder / entry.name).rename(self.aside / entry.name)
        return self.aside / entry.name

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether nobody else on this machine holds the outbox; if so, hold it. The system frees what a dead one held.

        Raises:
            OSError: The folder cannot be made.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                self._sweep()
                yield True
        finally:
            os.close(descriptor)

    def _sweep(self) -> None:
        """Remove what a killed writer left unfinished; its turn was never acknowledged."""
        for path in self.folder.glob("*.tmp"):
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                    path.unlink()


def _names(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:  # not made yet, or not readable: then nothing could be put either
        return []


def _turn(fields: dict[str, Any]) -> Turn:
    moment = datetime.fromisoformat(fields["created_at"]).astimezone(UTC)
    lists = {name: tuple(fields.get(name, ())) for name in ("sources", "tool_calls")}
    return Turn(**fields | lists | {"created_at": moment})
