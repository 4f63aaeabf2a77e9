"""Brings a database to the schema this code wants, once, whoever else tries at the same time.

`migrate` is called before serving, never by the serving process. A database that is up to date is recognised with the
standard library alone, so that a second start does not pay for Alembic's import.
"""

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from lectern.adapters.sql_schema import HEAD, complaint
from lectern.database_address import is_postgres
from lectern.errors import StoreUnavailable

_root = Path(__file__).parents[3]


def migrate(url: str, *, patience_seconds: float = 60) -> str:
    """Bring the database to the newest schema, making the file and its folder if they do not exist.

    Args:
        url: `sqlite:///path`, or `postgresql+psycopg2://…`, which has its own module.
        patience_seconds: How long to wait for another process that migrates the same database.

    Returns:
        One line on what was done.

    Raises:
        StoreUnavailable: The database cannot be reached now; or the file cannot be read or written, is no database, or
            is newer than this code. The message names the place and says what to do; it is for the operator, not for
            readers.
    """
    if is_postgres(url):
        from lectern.adapters.postgres_migrations import migrate_postgres  # noqa: PLC0415 - imports psycopg2

        return migrate_postgres(url, patience_seconds=patience_seconds)
    path = _file(url)
    try:
        found = _revision(path)
        if found == HEAD:
            return f"Conversations in {path}: schema {HEAD}, up to date."
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path.with_name(path.name + ".lock"), patience_seconds):
            found = _revision(path)
            if found != HEAD:
                _upgrade(url, path, found)
    except OSError as error:
        raise StoreUnavailable(f"{path}: {error.strerror or error}.") from error
    return f"Conversations in {path}: schema {HEAD}, " + (f"upgraded from {found}." if found else "made.")


def is_current(url: str) -> bool:
    """Whether a SQLite file has the newest schema: one look, which makes nothing."""
    try:
        return _revision(_file(url)) == HEAD
    except StoreUnavailable:  # `migrate` tells why
        return False


def _file(url: str) -> Path:
    """The file behind a SQLite address."""
    name = url.removeprefix("sqlite:///").partition("?")[0]
    if not url.startswith("sqlite:///") or name in {"", ":memory:"}:
        raise StoreUnavailable("Conversations need a database in a file: sqlite:///path.")
    return Path(name)


def _revision(path: Path) -> str | None:
    """The schema revision the file is at; None for a file that has none yet or does not exist."""
    if not path.exists() or path.stat().st_size == 0:
        return None
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=30)) as database:
            if not database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'alembic_version'").fetchone():
                return None
            row = database.execute("SELECT version_num FROM alembic_version").fetchone()
            return str(row[0]) if row else None
    except sqlite3.Error as error:
        raise StoreUnavailable(
            f"{path} cannot be read ({error}). If it is damaged or not Lectern's, move it away and start again."
        ) from error


@contextmanager
def _alone(lock: Path, patience_seconds: float) -> Iterator[None]:
    """Hold a lock between processes; the system frees it when its holder dies, so the file stays."""
    deadline = time.monotonic() + patience_seconds
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StoreUnavailable(f"Another process holds {lock} for over {patience_seconds:g} s.") from None
                time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)


def _upgrade(url: str, path: Path, found: str | None) -> None:
    """Run the missing migrations in one transaction."""
    problem = complaint(found)
    if found is not None and found > HEAD:
        raise StoreUnavailable(f"{path}: {problem}.")
    # The import costs a third of a second, paid only when there is something to migrate.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    config = Config(_root / "alembic.ini", attributes={"url": url})
    try:
        command.upgrade(config, "head")
    except (SQLAlchemyError, CommandError) as error:
        cause = getattr(error, "orig", None) or error
        raise StoreUnavailable(f"{path} cannot be migrated and is unchanged: {cause}.") from error
