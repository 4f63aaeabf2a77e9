"""Every adapter of a port, so that one suite runs over all of them."""

import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from tests.contracts.qdrant_memory import LocalTransport
from tests.database_servers import Postgres, running_pgbouncer
from tests.qdrant_server import QdrantServer, running_qdrant
from tests.redis_server import RedisServer, running_redis
from tests.sample_pages import small_site

from lectern.adapters.local_index import LocalIndex
from lectern.adapters.qdrant_index import QdrantConnection, QdrantIndex
from lectern.adapters.qdrant_index.rest import QdrantRest
from lectern.adapters.sql_database import SqlDatabase
from lectern.adapters.sql_migrations import migrate
from lectern.adapters.sql_tasks import SqlTasks
from lectern.ports import Index, Tasks


class InMemory(QdrantConnection):
    """Qdrant's client in its local mode instead of a server."""

    def __init__(self, transport: LocalTransport) -> None:
        super().__init__("http://memory", read_seconds=30)
        self.client = QdrantRest(transport)


@pytest.fixture(scope="session")
def qdrant() -> Iterator[QdrantServer]:
    """The real engine behind Qdrant's REST calls, one for all tests of a process."""
    with running_qdrant() as server:
        yield server


@pytest.fixture(scope="session")
def redis() -> Iterator[RedisServer]:
    """A Redis server, one for all tests of a process."""
    with running_redis() as server:
        yield server


@pytest.fixture(params=["local", "qdrant memory", "qdrant rest"])
async def open_again(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Callable[[], Index]]:
    """Opens the same index once more, as another process would."""
    if request.param == "local":
        yield lambda: LocalIndex(tmp_path / "index")
    elif request.param == "qdrant memory":
        transport = LocalTransport()
        yield lambda: QdrantIndex(InMemory(transport))
        await transport.end()
    else:
        server = request.getfixturevalue("qdrant")
        name = server.fresh_name()
        yield lambda: QdrantIndex(QdrantConnection(server.url, read_seconds=30), name)
        server.forget(name)


@pytest.fixture
async def index(open_again: Callable[[], Index]) -> AsyncIterator[Index]:
    """An index that was never written."""
    index = open_again()
    yield index
    await index.close()


@pytest.fixture
async def bakery(index: Index) -> Index:
    """An index of the small site, named `bakery`, without vectors."""
    async with index.update("bakery") as update:
        await update.put(small_site())
    return index


@pytest.fixture(scope="session")
def postgres_url(postgres: Postgres) -> str:
    """A migrated database."""
    url = postgres.make("contracts")
    migrate(url)
    return url


@pytest.fixture(scope="session")
def pgbouncer_url(postgres: Postgres, postgres_url: str) -> Iterator[str]:
    """The same database through a pooler in transaction mode, with two connections for all."""
    with running_pgbouncer(postgres) as port:
        yield postgres_url.replace(f":{postgres.port}/", f":{port}/")


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A migrated database of each kind. Others may have used the server's before; no test counts what is not its."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    url = f"sqlite:///{tmp_path / 'lectern.sqlite3'}"
    migrate(url)
    return url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[SqlDatabase]:
    """That database, opened."""
    database = SqlDatabase(database_url, pool_size=3)
    yield database
    await database.close()


@pytest.fixture
def tasks(database: SqlDatabase) -> Tasks:
    """Tasks in that database."""
    return SqlTasks(database)


@pytest.fixture
def me() -> str:
    """A user whom no other test knows."""
    return f"user:{uuid4()}"


@pytest.fixture(params=["sqlite", "postgres"])
async def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlDatabase]:
    """A migrated database of each kind that nobody else has used: for what counts everything in it."""
    name = f"empty_{secrets.token_hex(4)}"
    server: Postgres | None = request.getfixturevalue("postgres") if request.param == "postgres" else None
    url = server.make(name) if server else f"sqlite:///{tmp_path / 'lectern.sqlite3'}"
    migrate(url)
    database = SqlDatabase(url, pool_size=3)
    yield database
    await database.close()
    if server:
        server.query(f"DROP DATABASE {name} WITH (FORCE)")
