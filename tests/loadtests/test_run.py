"""The load test itself, over real processes: green when its promises are kept, red when not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.service_process import environment
from tests.serving.servers import ROOT

pytestmark = pytest.mark.process


def run(tmp_path: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the load test to its end."""
    here = {name: value for name, value in environment(tmp_path).items() if name not in {"DATA_DIR", "PORT"}}
    return subprocess.run(
        [sys.executable, "-m", "loadtests.run", "--report", str(tmp_path / "report"), *arguments],
        cwd=ROOT,
        env={"HOME": os.environ.get("HOME", "/")} | here | {"THINK": "0.1,0.2"} | env,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


@pytest.mark.parametrize(("promised", "code"), [("10000", 0), ("1", 1)])
def test_the_promises_decide(tmp_path: Path, promised: str, code: int) -> None:
    """A few readers find every milestone of their streams in the report; a promise of 1 ms makes the same run red."""
    promises = tmp_path / "slo.toml"
    promises.write_text(f'errors = 0\n[[promise]]\nname = "chat: done"\npercentile = 95\nmilliseconds = {promised}\n')
    done = run(tmp_path, "--users", "4", "--seconds", "6", SLO=str(promises))
    assert done.returncode == code, done.stdout + done.stderr
    assert ("BROKEN" in done.stderr) == bool(code)
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    lines = {line["name"]: line for line in report}
    assert {f"chat: {name}" for name in ("accepted", "sources", "first_token", "done")} <= set(lines)
    assert lines["chat: done"]["num_failures"] == 0
    assert "<html" in (tmp_path / "report" / "report.html").read_text()


def test_a_server_that_is_not_there_is_red(tmp_path: Path) -> None:
    """Readers who reach nobody are errors."""
    done = run(tmp_path, "--users", "2", "--seconds", "2", HOST="http://127.0.0.1:9")
    assert done.returncode == 1
    assert "BROKEN  at most 0 errors" in done.stderr
