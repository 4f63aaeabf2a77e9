"""Migrations: they make what the models say, once, in whole, whoever else tries."""

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from lectern.adapters.sql_migrations import migrate
from lectern.adapters.sql_schema import HEAD
from lectern.adapters.sql_tables import METADATA
from lectern.errors import StoreUnavailable

ROOT = Path(__file__).parents[2]


def config(url: str) -> Config:
    """Alembic's configuration for a database."""
    return Config(ROOT / "alembic.ini", attributes={"url": url})


def tables(path: Path) -> set[str]:
    """The tables of a file."""
    database = sqlite3.connect(path)
    try:
        return {name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    finally:
        database.close()


def test_models_and_migrations_agree(tmp_path: Path) -> None:
    """A database made by the migrations has exactly the tables, columns, types and indexes of the models."""
    url = f"sqlite:///{tmp_path / 'x.sqlite3'}"
    migrate(url)
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_the_known_head_is_the_newest_migration() -> None:
    """The revision that the code asks for is the one the folder ends in, and there is one end."""
    assert ScriptDirectory.from_config(config("sqlite:///x")).get_heads() == [HEAD]


def test_migrating_makes_folder_and_file(tmp_path: Path) -> None:
    """The first call makes everything; the second says that nothing was to do."""
    path = tmp_path / "new folder" / "% x#.sqlite3"
    url = f"sqlite:///{path}"
    assert "made" in migrate(url)
    assert "up to date" in migrate(url)
    assert tables(path) == {"alembic_version"} | set(METADATA.tables)


def test_a_second_start_does_not_import_alembic(tmp_path: Path) -> None:
    """An up-to-date file is recognised without Alembic or SQLAlchemy, so it costs nearly nothing."""
    url = f"sqlite:///{tmp_path / 'x.sqlite3'}"
    migrate(url)
    code = (
        "import sys; from lectern.adapters.sql_migrations import migrate; print(migrate(sys.argv[1]));"
        "print(sorted({'alembic', 'sqlalchemy'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, check=True, timeout=60)
    assert "up to date" in run.stdout
    assert run.stdout.endswith("[]\n")
    began = time.perf_counter()
    migrate(url)
    assert time.perf_counter() - began < 0.5  # measured: under 1 ms


def test_down_and_up_again(tmp_path: Path) -> None:
    """Every migration can be taken back and made again."""
    path = tmp_path / "x.sqlite3"
    url = f"sqlite:///{path}"
    migrate(url)
    command.downgrade(config(url), "base")
    assert tables(path) == {"alembic_version"}
    assert "made" in migrate(url)
    assert "turns" in tables(path)


def test_several_processes_at_once(tmp_path: Path) -> None:
    """Starts that race all succeed, and one of them does the work."""
    path = tmp_path / "folder" / "x.sqlite3"
    code = "import sys; from lectern.adapters.sql_migrations import migrate; print(migrate(sys.argv[1]))"
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", code, f"sqlite:///{path}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    results = [run.communicate(timeout=60) for run in runs]
    assert [run.returncode for run in runs] == [0] * 4, results
    assert tables(path) == {"alembic_version"} | set(METADATA.tables)


def test_a_migration_that_fails_half_way_changes_nothing(tmp_path: Path) -> None:
    """The tables made before the failure are taken back, and the message names the file and the cause."""
    path = tmp_path / "x.sqlite3"
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE turns (mine TEXT)")
    database.close()
    with pytest.raises(StoreUnavailable, match=r"x\.sqlite3 cannot be migrated .*turns already exists"):
        migrate(f"sqlite:///{path}")
    assert tables(path) == {"turns"}


def test_a_newer_database_is_left_alone(tmp_path: Path) -> None:
    """An older Lectern refuses a newer file and says which is which."""
    path = tmp_path / "x.sqlite3"
    migrate(f"sqlite:///{path}")
    database = sqlite3.connect(path)
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.commit()
    database.close()
    with pytest.raises(StoreUnavailable, match=rf"schema is 9999, newer than the {HEAD}"):
        migrate(f"sqlite:///{path}")


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    """A file that is no database is kept as it is, and the message says what to do."""
    path = tmp_path / "x.sqlite3"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreUnavailable, match=r"x\.sqlite3 cannot be read .*move it away"):
        migrate(f"sqlite:///{path}")
    assert path.read_bytes().startswith(b"no database")


@pytest.mark.parametrize("url", ["sqlite:///:memory:", "sqlite:///", "postgresql://host/name"])
def test_only_files(url: str) -> None:
    """An address without a file is refused in words."""
    with pytest.raises(StoreUnavailable, match="sqlite:///path"):
        migrate(url)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A file where the folder should be is a message, not a traceback."""
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StoreUnavailable, match=r"taken/x\.sqlite3: "):
        migrate(f"sqlite:///{tmp_path / 'taken' / 'x.sqlite3'}")


def test_a_lock_held_too_long(tmp_path: Path) -> None:
    """A second migration waits for the first only so long."""
    path = tmp_path / "x.sqlite3"
    code = (
        "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX);"
        "print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, f"{path}.lock"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreUnavailable, match=r"Another process holds .*x\.sqlite3\.lock"):
            migrate(f"sqlite:///{path}", patience_seconds=0.1)
        holder.communicate()
    assert "made" in migrate(f"sqlite:///{path}")


def test_alembic_by_hand_asks_for_the_database() -> None:
    """The command line without an address says how to give one."""
    with pytest.raises(SystemExit, match="-x url="):
        command.upgrade(Config(ROOT / "alembic.ini"), "head")
