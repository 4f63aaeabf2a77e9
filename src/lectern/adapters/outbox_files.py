"""Turns on disk that wait for their database: one small file a turn, shared by all workers of this machine.

A file is whole or not there, whatever is killed when. Its name says when the question came, whose it is and how large
it is, so that looking for a conversation reads no file. What cannot be read is set aside under its own name, never
deleted.
"""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from lectern.adapters import whole_file
from lectern.ports import Turn

MOST_TURNS = 10_000
"""Listing that many names takes 10 ms, once a turn."""

_SUFFIX = ".turn"
_STALE_SECONDS = 600


class OutboxFull(Exception):
    """There is no room for one more turn; the message gives the numbers."""


class NotReadable(Exception):
    """A file is not what was written; the message says why, without its content."""


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One waiting turn, as its file's name tells.

    Attributes:
        created_us: When the question came, in microseconds since 1970.
        turn: The turn's id.
        conversation: Its conversation's.
        size: Bytes.
        name: The file's name.
    """

    created_us: int
    turn: UUID
    conversation: UUID
    size: int
    name: str


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
        created_us = int(turn.created_at.timestamp() * 1_000_000)
        ids = f"{UUID(turn.conversation_id).hex}.{UUID(turn.id).hex}"
        whole_file.write(self.folder / f"{created_us:020d}.{ids}.{len(data)}{_SUFFIX}", data)

    def entries(self) -> list[Entry]:
        """The waiting turns, oldest question first."""
        try:
            names = [path.name for path in self.folder.iterdir()]
        except OSError:  # not made yet, or not readable: then nothing could be put either
            return []
        return sorted(entry for name in names if (entry := _entry(name)) is not None)

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

    def remove(self, entry: Entry) -> None:
        """Forget a turn that is in the database now."""
        (self.folder / entry.name).unlink(missing_ok=True)

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


def _entry(name: str) -> Entry | None:
    """What a name tells; None when it is not one of ours."""
    try:
        created, conversation, turn, size = name.removesuffix(_SUFFIX).split(".")
        entry = Entry(int(created), UUID(turn), UUID(conversation), int(size), name)
    except ValueError:
        return None
    return entry if name.endswith(_SUFFIX) else None


def _turn(fields: dict[str, Any]) -> Turn:
    moment = datetime.fromisoformat(fields["created_at"]).astimezone(UTC)
    return Turn(**fields | {"created_at": moment, "sources": tuple(fields["sources"])})
