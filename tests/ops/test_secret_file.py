"""A secret in a file, made once whoever comes first."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from tests.serving.servers import ROOT

from lectern.ops.secret_file import kept_secret, new_secret

PROCESSES = 12
READ = """
import sys, time
from pathlib import Path
from lectern.ops.secret_file import kept_secret, new_secret
print("ready", flush=True)
sys.stdin.readline()
print(kept_secret(Path(sys.argv[1]), new_secret()))
"""


def test_it_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    """The first candidate is kept, in a folder that need not be there; no draft of it is left beside it."""
    path = tmp_path / "data" / "secret-key"
    first = new_secret()
    assert len(first) == 64
    assert kept_secret(path, first) == first
    assert kept_secret(path, new_secret()) == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["secret-key"]


def test_processes_that_come_at_once_have_the_same(tmp_path: Path) -> None:
    """One of them makes the file, and none of them sees half of it."""
    command = [sys.executable, "-c", READ, str(tmp_path / "data" / "secret-key")]
    env = {"PYTHONPATH": str(ROOT / "src")}
    racers = [
        subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("\n")
        racer.stdin.flush()
    seen = {racer.communicate(timeout=60)[0].strip() for racer in racers}
    assert len(seen) == 1
    assert len(seen.pop()) == 64


def test_where_nothing_can_be_written_the_candidate_is_used(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The log says why and what to do, and not the secret."""
    (tmp_path / "data").write_text("a file where the folder would be", encoding="utf-8")
    candidate = new_secret()
    with caplog.at_level(logging.WARNING):
        assert kept_secret(tmp_path / "data" / "secret-key", candidate) == candidate
    assert "secret-key cannot be used (Not a directory)" in caplog.text
    assert "set SECRET_KEY" in caplog.text
    assert candidate not in caplog.text


@pytest.mark.parametrize("held", [b"", b"short\n", b"\xff\xfe" * 40])
def test_a_damaged_file_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture, held: bytes) -> None:
    """It may be the rest of a secret that a backup has whole, so it is not written over."""
    path = tmp_path / "secret-key"
    path.write_bytes(held)
    candidate = new_secret()
    assert kept_secret(path, candidate) == candidate
    assert "it holds no secret" in caplog.text
    assert path.read_bytes() == held
