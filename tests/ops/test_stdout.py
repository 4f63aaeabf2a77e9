"""A log reader that stalls, leaves, or has no room."""

import fcntl
import io
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lectern.ops.stdout import NeverBlocking

PIPE_BYTES = 65_536


def record(text: str) -> logging.LogRecord:
    """A record."""
    return logging.makeLogRecord({"msg": text, "levelno": logging.INFO, "levelname": "INFO"})


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, NeverBlocking]]:
    """Standard output is a pipe that holds 64 KiB: its reading end, and a handler that writes to it."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    with os.fdopen(writing, "w") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        handler = NeverBlocking()
        yield reading, handler
        handler.close()
    os.close(reading)


def test_a_stalled_reader_costs_lines_and_no_time(pipe: tuple[int, NeverBlocking]) -> None:
    """Lines that find no room are dropped; when there is room again, their number is told first."""
    reading, handler = pipe
    for number in range(2000):
        handler.handle(record(f"line {number} " + "x" * 100))
    dropped = handler.dropped
    assert dropped > 1000
    got = os.read(reading, 10 * PIPE_BYTES).decode().splitlines()
    assert len(got) == 2000 - dropped
    assert got[0].startswith("line 0 ")
    handler.handle(record("after"))
    told, after = os.read(reading, PIPE_BYTES).decode().splitlines()
    assert told.startswith(f"{dropped} log lines were dropped")
    assert after == "after"
    assert handler.dropped == 0
    # The pipe itself is as it was: other writers do not find it changed.
    assert os.get_blocking(reading)


def test_a_torn_line_does_not_spoil_the_next(pipe: tuple[int, NeverBlocking]) -> None:
    """Of a line that is longer than the room only a part fits; the next one starts on a line of its own."""
    reading, handler = pipe
    handler.handle(record("y" * 3 * PIPE_BYTES))
    assert handler.dropped == 1
    assert set(os.read(reading, 10 * PIPE_BYTES)) == {ord("y")}
    handler.handle(record("after"))
    _, told, after = os.read(reading, PIPE_BYTES).decode().splitlines()
    assert told.startswith("1 log lines were dropped")
    assert after == "after"


def test_a_reader_who_left_is_no_error(pipe: tuple[int, NeverBlocking], capsys: pytest.CaptureFixture[str]) -> None:
    """Lines for nobody are dropped in silence."""
    reading, handler = pipe
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, reading)
    os.close(null)
    handler.handle(record("for nobody"))
    assert handler.dropped == 1
    assert capsys.readouterr().err == ""


def test_a_full_disk_is_no_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A device without room costs lines."""
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr("sys.stdout", full)
        handler = NeverBlocking()
        handler.handle(record("no room"))
        assert handler.dropped == 1
        handler.close()
    assert capsys.readouterr().err == ""


def test_a_file_and_a_stand_in_are_written_plainly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What cannot stall is used as it is, with its own position."""
    with (tmp_path / "log").open("w") as file:
        monkeypatch.setattr("sys.stdout", file)
        file.write("before\n")
        handler = NeverBlocking()
        handler.handle(record("line"))
        file.write("after\n")
    assert (tmp_path / "log").read_text() == "before\nline\nafter\n"
    memory = io.StringIO()
    monkeypatch.setattr("sys.stdout", memory)
    NeverBlocking().handle(record("line"))
    assert memory.getvalue() == "line\n"
