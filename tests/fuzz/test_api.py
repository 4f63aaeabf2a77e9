"""Requests made up from `/openapi.json`, right and wrong ones, against the real service, which keeps what it promises.

schemathesis makes them: valid ones, ones that break one rule, other methods, and chains along the links. It holds each
answer to the document: no 5xx, the status, headers, media type and body (each event of a stream too) that are promised
there, what is valid accepted, what is not refused, what wants credentials refused without them.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
from tests.fuzz.callers import CALLERS, Caller, Headers
from tests.fuzz.conftest import Effort
from tests.serving.servers import Served

pytestmark = [pytest.mark.process, pytest.mark.timeout(1800)]

CONFIG: Final = Path(__file__).with_name("schemathesis.toml")
FEWEST_CASES: Final = 1000
"""In one run, of which there are eight. Fewer would mean that the suite no longer reaches the API."""


def fuzz(service: Served, caller: Caller, headers: Headers, effort: Effort) -> tuple[dict[str, Any], str]:
    """Make up requests of this caller; the report, and what was printed."""
    base_url = f"http://127.0.0.1:{service.port}"
    listed = httpx2.get(f"{base_url}/api/chat/sessions", headers=headers)
    assert listed.is_success == caller.has_sessions, f"{caller.name} is not who it should be: {listed.text}"
    program = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    assert program is not None
    command = [program, "--config-file", str(CONFIG), "run", f"{base_url}/openapi.json"]
    command += ["--no-color", "--continue-on-failure", "--request-timeout", "60", "--generation-database", "none"]
    command += ["--seed", str(effort.seed), "--max-examples", str(effort.cases)]
    command += ["--max-time", str(effort.seconds)] if effort.seconds else []
    for name, value in headers.items():
        command += ["--header", f"{name}: {value}"]
    for path in caller.leaves_out:
        command += ["--exclude-path", path]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command += ["--report", "json", "--report-json-path", str(report)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert report.exists(), done.stdout + done.stderr
        return json.loads(report.read_text(encoding="utf-8")), done.stdout


@pytest.mark.parametrize("caller", CALLERS, ids=[caller.name for caller in CALLERS])
def test_the_api_keeps_its_word(
    service: Served, caller: Caller, credentials: dict[str, Headers], effort: Effort, runs: list[str]
) -> None:
    """Whatever anybody sends to any route, the answer is one that `/openapi.json` promises, and no 5xx."""
    report, printed = fuzz(service, caller, credentials[caller.name], effort)
    cases, operations = report["test_cases"], report["operations"]
    store = httpx2.get(f"http://127.0.0.1:{service.port}/health").json()["parts"]["store"]["kind"]
    runs.append(
        f"{caller.name} on {store}: {cases['generated']} cases over {operations['tested']} operations, "
        f"{cases['unique_failures']} failures, seed {report['seed']}"
    )
    assert (report["exit_code"], report["errors"], cases["unique_failures"]) == (0, [], 0), printed
    assert operations["tested"] == operations["total"] - len(caller.leaves_out), printed
    assert cases["generated"] >= FEWEST_CASES, printed
    assert "Traceback" not in service.log
    assert service.process.poll() is None
