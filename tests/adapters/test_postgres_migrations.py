"""Migrations on a real Postgres: once, whole, under a lock, and never a deploy that hangs."""

import asyncio
import logging
import subprocess
import sys
from contextlib import closing
from uuid import uuid4

import psycopg2
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from tests.database_servers import Postgres, running_pgbouncer
from tests.serving.servers import ROOT, until

from lectern.adapters import postgres_migrations
from lectern.adapters.migration_process import migrate_elsewhere
from lectern.adapters.sql_migrations import migrate
from lectern.adapters.sql_schema import HEAD
from lectern.adapters.sql_tables import METADATA
from lectern.errors import StoreUnavailable

MIGRATE = "import sys; from lectern.adapters.sql_migrations import migrate; print(migrate(sys.argv[1]))"


@pytest.fixture
def name() -> str:
    """The name of a database of the test's own."""
    return f"test_{uuid4().hex}"


@pytest.fixture
def url(postgres: Postgres, name: str) -> str:
    """It, empty."""
    return postgres.make(name)


def tables(postgres: Postgres, name: str) -> set[str]:
    """The tables of a database."""
    rows = postgres.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", database=name)
    return {table for (table,) in rows}


def test_models_and_migrations_agree(url: str) -> None:
    """A database made by the migrations has exactly the tables, columns, types and indexes of the models."""
    migrate(url)
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_the_second_time_nothing_is_to_do(postgres: Postgres, name: str, url: str) -> None:
    """The first call makes the schema and says where; the second finds it with one look, without Alembic."""
    assert f"127.0.0.1:{postgres.port}/{name}: schema {HEAD}, made" in migrate(url)
    code = f"{MIGRATE}; print(sorted({{'alembic', 'sqlalchemy'}} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, check=True, timeout=60)
    assert "up to date" in run.stdout
    assert run.stdout.endswith("[]\n")


def test_down_and_up_again(postgres: Postgres, name: str, url: str) -> None:
    """Every migration can be taken back and made again."""
    migrate(url)
    command.downgrade(Config(ROOT / "alembic.ini", attributes={"url": url}), "base")
    assert tables(postgres, name) == {"alembic_version"}
    assert "made" in migrate(url)
    assert "turns" in tables(postgres, name)


def test_several_processes_at_once(postgres: Postgres, name: str, url: str) -> None:
    """Starts that race all succeed, also when some come through a pooler in transaction mode."""
    with running_pgbouncer(postgres) as port:
        pooled = url.replace(f":{postgres.port}/", f":{port}/")
        runs = [
            subprocess.Popen(
                [sys.executable, "-c", MIGRATE, address], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            for address in (url, pooled, pooled)
        ]
        results = [run.communicate(timeout=60) for run in runs]
    assert [run.returncode for run in runs] == [0] * 3, results
    assert tables(postgres, name) == {"alembic_version"} | set(METADATA.tables)


def test_a_lock_held_too_long(postgres: Postgres, name: str, url: str) -> None:
    """Another migration is waited for only so long, and its lock ends with its transaction."""
    with closing(psycopg2.connect(postgres.dsn(name))) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (postgres_migrations.LOCK,))
        with pytest.raises(StoreUnavailable, match="another process migrates it"):
            migrate(url, patience_seconds=0.1)
        other.rollback()
    assert "made" in migrate(url)


def test_a_table_that_somebody_holds(postgres: Postgres, name: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long transaction on a table makes the migration give up in time, with nothing changed and nobody blocked."""
    monkeypatch.setattr(postgres_migrations, "LOCK_SECONDS", 0.1)
    monkeypatch.setattr(postgres_migrations, "_ATTEMPTS", 2)
    postgres.query("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)", database=name)
    with closing(psycopg2.connect(postgres.dsn(name))) as other, other.cursor() as cursor:
        cursor.execute("LOCK TABLE alembic_version IN SHARE MODE")
        with pytest.raises(StoreUnavailable, match=r"unchanged: .*lock timeout"):
            migrate(url)
        other.rollback()
    assert tables(postgres, name) == {"alembic_version"}
    assert "made" in migrate(url)


def test_a_migration_that_fails_half_way_changes_nothing(postgres: Postgres, name: str, url: str) -> None:
    """The table made before the failure is taken back, and the message names the place and the cause."""
    postgres.query("CREATE TABLE turns (mine text)", database=name)
    with pytest.raises(StoreUnavailable, match=rf'{name} cannot be migrated .*"turns" already exists'):
        migrate(url)
    assert tables(postgres, name) == {"turns"}


def test_a_newer_database_is_left_alone(postgres: Postgres, name: str, url: str) -> None:
    """An older Lectern refuses a newer database and says which is which."""
    migrate(url)
    postgres.query("UPDATE alembic_version SET version_num = '9999'", database=name)
    with pytest.raises(StoreUnavailable, match=rf"schema is 9999, newer than the {HEAD}"):
        migrate(url)


def test_a_server_that_is_down_is_named_without_the_password() -> None:
    """The message says where and why, and repeats no secret."""
    with pytest.raises(StoreUnavailable, match=r"Postgres 127\.0\.0\.1:9/db cannot be used now: .*refused") as caught:
        migrate("postgresql+psycopg2://u:hunter2@127.0.0.1:9/db")
    assert "hunter2" not in str(caught.value)


async def test_a_process_of_its_own(postgres: Postgres, name: str, url: str, caplog: pytest.LogCaptureFixture) -> None:
    """A serving process has the schema made without importing Alembic; the log says what came of it, and no secret."""
    with caplog.at_level(logging.INFO):
        await migrate_elsewhere(url)
    assert "turns" in tables(postgres, name)
    assert f"{name}: schema {HEAD}, made" in caplog.text
    await migrate_elsewhere("postgresql+psycopg2://u:hunter2@127.0.0.1:9/db")
    assert "127.0.0.1:9/db cannot be used now" in caplog.text
    assert "hunter2" not in caplog.text


async def test_a_process_ends_with_its_caller(postgres: Postgres, name: str, url: str) -> None:
    """A worker that stops takes its migration along; the database is as it was."""
    with closing(psycopg2.connect(postgres.dsn(name))) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (postgres_migrations.LOCK,))
        task = asyncio.create_task(migrate_elsewhere(url))
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND application_name = 'lectern'"
        await asyncio.to_thread(until, lambda: postgres.query(waiting, name) != [(0,)])
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(until, lambda: postgres.query(waiting, name) == [(0,)])
    assert tables(postgres, name) == set()


def test_a_poolers_server_is_migrated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Neon's pooler is named, the migration connects to the server behind it."""
    asked: list[str] = []

    def connect(address: str, **_: object) -> None:
        asked.append(address)
        raise psycopg2.OperationalError("asleep")

    monkeypatch.setattr(psycopg2, "connect", connect)
    with pytest.raises(StoreUnavailable, match="asleep"):
        migrate("postgresql+psycopg2://u:p@ep-x-pooler.eu.aws.neon.tech/db?sslmode=require")
    assert asked == ["postgresql://u:p@ep-x.eu.aws.neon.tech/db?sslmode=require"]
