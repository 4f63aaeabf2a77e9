"""What the local index promises about its files: whole generations only, whoever dies, fills the disk or writes too."""

import errno
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import anyio
import pytest
from tests.sample_pages import page, section, small_site

from lectern.adapters.local_index import LocalIndex
from lectern.adapters.local_index import files as index_files
from lectern.adapters.local_index.schema import DATABASE
from lectern.errors import IndexUnavailable

PROCESSES = [sys.executable, str(Path(__file__).with_name("index_processes.py"))]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of an index of the small site."""
    folder = tmp_path / "index"
    anyio.run(put_small_site, folder)
    return folder


async def put_small_site(folder: Path) -> None:
    """One update with the small site."""
    async with LocalIndex(folder).update("bakery") as update:
        await update.put(small_site())


async def add(folder: Path, word: str) -> None:
    """One update with one more page."""
    async with LocalIndex(folder).update("bakery") as update:
        await update.put([page(f"{word}.md", word, section(f"All about {word}."))])


def listing(folder: Path) -> dict[str, bytes]:
    """Every file's content."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def names(folder: Path) -> set[str]:
    """What stands in the folder."""
    return {entry.name for entry in folder.iterdir()}


def run(*arguments: str | Path) -> str:
    """What another process says."""
    command = [*PROCESSES, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env=ENVIRONMENT).stdout


def current(folder: Path) -> Path:
    """The database in use."""
    return folder / (folder / "CURRENT").read_text().strip() / DATABASE


async def test_an_update_that_changes_nothing_writes_nothing(folder: Path) -> None:
    """Opening an update, and putting what is held already, leave every byte where it is."""
    before = listing(folder)
    async with LocalIndex(folder).update("bakery"):
        pass
    await put_small_site(folder)
    assert listing(folder) == before


async def test_old_generations_go(folder: Path) -> None:
    """The current generation and the one before are kept, for readers on their way; older ones are deleted."""
    for word in ("one", "two", "three"):
        await add(folder, word)
    assert names(folder) == {"CURRENT", "LOCK", "generation-00000003", "generation-00000004"}


async def test_what_a_killed_update_left_is_cleared_away(folder: Path) -> None:
    """The next update removes half-made generations, also one that was renamed but never pointed to."""
    for leftover in ("building-abc", "generation-00000009"):
        (folder / leftover).mkdir()
        (folder / leftover / DATABASE).write_bytes(b"half")
    (folder / "CURRENT.new").write_text("generation-00000009\n")
    await add(folder, "one")
    assert names(folder) == {"CURRENT", "LOCK", "generation-00000001", "generation-00000002"}
    assert (await LocalIndex(folder).search("one")).passages


@pytest.mark.parametrize("damage", [b"", b"not a database at all, whatever it says", None])
async def test_a_damaged_database_is_an_unavailable_index(folder: Path, damage: bytes | None) -> None:
    """A truncated, overwritten or missing database is reported as such, by searches and by updates."""
    database = current(folder)
    database.unlink()
    if damage is not None:
        database.write_bytes(damage)
    index = LocalIndex(folder)
    if damage == b"":
        # SQLite takes an empty file for an empty database: it is of no format of ours, so it counts as empty.
        assert (await index.search("flour")).passages == ()
        assert "ingest again" in index.describe().note
        return
    with pytest.raises(IndexUnavailable):
        await index.search("flour")
    assert index.describe().state == "down"
    with pytest.raises(IndexUnavailable):
        await add(folder, "one")


async def test_a_damaged_page_is_an_unavailable_index(folder: Path) -> None:
    """Damage in the middle of the file surfaces as an unavailable index, not as a wrong answer's crash."""
    database = current(folder)
    data = bytearray(database.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    database.write_bytes(data)
    with pytest.raises(IndexUnavailable):
        await LocalIndex(folder).search("flour")


async def test_a_pointer_to_nothing_is_an_unavailable_index(folder: Path) -> None:
    """A pointer that names no generation, or one that is not there, is reported."""
    for text in ("", "../../etc", "generation-00000077"):
        (folder / "CURRENT").write_text(text)
        with pytest.raises(IndexUnavailable):
            await LocalIndex(folder).search("flour")


async def test_an_index_of_another_format_is_built_anew(folder: Path) -> None:
    """Tables of another version count as an empty index that says so; the next update starts from nothing."""
    connection = sqlite3.connect(current(folder))
    connection.execute("PRAGMA user_version = 9999")
    connection.commit()
    connection.close()
    index = LocalIndex(folder)
    assert (await index.search("flour")).passages == ()
    assert "ingest again" in index.describe().note
    async with index.update("bakery") as update:
        assert dict(update.digests) == {}
        await update.put(small_site())
    assert (await index.search("flour")).passages


@pytest.mark.parametrize("step", ["_sync", "_number"])
async def test_a_full_disk_while_publishing_leaves_the_old_index(
    folder: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """When a step of publishing fails the update is refused, nothing is left behind and the old index answers."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(index_files, step, full)
        with pytest.raises(IndexUnavailable):
            await add(folder, "marzipan")
    index = LocalIndex(folder)
    assert (await index.search("flour")).passages
    assert not (await index.search("marzipan")).passages
    await add(folder, "marzipan")
    assert (await index.search("marzipan")).passages
    assert not any(name.startswith("building-") for name in names(folder))


def test_a_disk_that_fills_up_while_writing_leaves_the_old_index(folder: Path) -> None:
    """A write beyond what the disk takes is an unavailable index, and the old one stays byte for byte."""
    before = listing(folder)
    limit = str(current(folder).stat().st_size + 64_000)
    ended = subprocess.run(
        [*PROCESSES, "fill", str(folder), limit],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ended.stdout == "IndexUnavailable"
    assert listing(folder) == before


def test_two_processes_that_write_at_once_lose_nothing(folder: Path) -> None:
    """Updates of two processes follow each other; every page of both is there."""
    writers = [
        subprocess.Popen([*PROCESSES, "write", str(folder), name, "6"], env=ENVIRONMENT) for name in ("apples", "pears")
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    connection = sqlite3.connect(current(folder))
    assert connection.execute("SELECT count(*) FROM documents WHERE site = 'site'").fetchone() == (12,)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_another_process_sees_an_update_within_two_seconds(folder: Path) -> None:
    """A server that has the index open answers from the new one without being told."""
    command = [*PROCESSES, "follow", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
        anyio.run(add, folder, "marzipan")
        published = time.monotonic()
        assert reader.stdout.readline() == "seen\n"
        assert time.monotonic() - published < 2  # the promise; it looks every 20 ms


def test_a_search_without_vectors_imports_nothing_heavy(folder: Path) -> None:
    """A server without embeddings never pays for numpy."""
    assert run("modules", folder) == ""
