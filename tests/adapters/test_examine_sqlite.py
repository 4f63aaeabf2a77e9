"""What a check says of the file with the conversations, and of the local index."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.sample_pages import small_site

from lectern.adapters import examine_sqlite as module
from lectern.adapters.examine_index import examine_index
from lectern.adapters.examine_sqlite import examine_sqlite
from lectern.adapters.local_index import LocalIndex
from lectern.adapters.sql_migrations import migrate
from lectern.adapters.sql_schema import HEAD
from lectern.ops.findings import Finding


def examine(path: Path, *, on_space: bool = False) -> dict[str, Finding]:
    """The findings by name."""
    return {finding.name: finding for finding in examine_sqlite(f"sqlite:///{path}", on_space=on_space)}


def test_a_file_that_is_well(tmp_path: Path) -> None:
    """Where it is, how large, and its schema."""
    path = tmp_path / "x.sqlite3"
    migrate(f"sqlite:///{path}")
    found = examine(path)
    assert {finding.state for finding in found.values()} == {"ok"}
    assert str(path) in found["database"].found
    assert found["schema"].found == f"{HEAD}, the newest"


def test_a_file_that_is_still_to_be_made(tmp_path: Path) -> None:
    """A start makes it, and its folder; the check makes neither."""
    path = tmp_path / "data" / "x.sqlite3"
    found = examine(path)
    assert {finding.state for finding in found.values()} == {"ok"}
    assert "still to be made" in found["database"].found
    assert not path.parent.exists()


def test_a_file_on_a_space_does_not_stay(tmp_path: Path) -> None:
    """It works, and a new container has not got it."""
    found = examine(tmp_path / "x.sqlite3", on_space=True)["database"]
    assert (found.state, "set DATABASE_URL" in found.fix) == ("warn", True)


def test_a_file_on_a_mount_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks do not hold there. The kernel's table is played, as mounting needs rights."""
    monkeypatch.setattr(module, "remote_filesystem", lambda _: "fuse.s3fs")
    found = examine(tmp_path / "x.sqlite3")["database"]
    assert (found.state, "on a fuse.s3fs mount" in found.found) == ("fail", True)
    assert "locks do not hold" in found.fix


@pytest.mark.parametrize(("revision", "state"), [("9999", "fail"), ("0000", "warn")])
def test_a_schema_of_another_version(tmp_path: Path, revision: str, state: str) -> None:
    """A newer one needs a newer Lectern, an older one a start."""
    path = tmp_path / "x.sqlite3"
    migrate(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    assert examine(path)["schema"].state == state


def test_what_is_no_database_is_named(tmp_path: Path) -> None:
    """A file of something else, and a folder that cannot be made."""
    path = tmp_path / "x.sqlite3"
    path.write_text("this is a letter to my aunt\n" * 100)
    assert examine(path)["database"].state == "fail"
    found = examine(path / "below" / "x.sqlite3")["database"]
    assert (found.state, "cannot be" in found.found) == ("fail", True)
    assert examine_sqlite("sqlite://", on_space=False)[0].state == "fail"


async def test_an_index_is_counted(tmp_path: Path) -> None:
    """Pages, sections, site and vectors; of the first folder that has one."""
    index = LocalIndex(tmp_path / "image")
    async with index.update("bakery") as update:
        await update.put(small_site())
    await index.close()
    folders = (tmp_path / "data", tmp_path / "image")
    [finding] = examine_index(folders, model=None)
    assert finding.state == "ok"
    assert f"{len(small_site())} pages, " in finding.found
    assert "site bakery, no vectors, 0 minutes old" in finding.found
    [finding] = examine_index(folders, model="topics")
    assert (finding.state, "questions are embedded with topics" in finding.found) == ("warn", True)


async def test_an_index_with_vectors_is_compared(tmp_path: Path) -> None:
    """By the name of the model."""
    index = LocalIndex(tmp_path)
    async with index.update("bakery") as update:
        await update.put(small_site())
        await update.put_vectors({key: [1.0, 0.0] for key, _ in await update.unembedded("topics")}, "topics")
    await index.close()
    assert examine_index([tmp_path], model="topics")[0].state == "ok"
    assert examine_index([tmp_path], model="others")[0].state == "warn"


def test_an_index_that_is_missing_or_broken(tmp_path: Path) -> None:
    """None yet is no fault; a pointer to nothing is."""
    assert examine_index([tmp_path], model=None)[0].state == "skipped"
    (tmp_path / "CURRENT").write_text("generation-00000001\n")
    [finding] = examine_index([tmp_path], model=None)
    assert (finding.state, "ingest again" in finding.fix) == ("fail", True)
    (tmp_path / "CURRENT").write_text("nonsense\n")
    assert examine_index([tmp_path], model=None)[0].state == "fail"
