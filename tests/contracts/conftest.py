"""Every adapter of a port, so that one suite runs over all of them."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from tests.database_servers import Postgres, running_pgbouncer
from tests.sample_pages import small_site

from lectern.adapters.local_index import LocalIndex
from lectern.adapters.sql_migrations import migrate
from lectern.ports import Index

INDEXES: dict[str, Callable[[Path], Index]] = {"local": LocalIndex}


@pytest.fixture(params=sorted(INDEXES))
def open_again(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Index]:
    """Opens the same index once more, as another process would."""
    return lambda: INDEXES[request.param](tmp_path / "index")


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
