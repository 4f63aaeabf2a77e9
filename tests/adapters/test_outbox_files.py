"""The outbox on disk: whole files or none, bounded, readable after any death."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from lectern.adapters import outbox_files
from lectern.adapters.outbox_files import NotReadable, OutboxFiles, OutboxFull
from lectern.ports import Turn

START = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


@pytest.fixture
def files(tmp_path: Path) -> OutboxFiles:
    """An outbox that nobody has used."""
    return OutboxFiles(tmp_path / "data" / "outbox", most_bytes=1_000_000)


def a_turn(minute: int = 0, text: str = "What?") -> Turn:
    """A turn with something in every field."""
    return Turn(
        id=str(uuid4()),
        conversation_id=str(uuid4()),
        question=text,
        answer=text,
        outcome="failed",
        finish="upstream_timeout",
        created_at=START + timedelta(minutes=minute),
        context=text,
        sources=({"id": "s1", "score": 0.5, "heading_path": ["A"]},),
        tool_calls=({"tool_name": "list_tasks", "parameters": {}, "execution_status": "success"},),
        degraded={"llm": "upstream_timeout"},
        usage={"prompt_tokens": 1},
        timings={"total": 1.5},
    )


@pytest.mark.parametrize("text", ["سوال کیا ہے؟ 🦊", "a\x00b\ud800c", "", "line\nline\r\n"])
def test_a_turn_comes_back_unchanged(files: OutboxFiles, text: str) -> None:
    """Every field survives, whatever its text."""
    turn = a_turn(text=text)
    files.put(turn)
    [entry] = files.entries()
    assert files.read(entry) == turn


def test_the_oldest_is_first(files: OutboxFiles) -> None:
    """Turns are listed by when their questions came, whoever wrote them first; names tell whose they are."""
    turns = [a_turn(minute) for minute in (2, 0, 1)]
    for turn in turns:
        files.put(turn)
    listed = files.entries()
    assert [str(entry.turn) for entry in listed] == [turns[1].id, turns[2].id, turns[0].id]
    assert str(listed[0].conversation) == turns[1].conversation_id


def test_looking_makes_nothing(files: OutboxFiles) -> None:
    """An outbox that was never needed leaves no folder."""
    assert files.entries() == []
    assert not files.folder.exists()


def test_only_its_owner_can_read_it(files: OutboxFiles) -> None:
    """Conversations are nobody else's business."""
    files.put(a_turn())
    [path] = files.folder.glob("*.turn")
    assert files.folder.stat().st_mode & 0o077 == path.stat().st_mode & 0o077 == 0


def test_it_is_bounded_in_bytes(tmp_path: Path) -> None:
    """A turn that does not fit is refused with the numbers, and what is there stays."""
    files = OutboxFiles(tmp_path, most_bytes=3000)
    turn = a_turn(text="x" * 700)
    files.put(turn)
    with pytest.raises(OutboxFull, match=r"1 turns of .* 3000 bytes"):
        files.put(replace(turn, id=str(uuid4())))
    assert len(files.entries()) == 1


def test_it_is_bounded_in_number(files: OutboxFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    """Listing stays cheap, because no more than so many turns are taken."""
    monkeypatch.setattr(outbox_files, "MOST_TURNS", 2)
    files.put(a_turn())
    files.put(a_turn())
    with pytest.raises(OutboxFull):
        files.put(a_turn())


def test_a_removed_turn_is_gone(files: OutboxFiles) -> None:
    """Removing is final, and removing or reading what is gone is no error."""
    files.put(a_turn())
    [entry] = files.entries()
    files.remove(entry)
    files.remove(entry)
    assert files.entries() == []
    assert files.read(entry) is None


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "other"])
def test_a_damaged_file_is_known_and_kept(files: OutboxFiles, damage: str) -> None:
    """What is not what was written is told apart, and set aside with its name."""
    files.put(a_turn())
    [entry] = files.entries()
    path = files.folder / entry.name
    data = path.read_bytes()
    other = json.dumps({"version": 9}).encode()
    digest = hashlib.sha256(other).hexdigest().encode()
    path.write_bytes(
        {"cut": data[:-5], "flip": data[:-5] + b"#" + data[-4:], "empty": b"", "other": digest + b"\n" + other}[damage]
    )
    with pytest.raises(NotReadable):
        files.read(entry)
    assert files.set_aside(entry).exists()
    assert files.entries() == []


def test_a_disk_that_cannot_be_written_leaves_nothing(files: OutboxFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error while syncing is the caller's to know, and no half of a file stays."""

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        files.put(a_turn())
    assert list(files.folder.iterdir()) == []


def test_it_is_synced_before_it_counts(files: OutboxFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file reaches the disk before it has its name, and the name before the call returns."""
    seen: list[str] = []
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: seen.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
    )
    files.put(a_turn())
    assert [seen[0].endswith(".tmp"), seen[1]] == [True, str(files.folder)]


def test_one_holds_it_at_a_time(files: OutboxFiles) -> None:
    """A second one is told at once, not made to wait; afterwards it is free again."""
    with files.alone() as first, files.alone() as second:
        assert (first, second) == (True, False)
    with files.alone() as again:
        assert again


def test_what_a_killed_writer_left_is_swept(files: OutboxFiles) -> None:
    """Unfinished files go after a while; young ones may still be written."""
    files.put(a_turn())
    for name, age in (("old.tmp", 3600), ("young.tmp", 0)):
        path = files.folder / name
        path.write_bytes(b"half")
        os.utime(path, (time.time() - age, time.time() - age))
    with files.alone():
        pass
    assert {path.name for path in files.folder.glob("*.tmp")} == {"young.tmp"}
    assert len(files.entries()) == 1


def test_a_killed_writer_leaves_whole_turns(tmp_path: Path) -> None:
    """Every file that has its name can be read, wherever kill -9 strikes; all that were acknowledged are there."""
    code = (
        "import sys; sys.path[:0] = ['src', '.']\n"
        "from pathlib import Path\n"
        "from tests.adapters.test_outbox_files import OutboxFiles, a_turn\n"
        "files = OutboxFiles(Path(sys.argv[1]), most_bytes=10**9)\n"
        "while True:\n"
        "    turn = a_turn(text='x' * 5000); files.put(turn); print(turn.id, flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    ) as writer:
        assert writer.stdout is not None
        acknowledged = [writer.stdout.readline().strip() for _ in range(20)]
        writer.send_signal(signal.SIGKILL)
        acknowledged += writer.stdout.read().split()
    files = OutboxFiles(tmp_path, most_bytes=10**9)
    kept = {turn.id for entry in files.entries() if (turn := files.read(entry)) is not None}
    assert set(acknowledged) <= kept
