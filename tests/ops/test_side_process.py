"""Processes beside the server: what they say, how they fail, and that none outlives its caller."""

import asyncio
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.serving.servers import alive, until

from lectern.ops.side_process import run_beside

log = logging.getLogger("tests.beside")

BESIDE = """
import os, sys, time
from lectern.ops.side_process import end_with_caller
verb, *rest = sys.argv[1:]
if verb == "say":
    print("first", os.environ.get("COLOUR"))
    print("last")
    sys.exit(int(rest[0]))
if verb == "sleep":
    end_with_caller()
    open(rest[0], "w").write(str(os.getpid()))
    time.sleep(60)
"""

CALLER = """
import asyncio, logging, sys
from lectern.ops.side_process import run_beside
asyncio.run(run_beside("beside", "sleep", sys.argv[1], log=logging.getLogger()))
"""


@pytest.fixture(autouse=True)
def _module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module `beside` to run."""
    (tmp_path / "beside.py").write_text(BESIDE)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))


def pid_in(file: Path) -> int:
    """The process that said its number there; 0 for none yet."""
    return int(file.read_text() or 0) if file.exists() else 0


@pytest.mark.parametrize(("code", "level"), [(0, "INFO"), (3, "WARNING")])
async def test_its_lines_are_logged(caplog: pytest.LogCaptureFixture, code: int, level: str) -> None:
    """Each line as it comes, the last one as loud as the ending; the exit code is handed over."""
    caplog.set_level(logging.INFO)
    got = await run_beside("beside", "say", str(code), log=log, environment={"COLOUR": "red"})
    assert got == code
    lines = [(record.levelname, record.message) for record in caplog.records if record.name == log.name]
    assert lines == [("INFO", "first red"), (level, "last")]


async def test_it_is_killed_when_it_takes_too_long(tmp_path: Path) -> None:
    """The time is bounded, and nothing is left running."""
    noted = tmp_path / "pid"
    with pytest.raises(TimeoutError):
        await run_beside("beside", "sleep", str(noted), log=log, seconds=3)
    assert not pid_in(noted) or not alive(pid_in(noted))


async def test_it_ends_with_the_task_that_waits_for_it(tmp_path: Path) -> None:
    """A worker that stops in the middle takes it along."""
    noted = tmp_path / "pid"
    running = asyncio.create_task(run_beside("beside", "sleep", str(noted), log=log))
    await asyncio.to_thread(until, lambda: pid_in(noted) > 0)
    running.cancel()
    await asyncio.wait({running})
    assert running.cancelled()
    assert not alive(pid_in(noted))


def test_it_ends_with_a_caller_that_is_killed(tmp_path: Path) -> None:
    """`kill -9` of the caller runs no code of it; the process beside notices by itself."""
    noted = tmp_path / "pid"
    with subprocess.Popen([sys.executable, "-c", CALLER, str(noted)]) as caller:
        until(lambda: pid_in(noted) > 0)
        caller.kill()
        caller.wait(10)
    until(lambda: not alive(pid_in(noted)), seconds=10)
