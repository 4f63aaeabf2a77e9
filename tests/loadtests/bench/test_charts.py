"""Curves of a run: what is on them is what was measured."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from loadtests.bench import charts
from loadtests.bench.distribution import Distribution
from loadtests.bench.record import write
from matplotlib.image import imread
from tests.loadtests.bench.records import a_record, came_to
from tests.serving.servers import ROOT

FAST = [float(number) for number in range(1, 1001)]
SLOW = [10.0 * number for number in FAST]


def test_a_curve_tells_how_many_waited_longer() -> None:
    """Half of the readers beyond the median, and no further down than one reader of those there were."""
    figure = charts.survival("gap", {"lectern": Distribution.of(FAST), "stub": Distribution.of(SLOW[:50])})
    lectern, stub = (np.asarray(line.get_xydata()) for line in figure.axes[0].get_lines())
    points = {round(float(longer), 4): float(milliseconds) for milliseconds, longer in lectern}
    assert points[0.5] == pytest.approx(500, abs=1)
    assert points[0.01] == pytest.approx(990, abs=1)
    assert min(points) == pytest.approx(0.001)
    assert stub[:, 1].min() == pytest.approx(0.02)


def test_the_legend_has_the_percentiles_that_there_are() -> None:
    """The slowest thousandth of fifty is nobody."""
    figure = charts.survival("gap", {"lectern": Distribution.of(FAST), "stub": Distribution.of(SLOW[:50])})
    legend = figure.axes[0].get_legend()
    assert legend is not None
    [lectern, stub] = [text.get_text() for text in legend.get_texts()]
    assert lectern.split() == "lectern p50 500 p95 950 p99 990 p99.9 999 ms of 1,000".split()
    assert stub.split() == "stub p50 255 p95 476 ms of 50".split()


def test_the_axis_begins_where_times_do() -> None:
    """A gap of nothing, as of two tokens in one packet, does not squeeze the curve into a corner."""
    figure = charts.survival("gap", {"lectern": Distribution.of([0.0, 0.0001, *FAST[99:199]])})
    left, right = figure.axes[0].get_xlim()
    assert 50 < left < 110
    assert right >= 199


def test_times_that_are_all_nothing_are_drawn(tmp_path: Path) -> None:
    """An empty chart, not the end of the run."""
    for times in ([0.0, 0.0], [0.001, 0.01], [-3.0, -1.0]):
        record = a_record(came_to(0, 1, 1, 1, gap_of_lectern=times))
        assert len(charts.draw(record, tmp_path, "run")) == 1


def test_each_kind_of_time_has_a_picture(tmp_path: Path) -> None:
    """Named after run, row and kind; large enough to be read, and with something on it."""
    record = a_record(came_to(0, 1, 1, 1, gap_of_lectern=FAST, gap_of_stub=SLOW, first_token_of_lectern=FAST))
    write(record, tmp_path / "run.json")
    command = [sys.executable, "-m", "loadtests.bench.charts", str(tmp_path / "run.json"), str(tmp_path / "charts")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    names = {"run-chats-gap.png", "run-chats-first-token.png"}
    assert {path.name for path in (tmp_path / "charts").iterdir()} == names
    assert {Path(line).name for line in done.stdout.splitlines()} == names
    for name in names:
        height, width, _ = imread(tmp_path / "charts" / name).shape
        assert width >= 1000
        assert height >= 600
        assert imread(tmp_path / "charts" / name).std() > 0.05


def test_what_is_no_record_is_refused(tmp_path: Path) -> None:
    """In one line, with exit code 1."""
    command = [sys.executable, "-m", "loadtests.bench.charts", str(tmp_path / "nowhere.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
