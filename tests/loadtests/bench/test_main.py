"""`python -m loadtests.bench`: its arguments, its exit code, and what it leaves."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest
from loadtests.bench import __main__ as bench
from loadtests.bench.record import read
from loadtests.bench.row import Options, Repetition, Row, Skipped
from loadtests.bench.rows import ROWS
from tests.loadtests.bench.records import a_row, came_to
from tests.serving.servers import ROOT

GOOD = came_to(0, 8, 0.9, 80, gap_of_lectern=[1.0, 2.0])
BAD = came_to(0, 80, 0.9, 80)


def broken(options: Options) -> Sequence[Repetition]:
    """A row that cannot be measured."""
    raise RuntimeError(f"no server, {options.repeat} times, at {options.scale:g}")


BROKEN = Row("broken", "What does not start", (), broken)


def run(monkeypatch: pytest.MonkeyPatch, rows: Sequence[Row], *arguments: str | Path) -> int:
    """Run the command in this process."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # the suite's own stays
    monkeypatch.setattr(sys, "argv", ["bench", *map(str, arguments)])
    return bench.main(rows)


@pytest.mark.parametrize(
    ("repetition", "strict", "code"), [(GOOD, False, 0), (GOOD, True, 0), (BAD, False, 0), (BAD, True, 1)]
)
def test_a_missed_target_is_told_and_fails_only_a_strict_run(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    repetition: Repetition,
    code: int,
    *,
    strict: bool,
) -> None:
    """A noisy machine is no defect, but never goes unsaid."""
    arguments = [f"--out={tmp_path}", *["--strict"] * strict]
    assert run(monkeypatch, [a_row(*[repetition] * 5)], *arguments) == code
    printed = capsys.readouterr().out
    assert ("MISSED  chats: added wait, p50: 80 ms, target ≤ 10 ms" in printed) == (repetition is BAD)
    assert ("Every target was met." in printed) == (repetition is GOOD)


def test_a_run_leaves_a_record_and_its_curves(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Their names are printed; machine, commit and versions are this checkout's."""
    out = tmp_path / "new" / "folder"
    assert run(monkeypatch, [a_row(*[GOOD] * 5)], "--out", out) == 0
    [path] = out.glob("*.json")
    [chart] = out.glob("*.png")
    assert capsys.readouterr().out.splitlines()[-2:] == [str(path), str(chart)]
    record = read(path)
    assert record.rows[0].figures[1].values == (8, 8, 8, 8, 8)
    assert record.commit
    assert record.machine.cpu
    assert record.machine.cores >= 1
    assert record.versions["python"].startswith("3.")
    assert "fastapi" in record.versions


def test_a_row_that_breaks_off_takes_no_other_with_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The exit code tells it, the others are measured and kept."""
    assert run(monkeypatch, [BROKEN, a_row(*[GOOD] * 5)], "--out", tmp_path, "--scale", "0.5") == 1
    said = "RuntimeError: no server, 5 times, at 0.5"
    assert f"BROKEN  broken: {said}" in capsys.readouterr().out
    [path] = tmp_path.glob("*.json")
    assert [(row.name, row.broken, len(row.figures)) for row in read(path).rows] == [
        ("broken", said, 0),
        ("chats", "", 4),
    ]


def test_a_row_whose_matter_is_not_at_hand_is_skipped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """One line says what is missing; it is no failure, and stands in no table."""

    def skipped(options: Options) -> Sequence[Repetition]:
        raise Skipped("No site at hand.")

    rows = [Row("site", "A site", (), skipped), a_row(*[GOOD] * 5)]
    assert run(monkeypatch, rows, "--out", tmp_path, "--strict") == 0
    assert "site: skipped. No site at hand." in capsys.readouterr().out.splitlines()
    [path] = tmp_path.glob("*.json")
    assert [row.name for row in read(path).rows] == ["chats"]


def test_what_was_measured_is_kept_when_the_run_is_stopped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Who loses patience in the third row has the first two."""

    def stopped(options: Options) -> Sequence[Repetition]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(monkeypatch, [a_row(*[GOOD] * 5), Row("long", "Hours", (), stopped)], "--out", tmp_path)
    [path] = tmp_path.glob("*.json")
    assert [row.name for row in read(path).rows] == ["chats"]


SLOW_BENCH = """
import time
from loadtests import services
from loadtests.bench import __main__ as bench
from loadtests.bench.row import Row

def measure(options):
    with services.stub() as stub:
        print("started", stub.pid, flush=True)
        time.sleep(60)

bench.main([Row("slow", "A minute", (), measure)])
"""


@pytest.mark.process
def test_a_bench_that_is_told_to_stop_leaves_no_server(tmp_path: Path) -> None:
    """A timeout of whoever started it ends what it started, too."""
    command = [sys.executable, "-c", SLOW_BENCH, f"--out={tmp_path}"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        server = psutil.Process(int(process.stdout.readline().split()[1]))
        assert server.is_running()
        process.terminate()
        assert process.wait(30) == 143
    assert not server.is_running()


def test_only_the_rows_that_were_asked_for_are_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By their names, however many."""
    rows = [BROKEN, a_row(*[GOOD] * 5), a_row(*[GOOD] * 5, name="other")]
    assert run(monkeypatch, rows, "--only", "other,chats", "--out", tmp_path) == 0
    [path] = tmp_path.glob("*.json")
    assert [row.name for row in read(path).rows] == ["chats", "other"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--only", "chats,chat"), "no such row: chat; there are chats, broken"),
        (("--repeat", "4"), "--repeat 4: fewer than 5 repetitions tell no spread"),
        (("--scale", "0"), "--scale 0: nothing would be measured"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    """Before anything is started."""
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, [a_row(GOOD), BROKEN], *arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_rows_are_told_apart() -> None:
    """By names that `--only` can take, each with figures of different names."""
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)
    assert all(name.replace("_", "").isalnum() for name in names)
    for row in ROWS:
        figures = [figure.name for figure in row.figures]
        assert len(set(figures)) == len(figures) > 0
        assert row.title
