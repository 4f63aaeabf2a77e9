"""The soak itself, over real processes: green for Lectern, red for a service that keeps something of each answer."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.service_process import environment
from tests.serving.servers import ROOT

pytestmark = pytest.mark.process

PNG = b"\x89PNG\r\n"


def soak(tmp_path: Path, *arguments: str, seconds: int) -> subprocess.CompletedProcess[str]:
    """Soak to the end."""
    here = {name: value for name, value in environment(tmp_path).items() if name not in {"DATA_DIR", "PORT"}}
    return subprocess.run(
        [sys.executable, "-m", "loadtests.soak", "--report", str(tmp_path), *arguments],
        cwd=ROOT,
        env={"HOME": os.environ.get("HOME", "/")} | here | {"SECONDS": str(seconds)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


@contextmanager
def leaking(what: str) -> Iterator[tuple[str, int]]:
    """A running service that leaks; its address and process."""
    command = [sys.executable, "-m", "tests.loadtests.soak.leaking", what]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process.pid
        finally:
            process.terminate()
            process.wait(10)


def test_lectern_is_flat(tmp_path: Path) -> None:
    """20 seconds of readers, an outage and replaced workers: green, and all that was sampled is in the report."""
    done = soak(tmp_path, seconds=20)
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads((tmp_path / "soak.json").read_text())
    assert record["outcomes"]["answered"] > 20
    assert record["outcomes"]["left"] > 3
    assert record["outcomes"]["outages"] >= 1
    assert record["outcomes"]["errors"] == {}
    assert len(record["samples"]) == 21
    processes = max((sample["processes"] for sample in record["samples"]), key=len)
    assert len(processes) >= 3  # the master and its workers
    assert all(process[name] > 0 for process in processes for name in ("pss", "descriptors", "threads"))
    # Some worker was replaced: more processes were seen than ever lived at once.
    pids = [{process["pid"] for process in sample["processes"]} for sample in record["samples"]]
    assert len(set().union(*pids)) > max(map(len, pids))
    assert {verdict["name"] for verdict in record["verdicts"]} >= {"memory, MB", "descriptors", "threads"}
    assert (tmp_path / "soak.png").read_bytes().startswith(PNG)


@pytest.mark.parametrize(
    ("what", "line"), [("memory", "memory, MB"), ("descriptors", "descriptors"), ("threads", "threads")]
)
def test_a_leak_is_red(tmp_path: Path, what: str, line: str) -> None:
    """A service that leaks at each answer fails the soak, and the report names what rises, and only that."""
    with leaking(what) as (url, pid):
        done = soak(tmp_path, "--url", url, "--pid", str(pid), "--rate", "20", seconds=8)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"RISES     {line}" in done.stdout
    record = json.loads((tmp_path / "soak.json").read_text())
    assert {verdict["name"] for verdict in record["verdicts"][:4] if not verdict["flat"]} == {line}


def test_the_same_service_without_its_leak_is_green(tmp_path: Path) -> None:
    """It is the leak that is seen, not the service."""
    with leaking("nothing") as (url, pid):
        done = soak(tmp_path, "--url", url, "--pid", str(pid), "--rate", "20", seconds=8)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_service_that_ends_is_red(tmp_path: Path) -> None:
    """Nothing is judged of a service that is gone; one line says so."""
    with leaking("nothing") as (url, pid):
        pass
    done = soak(tmp_path, "--url", url, "--pid", str(pid), seconds=8)
    assert done.returncode == 1
    assert done.stderr == "The service has ended.\n"


def test_an_address_wants_a_process(tmp_path: Path) -> None:
    """A server is watched by its process, which an address does not tell."""
    done = soak(tmp_path, "--url", "http://127.0.0.1:9", seconds=8)
    assert done.returncode == 2
    assert "--url and --pid go together" in done.stderr
