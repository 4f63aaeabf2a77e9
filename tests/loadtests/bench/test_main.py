"""The measurement itself, over real processes: every ratio is there, and comes from what was measured."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from loadtests.bench import __main__ as bench
from tests.service_process import environment
from tests.serving.servers import ROOT

pytestmark = pytest.mark.process


def test_one_repetition_is_measured_and_kept(tmp_path: Path) -> None:
    """A second of arrivals at all three: nobody fails, and the file holds what the ratios were made of."""
    out = tmp_path / "bench.json"
    command = [
        sys.executable,
        "-m",
        "loadtests.bench",
        "--repeat",
        "1",
        "--seconds",
        "1",
        "--rate",
        "5",
        f"--out={out}",
    ]
    here = {name: value for name, value in environment(tmp_path).items() if name not in {"DATA_DIR", "PORT"}}
    done = subprocess.run(
        command, cwd=ROOT, env={"HOME": "/tmp"} | here, capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stderr
    record = json.loads(out.read_text())
    [run] = record["repetitions"]
    assert {name: run[name]["errors"] for name in ("lectern", "relay", "stub")} == {
        "lectern": {},
        "relay": {},
        "stub": {},
    }
    assert run["lectern"]["cpu_us_a_token"] > 0
    assert record["pss_bytes"]["lectern"] > record["pss_bytes"]["relay"] > 0
    assert bench.report([run]) in done.stdout


def test_ratios_are_of_one_run() -> None:
    """The stub's own time is taken off, percentile by percentile; the median stands before its range."""

    def run(added: float) -> dict[str, object]:
        one = {"errors": {}, "total_ms": {"p95": 100.0}, "cpu_us_a_token": 10.0}
        mine = one | {"first_token_ms": {"p50": 200.0 + added, "p99": 210.0 + added}, "cpu_us_a_token": 5.0}
        return {
            "lectern": mine,
            "relay": one,
            "stub": one | {"first_token_ms": {"p50": 200.0, "p99": 210.0}},
            "health": {"ms": {"p99": 3.0}, "failures": 0},
        }

    lines = bench.report([run(1), run(2), run(9)]).splitlines()
    assert lines[1].split() == ["added", "first", "token,", "p50", "ms", "2.00", "(1.00", "to", "9.00)"]
    assert lines[4].split()[-4:] == ["0.50", "(0.50", "to", "0.50)"]
