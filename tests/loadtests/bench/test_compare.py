"""Two runs side by side: ratios, and marks where the ranges lie apart."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loadtests.bench import compare
from loadtests.bench.measured import Measured
from loadtests.bench.record import write
from loadtests.bench.row import Figure
from tests.loadtests.bench.records import COST, MACHINE, RATE, WAIT, a_record, came_to
from tests.serving.servers import ROOT

VALUES = st.lists(st.floats(0.001, 1e6), min_size=1, max_size=9).map(tuple)


@pytest.mark.parametrize(
    ("figure", "before", "after", "said"),
    [
        (WAIT, (8.0, 9.0, 10.0), (4.0, 4.5, 5.0), "0.5 ×  8 to 10 ms → 4 to 5 ms  better"),
        (WAIT, (4.0, 4.5, 5.0), (8.0, 9.0, 10.0), "2 ×  4 to 5 ms → 8 to 10 ms  worse"),
        (WAIT, (4.0, 4.5, 8.0), (8.0, 9.0, 10.0), "2 ×  4 to 8 ms → 8 to 10 ms"),
        (WAIT, (4.0, 20.0), (8.0, 9.0), "0.708 ×  4 to 20 ms → 8 to 9 ms"),
        (RATE, (0.5,), (0.75,), "1.5 ×  0.5 × → 0.75 ×  better"),
        (RATE, (0.75,), (0.5,), "0.667 ×  0.75 × → 0.5 ×  worse"),
        (COST, (80.0,), (40.0,), "0.5 ×  80 µs → 40 µs  changed"),
        (Figure("errors", "", 0), (0.0,), (3.0,), "from 0  0 → 3  worse"),
        (Figure("errors", "", 0), (0.0,), (0.0,), "1 ×  0 → 0"),
    ],
)
def test_a_change_is_marked_beyond_both_ranges(
    figure: Figure, before: tuple[float, ...], after: tuple[float, ...], said: str
) -> None:
    """In the direction that the target has; one that a single repetition of either run reached is none."""
    assert compare.line(Measured(figure, before), Measured(figure, after)).strip() == said


@settings(deadline=None)
@given(VALUES, VALUES)
def test_what_is_better_one_way_is_worse_the_other_way(one: tuple[float, ...], other: tuple[float, ...]) -> None:
    """And no run is better or worse than itself."""
    opposite = {"better": "worse", "worse": "better", "": ""}
    there = compare.mark(Measured(WAIT, one), Measured(WAIT, other))
    assert compare.mark(Measured(WAIT, other), Measured(WAIT, one)) == opposite[there]
    assert compare.mark(Measured(WAIT, one), Measured(WAIT, one)) == ""


def test_two_runs_are_compared_figure_by_figure() -> None:
    """What only one of them has is said, and so is what makes them hard to compare."""
    old = a_record(came_to(0, 8, 0.7, 80))
    new = replace(
        a_record(came_to(0, 4, 0.7, 80), scale=0.5),
        machine=replace(MACHINE, cores=4),
        versions={"python": "3.12.1", "uvloop": "0.23.0"},
    )
    [row] = new.rows
    new = replace(new, rows=(replace(row, figures=row.figures[:3]),))
    lines = compare.compared(old, new)
    assert lines[0] == "old  2026-01-02 03:04 UTC, 0123456789ab, A Processor, 2 cores"
    assert lines[2:8] == [
        "Not the same machine: only figures that are ratios themselves (×) compare.",
        "Not the same load: a scale of 1 and one of 0.5.",
        "python 3.11.7 → 3.12.1",
        "uvicorn 0.54.0 → none",
        "uvloop none → 0.23.0",
        "",
    ]
    assert [line.split(": ")[1].split("  ")[0].strip() for line in lines[8:]] == [
        "errors",
        "added wait, p50",
        "chats a second, of the relay's",
        "CPU a token",
    ]
    assert "0.5 ×  8 ms → 4 ms  better" in lines[9]
    assert lines[-1].endswith("only in the old run")


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The command, to its end."""
    command = [sys.executable, "-m", "loadtests.bench.compare", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_compares_files_and_refuses_others(tmp_path: Path) -> None:
    """A bad file is one line on the error output and exit code 1."""
    old, new, bad = tmp_path / "old.json", tmp_path / "new.json", tmp_path / "bad.json"
    write(a_record(came_to(0, 8, 0.7, 80)), old)
    write(a_record(came_to(0, 4, 0.7, 80)), new)
    bad.write_text("{")
    done = run(old, new)
    assert (done.returncode, done.stderr) == (0, "")
    assert "0.5 ×  8 ms → 4 ms  better" in done.stdout
    refused = run(old, bad)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert len(refused.stderr.splitlines()) == 1
    assert refused.stderr.startswith(f"{bad}: no record of the bench: Invalid JSON")
