"""Standard output that never holds up who writes to it.

A pipe whose reader stalls blocks a plain write for ever, and with it the event loop and every reader's stream. Here a
line that cannot be written at once is dropped and counted, and the count is told when lines go through again. No thread
does this: it must also hold in gunicorn's master, which forks.
"""

import logging
import os
import stat
import sys
from contextlib import suppress
from typing import TextIO

_DROPPED = "%d log lines were dropped, because nobody read them or there was no room for them"


class NeverBlocking(logging.StreamHandler[TextIO]):
    """Writes records to standard output, as it is when the handler is made.

    A pipe or terminal is opened once more for that, so that other writers keep theirs as it is. Where that is not
    allowed, and for anything else (a file, a socket), a write is a plain one.

    Attributes:
        dropped: Lines dropped since the last one that was written.
    """

    def __init__(self) -> None:
        super().__init__(sys.stdout)
        self.dropped = 0
        self._torn = False
        self._descriptor = _opened_again(sys.stdout)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record at once, or drop it."""
        try:
            line = self.format(record)
            if self.dropped and self._write(self._notice(record)):
                self.dropped = 0
            if self.dropped or not self._write(line):
                self.dropped += 1
        except Exception:  # noqa: BLE001 - a record that cannot be formatted must not end who writes it
            self.handleError(record)

    def close(self) -> None:
        """Close what was opened; standard output itself stays open."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        super().close()

    def _notice(self, record: logging.LogRecord) -> str:
        fields = {"name": __name__, "levelno": logging.WARNING, "levelname": "WARNING"}
        notice = fields | {"msg": _DROPPED, "args": (self.dropped,), "request_id": getattr(record, "request_id", "-")}
        return self.format(logging.makeLogRecord(notice))

    def _write(self, line: str) -> bool:
        """Write a line; False if it was not taken, or not whole."""
        data = f"{line}\n".encode(errors="backslashreplace")
        if self._torn:
            data = b"\n" + data
        try:
            if self._descriptor is None:
                self.stream.write(line + "\n")
                self.stream.flush()
                return True
            written = os.write(self._descriptor, data)
            # A pipe takes up to 4096 bytes whole or not at all, more of them perhaps in parts.
            while written < len(data):
                self._torn = True
                written += os.write(self._descriptor, data[written:])
        except OSError:  # no room, no reader, no disk
            return False
        self._torn = False
        return True


def _opened_again(stream: TextIO) -> int | None:
    """A descriptor of its own for a pipe or terminal, whose writes fail where they would wait; else None."""
    with suppress(OSError, ValueError):
        descriptor = stream.fileno()
        kind = os.fstat(descriptor).st_mode
        if stat.S_ISFIFO(kind) or stat.S_ISCHR(kind):
            return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    return None
