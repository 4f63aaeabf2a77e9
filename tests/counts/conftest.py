"""The whole service in the test's own process and loop, with its logs as they were before."""

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, Pool, event
from tests.counts.pages import make_site
from tests.counts.service import Service, running, settings_for
from tests.database_servers import Postgres

from lectern.adapters.sql_database import SqlDatabase
from lectern.adapters.sql_migrations import migrate


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The schema and the pages, made once."""
    folder = tmp_path_factory.mktemp("counts")
    asyncio.run(make_site(settings_for(folder)))
    return folder


@pytest.fixture
def data(tmp_path: Path, _made: Path) -> Path:
    """A folder to serve from."""
    return shutil.copytree(_made, tmp_path / "data")


@pytest.fixture
async def service(data: Path, _own_logs: None) -> AsyncGenerator[Service, None]:
    """A warm service on SQLite, whose provider has been asked before."""
    async with running(data) as service:
        await service.streamed()
        yield service


@pytest.fixture
async def sqlite_database(tmp_path: Path) -> AsyncGenerator[SqlDatabase, None]:
    """An empty database in a file, with a connection open."""
    url = f"sqlite:///{tmp_path / 'lectern.sqlite3'}"
    migrate(url)
    database = SqlDatabase(url)
    await database.warm()
    yield database
    await database.close()


@pytest.fixture
async def postgres_database(postgres: Postgres) -> AsyncGenerator[SqlDatabase, None]:
    """An empty database on a server that logs every statement it is sent, with a connection open."""
    url = postgres.make("counted_ports")
    migrate(url)
    postgres.query("ALTER DATABASE counted_ports SET log_statement = 'all'")
    database = SqlDatabase(url)
    await database.warm()
    yield database
    await database.close()
    postgres.query("DROP DATABASE counted_ports WITH (FORCE)")


@pytest.fixture
def database() -> Iterator[Counter[str]]:
    """Counts what SQLAlchemy does, on every engine; `held` is how many connections are out of their pool now."""
    seen: Counter[str] = Counter()
    listeners = [
        (Engine, "before_cursor_execute", lambda *_: seen.update(["execute"])),
        (Engine, "begin", lambda *_: seen.update(["begin"])),
        (Engine, "commit", lambda *_: seen.update(["commit"])),
        (Engine, "rollback", lambda *_: seen.update(["rollback"])),
        (Pool, "connect", lambda *_: seen.update(["connect"])),
        (Pool, "checkout", lambda *_: seen.update(["held"])),
        (Pool, "checkin", lambda *_: seen.subtract(["held"])),  # codespell:ignore checkin
    ]
    for target, name, listener in listeners:
        event.listen(target, name, listener)
    yield seen
    for target, name, listener in listeners:
        event.remove(target, name, listener)
