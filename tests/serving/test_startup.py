"""The budget of a start: counted from the process's own beginning, whatever its name."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from lectern.serving.startup import Startup, began

TICKS = " ".join(["S", *["0"] * 18, "4200", *["0"] * 20])


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_start_is_counted_from_the_processs_beginning() -> None:
    """What a shell spent before it became Python counts, as `exec` keeps the process."""
    code = "from lectern.serving.startup import Startup; s = Startup(); s.mark('up'); print(s.seconds['up'])"
    command = ["bash", "-c", 'sleep 0.5; exec "$0" -c "$1"', sys.executable, code]
    before = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)})
    took = time.monotonic() - before
    assert 0.45 < float(done.stdout) <= took + 0.05


@pytest.mark.parametrize("name", ["(python)", "(a b) c)", "()"])
def test_the_name_of_a_process_may_be_anything(tmp_path: Path, name: str) -> None:
    """Spaces and brackets in it shift no field."""
    stat = tmp_path / "stat"
    stat.write_text(f"7 {name} {TICKS}\n")
    assert began(stat) == pytest.approx(42, rel=0.01)  # a hundred ticks a second, on every Linux there is


@pytest.mark.parametrize("text", ["", "7 (x) S 1 2", None])
def test_without_proc_a_start_begins_now(tmp_path: Path, text: str | None) -> None:
    """Other systems count from the import, and nothing fails."""
    stat = tmp_path / "stat"
    if text is not None:
        stat.write_text(text)
    assert abs(began(stat) - began(stat)) < 1


def test_a_milestone_counts_once() -> None:
    """A worker inherits the master's milestones and adds its own, in the order they are reached."""
    startup = Startup()
    startup.mark("listening")
    first = startup.seconds
    time.sleep(0.02)
    startup.mark("listening")
    startup.mark("warm")
    assert startup.seconds["listening"] == first["listening"]
    assert list(startup.seconds) == ["listening", "warm"]
    assert startup.seconds["warm"] > first["listening"]
