"""What a record tells of the machine: enough to judge figures, nothing that names it."""

import socket
import subprocess
from pathlib import Path

import pytest
from loadtests.bench import machine
from loadtests.bench.machine import Machine


def test_the_machine_is_described_and_not_named() -> None:
    """Processor, cores and kernel, but no host name."""
    here = Machine.here()
    assert here.cpu
    assert here.cores >= 1
    assert here.memory_gib > 0
    assert here.load >= 0
    assert socket.gethostname() not in here.kernel


def test_the_processor_is_read_from_where_linux_tells_it(tmp_path: Path) -> None:
    """Its first model name; elsewhere what Python knows, which is never nothing."""
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nmodel name\t: Some CPU @ 2.5GHz: fast\nprocessor\t: 1\nmodel name\t: Other\n")
    assert machine._cpu(cpuinfo) == "Some CPU @ 2.5GHz: fast"
    assert machine._cpu(tmp_path / "nowhere")
    cpuinfo.write_text("Features\t: fp asimd\n")
    assert machine._cpu(cpuinfo)


def test_what_is_not_installed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bench of a smaller set of packages is one all the same."""
    monkeypatch.setattr(machine, "PACKAGES", ("fastapi", "no-such-package"))
    assert machine.versions().keys() == {"python", "fastapi"}


def test_a_commit_tells_whether_files_differ(tmp_path: Path) -> None:
    """Figures of changed files are not those of the commit; new files that nobody knows of are none of it."""
    assert machine.commit(tmp_path) == "unknown"

    def git(*arguments: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
        subprocess.run(["git", "-C", tmp_path, *who, *arguments], check=True, capture_output=True)

    git("init")
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "-m", "one")
    clean = machine.commit(tmp_path)
    (tmp_path / "new").write_text("1")
    assert machine.commit(tmp_path) == clean
    assert len(clean) == 12
    (tmp_path / "file").write_text("2")
    assert machine.commit(tmp_path) == f"{clean}+"
