"""Brings a Postgres database to the schema this code wants, in one transaction, whoever else tries at the same time.

The lock belongs to the transaction, so it also holds through a pooler in transaction mode; Neon's pooler is passed by
all the same, as its server is known. Nothing waits long: neither for a server, nor for a table that somebody holds.
A database that is up to date is recognised with psycopg2 alone, without importing SQLAlchemy or Alembic.
"""

import os
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import psycopg2

from lectern.adapters.postgres_connection import arguments
from lectern.adapters.sql_schema import HEAD, complaint
from lectern.database_address import POSTGRES, direct, place
from lectern.errors import StoreUnavailable
from lectern.ops.side_process import end_with_caller

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

LOCK = int.from_bytes(b"lectern", "big")
"""Names the advisory lock; any number that others do not use."""

CONNECT_SECONDS = 5
"""A server that sleeps has time to wake; one that is not there holds up a start for no longer."""

LOCK_SECONDS = 5
"""How long a migration waits for a table that somebody holds; while it waits, all who come later wait behind it."""

_STATEMENT_SECONDS = 300
_ATTEMPTS = 3
_PAUSE_SECONDS = 0.2

_root = Path(__file__).parents[3]


def migrate_postgres(url: str, *, patience_seconds: float) -> str:
    """Bring the database to the newest schema.

    Args:
        url: `postgresql+psycopg2://…`.
        patience_seconds: How long to wait for another process that migrates the same database.

    Returns:
        One line on what was done.

    Raises:
        StoreUnavailable: It cannot be reached or migrated now, or is newer than this code. The message names the place
            and the cause; it is for the operator, not for readers.
    """
    url = direct(url)
    where = f"Postgres {place(url)}"
    try:
        found = _revision(url)
        if found == HEAD:
            return f"Conversations in {where}: schema {HEAD}, up to date."
        if found is not None and found > HEAD:
            raise StoreUnavailable(f"{where}: {complaint(found)}.")
        _upgrade(url, where, patience_seconds)
    except psycopg2.Error as error:
        raise StoreUnavailable(f"{where} cannot be used now: {_first_line(error)}.") from error
    return f"Conversations in {where}: schema {HEAD}, " + (f"upgraded from {found}." if found else "made.")


def _arguments(url: str, seconds: float) -> dict[str, Any]:
    given = dict(parse_qsl(urlsplit(url).query))
    return arguments(given, connect_seconds=CONNECT_SECONDS, patience_seconds=seconds)


def _revision(url: str) -> str | None:
    """The schema revision the database is at; None when it has none yet."""
    address = url.replace(POSTGRES, "postgresql", 1)
    with closing(psycopg2.connect(address, **_arguments(url, LOCK_SECONDS))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('alembic_version')")
            if cursor.fetchone() == (None,):
                return None
            cursor.execute("SELECT version_num FROM alembic_version")
            row = cursor.fetchone()
            return str(row[0]) if row else None


def _upgrade(url: str, where: str, patience_seconds: float) -> None:
    """Run the missing migrations in the transaction that holds the lock."""
    # The imports cost a third of a second, paid only when there is something to migrate.
    from alembic.util import CommandError  # noqa: PLC0415
    from sqlalchemy import NullPool, create_engine  # noqa: PLC0415
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    engine = create_engine(url, poolclass=NullPool, connect_args=_arguments(url, _STATEMENT_SECONDS))
    deadline = time.monotonic() + patience_seconds
    attempt = 1
    while True:
        try:
            if _upgrade_alone(engine):
                return
        except CommandError as error:
            raise StoreUnavailable(f"{where} cannot be migrated and is unchanged: {error}.") from error
        except DBAPIError as error:
            if attempt == _ATTEMPTS or not isinstance(error.orig, psycopg2.errors.LockNotAvailable):
                cause = _first_line(error.orig or error)
                raise StoreUnavailable(f"{where} cannot be migrated and is unchanged: {cause}.") from error
            attempt += 1
        if time.monotonic() > deadline:
            raise StoreUnavailable(f"{where}: another process migrates it for over {patience_seconds:g} s.")
        time.sleep(_PAUSE_SECONDS)


def _upgrade_alone(engine: "Engine") -> bool:
    """One try; False when another process holds the lock."""
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    with engine.begin() as connection:
        _limit(connection)
        if not connection.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock({LOCK})").scalar():
            return False
        # Whoever held the lock before may have done it all; Alembic then finds nothing to do.
        command.upgrade(Config(_root / "alembic.ini", attributes={"connection": connection}), "head")
    return True


def _limit(connection: "Connection") -> None:
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_SECONDS * 1000}")
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = {_STATEMENT_SECONDS * 1000}")


def _first_line(error: BaseException) -> str:
    """What a database says, without the lines that repeat the statement."""
    return str(error).strip().partition("\n")[0].rstrip(".")


if __name__ == "__main__":  # how a serving process has it done; the address is no argument, which others could read
    end_with_caller()
    try:
        sys.stdout.write(migrate_postgres(os.environ["DATABASE_URL"], patience_seconds=60) + "\n")
    except StoreUnavailable as error:
        sys.stdout.write(f"{error.message}\n")
        sys.exit(os.EX_TEMPFAIL)
