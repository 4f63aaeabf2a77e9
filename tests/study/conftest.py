"""The app with a book in a real index, its pieces kept in real SQLite, and a model that rewrites."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Protocol

import httpx2
import pytest
from tests.conftest import Client
from tests.sql_parts import database_of
from tests.study.chapters_of import RewritingModel, book

from lectern.adapters.local_index import LocalIndex
from lectern.adapters.quoting import QuotingLLM
from lectern.adapters.sql_accounts import SqlAccounts
from lectern.adapters.sql_rewrites import SqlRewrites
from lectern.adapters.sql_store import SqlStore
from lectern.app import create_app
from lectern.config import Settings
from lectern.keyring import Keyring
from lectern.ports import LLM, Counters, IdentitySource, Index, Ports


class MakeStudent(Protocol):
    """Makes a client of an app whose parts are the test's choice."""

    def __call__(
        self,
        model: LLM | None,
        *,
        changed: Settings | None = None,
        index: Index | None = None,
        identities: tuple[IdentitySource, ...] = (),
        counters: Counters | None = None,
    ) -> Client:
        """Make it."""
        ...


@pytest.fixture
async def index(tmp_path: Path) -> AsyncGenerator[LocalIndex, None]:
    """A book of two chapters."""
    index = await book(tmp_path / "index")
    yield index
    await index.close()


@pytest.fixture
async def make_student(store: SqlStore, settings: Settings, index: LocalIndex) -> AsyncGenerator[MakeStudent, None]:
    """Makes clients; what they have of the model is kept for all of them."""
    clients: list[Client] = []
    given = index

    def make(
        model: LLM | None,
        *,
        changed: Settings | None = None,
        index: Index | None = None,
        identities: tuple[IdentitySource, ...] = (),
        counters: Counters | None = None,
    ) -> Client:
        database = database_of(store)
        ports = Ports(
            store=store,
            index=index or given,
            llm=QuotingLLM(),
            study_llm=model,
            rewrites=SqlRewrites(database),
            accounts=SqlAccounts(database, Keyring([b"a-secret-of-the-tests-own-0123456789abcdef"])),
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
def model() -> RewritingModel:
    """A model that does as it is told."""
    return RewritingModel()


@pytest.fixture
def student(make_student: MakeStudent, model: RewritingModel) -> Client:
    """A client of the app with that model."""
    return make_student(model)
