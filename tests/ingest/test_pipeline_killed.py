"""An ingest that is killed leaves the old index or the new one, whole; two at once lose nothing."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import anyio
import pytest

from lectern.adapters.local_index import LocalIndex
from lectern.ingest.pipeline import ingest

PROCESS = [sys.executable, str(Path(__file__).with_name("ingest_process.py"))]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
PAGES = 12
KILLS = 20

pytestmark = pytest.mark.process


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path, Path]:
    """An index that holds the old version of a folder, the old version, and the new one."""
    old, new = tmp_path / "old", tmp_path / "new"
    for folder, word in ((old, "oldword"), (new, "newword")):
        folder.mkdir()
        for number in range(PAGES):
            paragraphs = "\n\n".join(f"## Part {part}\n\nThe {word} of part {part}." for part in range(5))
            (folder / f"page-{number}.md").write_text(f"# Page {number}\n\n{paragraphs}\n")
    (new / "extra.md").write_text("# Extra\n\nOne more newword.\n")
    anyio.run(put, tmp_path / "index", old)
    return tmp_path / "index", old, new


async def put(index: Path, folder: Path) -> None:
    """One whole ingest."""
    await ingest(folder, site="site", base_url=None, index=LocalIndex(index))


def version(index: Path) -> str:
    """Which version the index holds, having looked that it is that one and nothing else."""
    database = index / (index / "CURRENT").read_text().strip() / "index.sqlite3"
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()

    async def count() -> tuple[int, int, int]:
        local = LocalIndex(index)
        found = [len((await local.search(word, limit=100)).passages) for word in ("oldword", "newword")]
        pages = (await local.sites())["site"]
        await local.close()
        return found[0], found[1], pages

    versions = {(PAGES * 5, 0, PAGES): "old", (0, PAGES * 5 + 1, PAGES + 1): "new"}
    return versions[anyio.run(count)]


def start(*arguments: object) -> "subprocess.Popen[str]":
    """An ingest in a process of its own."""
    return subprocess.Popen([*PROCESS, *map(str, arguments)], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)


def test_an_ingest_killed_at_any_file_it_touches_leaves_a_whole_index(folders: tuple[Path, Path, Path]) -> None:
    """Killed at twenty points of its work on files, it leaves the old index or the new one, and the next completes."""
    index, old, new = folders
    with start(index, old, new, "file", 0) as whole:
        steps = int(whole.communicate(timeout=60)[0])
    assert version(index) == "new"
    seen = set()
    for kill in range(KILLS):
        anyio.run(put, index, old)
        assert version(index) == "old"
        with start(index, old, new, "file", 1 + kill * (steps - 1) // (KILLS - 1)) as killed:
            killed.communicate(timeout=60)
        assert killed.returncode == -signal.SIGKILL
        seen.add(version(index))
    assert seen == {"old", "new"}
    anyio.run(put, index, new)
    assert version(index) == "new"
    assert len(list(index.iterdir())) == 4  # CURRENT, LOCK and two generations: nothing is left of the dead


def test_an_ingest_killed_at_any_time_leaves_a_whole_index(folders: tuple[Path, Path, Path]) -> None:
    """Killed twenty times at moments spread over its work, the index is always the old one or the new one."""
    index, old, new = folders
    started = time.monotonic()
    anyio.run(put, index, new)
    once = time.monotonic() - started
    for kill in range(KILLS):
        with start(index, old, new, "time", 0) as running:
            assert running.stdout is not None
            assert running.stdout.readline() == "ready\n"
            time.sleep(2 * once * kill / KILLS)
            running.kill()
        assert version(index) in {"old", "new"}
    anyio.run(put, index, new)
    assert version(index) == "new"


def test_two_ingests_at_once_both_complete(folders: tuple[Path, Path, Path]) -> None:
    """Two processes that ingest the same folder follow each other; the result is that folder."""
    index, old, new = folders
    both = [start(index, old, new, "once", 0) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    for process in both:
        process.communicate()
    assert version(index) == "new"
