"""The run itself, over real processes, and that a peer which is not there does not end it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from loadtests import targets
from loadtests.peers import measuring
from loadtests.peers import record as records
from loadtests.peers.environments import NotInstalledError
from loadtests.peers.lineup import PEERS
from loadtests.peers.measuring import Plan, measure
from loadtests.peers.peer import Peer
from loadtests.peers.process import NotStartedError
from loadtests.peers.waves import Running
from loadtests.services import ROOT, Service
from tests.service_process import environment

pytestmark = pytest.mark.process
RELAY = next(peer for peer in PEERS if peer.name == "relay")
HAYHOOKS = next(peer for peer in PEERS if peer.name == "hayhooks")


def test_a_run_leaves_its_record_and_its_table(tmp_path: Path) -> None:
    """The relay alone, a few readers: the file has every repetition, and the document the table between its markers."""
    out, document = tmp_path / "peers.json", tmp_path / "performance.md"
    document.write_text("before\n<!-- peers -->\nold\n<!-- /peers -->\nafter\n")
    command = [sys.executable, "-m", "loadtests.peers", "--only", "relay", "--readers", "3", "--repeat", "2"]
    command += ["--no-faults", "--out", str(out), "--write", str(document)]
    env = {"HOME": str(tmp_path)} | environment(tmp_path)
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    stub, relay = records.read(out).peers
    assert (stub.name, relay.name, relay.absent) == ("stub", "relay", "")
    assert [wave["answered"] for wave in relay.waves[3] + stub.waves[3]] == [3, 3, 3, 3]
    assert relay.pss_after_bytes > 2**20
    assert relay.ready_seconds[0] > 0
    text = document.read_text()
    assert text.startswith("before\n<!-- peers -->\nMeasured on ")
    assert "| bare relay |" in text
    assert text.endswith("<!-- /peers -->\nafter\n")
    again = [sys.executable, "-m", "loadtests.peers", "--from", str(out), "--write", str(tmp_path / "none.md")]
    done = subprocess.run(again, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "| bare relay |" in done.stdout


def test_who_ends_in_the_middle_has_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that dies after its first wave keeps what it has, and the other one goes on."""
    asked = Running.asked

    def dies(self: Running, readers: int, model: str) -> dict[str, Any]:
        found = asked(self, readers, model)
        if self.target.name == "mortal" and readers == 2:
            process = psutil.Process(self.service.pid)
            process.kill()
            process.wait(10)
        return found

    monkeypatch.setattr(Running, "asked", dies)
    mortal = replace(RELAY, name="mortal", target=lambda url: targets.of_relay(url).renamed("mortal"))
    _, dead, alive = measure([mortal, RELAY], Plan(readers=(2, 3), repeat=1))
    assert (dead.absent, list(dead.waves)) == ("broke off: NoSuchProcess", [2])
    assert (alive.absent, list(alive.waves)) == ("", [2, 3])


def test_who_is_not_there_has_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """One is not installed, one does not start; the one after them is measured all the same."""

    def missing(name: str) -> None:
        raise NotInstalledError(f"no wheel for {name}")

    @contextmanager
    def broken(provider: str, model: str) -> Iterator[Service]:
        del provider, model
        raise NotStartedError("ImportError: no module")
        yield

    monkeypatch.setattr(measuring, "made", missing)
    dead: Peer = replace(RELAY, name="dead", start=broken)
    records_ = measure([HAYHOOKS, dead, RELAY], Plan(readers=(2,), repeat=1))
    assert [record.absent for record in records_] == [
        "",
        "not installed: no wheel for hayhooks",
        "not started: ImportError: no module",
        "",
    ]
    assert records_[3].waves[2][0]["answered"] == 2
