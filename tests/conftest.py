"""What every test shares: the loop, and the app with a real store in a file of the test's own."""

import logging
import os
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from tests.database_servers import Postgres, running_postgres
from tests.scripted import FixedIndex, ScriptedLLM, hits, passage
from tests.sql_parts import database_of

from lectern.adapters.local_index.generation import Generation
from lectern.adapters.sql_conversations import SqlConversations
from lectern.adapters.sql_database import SqlDatabase
from lectern.adapters.sql_migrations import migrate
from lectern.adapters.sql_store import SqlStore
from lectern.adapters.sql_tasks import SqlTasks
from lectern.app import create_app
from lectern.config import Settings
from lectern.ports import LLM, Counters, IdentitySource, Index, Ports

# Programs that tests start find the sources as the tests themselves do, also under a bare `pytest`.
_ROOT = Path(__file__).parents[1]
os.environ.setdefault("PYTHONPATH", os.pathsep.join((str(_ROOT / "src"), str(_ROOT))))

Client = httpx2.AsyncClient
MakeClient = Callable[..., Client]


@pytest.fixture(autouse=True)
def _no_local_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test depends on a model that this machine happens to have, or asks a hub for one."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio, the loop of the server."""
    return "asyncio"


@pytest.fixture(autouse=True)
def _closed_indexes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close what a test leaves open of an index: the collector would, and newer Pythons warn of that."""
    opened: list[Generation] = []
    original = Generation.__init__

    def noted(generation: Generation, folder: Path) -> None:
        opened.append(generation)
        original(generation, folder)

    monkeypatch.setattr(Generation, "__init__", noted)
    yield
    for generation in opened:
        generation.retire()


@pytest.fixture
def _own_logs() -> Iterator[None]:
    """A start sets up the process's logging as a worker does; afterwards it is the test's again."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of this test process; each test makes a database of its own in it."""
    with running_postgres() as server:
        yield server


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[SqlStore, None]:
    """SQLite, migrated."""
    url = f"sqlite:///{tmp_path / 'lectern.sqlite3'}"
    migrate(url)
    store = SqlStore(SqlDatabase(url))
    yield store
    await store.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Defaults, with the data in the test's own folder and nothing from the environment's `.env`."""
    return Settings(_env_file=None, data_dir=tmp_path)


@pytest.fixture
async def make_client(store: SqlStore, settings: Settings) -> AsyncGenerator[MakeClient, None]:
    """Makes a client of an app whose index and model are the test's choice."""
    clients: list[Client] = []

    def make(
        *,
        index: Index | None = None,
        llm: LLM | None = None,
        changed: Settings | None = None,
        identities: tuple[IdentitySource, ...] = (),
        counters: Counters | None = None,
    ) -> Client:
        ports = Ports(
            store=store,
            index=index or FixedIndex(hits(passage(1, "Reducers are pure."), passage(2, "Stores hold state."))),
            llm=llm or ScriptedLLM("Reducers ", "are pure [1]."),
            conversations=SqlConversations(database_of(store)),
            tasks=SqlTasks(database_of(store)),
            identities=identities,
            counters=counters,
        )
        transport = httpx2.ASGITransport(create_app(changed or settings, ports), raise_app_exceptions=False)
        clients.append(Client(transport=transport, base_url="http://lectern.test"))
        return clients[-1]

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
def client(make_client: MakeClient) -> Client:
    """A client of the app with two passages and a model that cites the first."""
    return make_client()
