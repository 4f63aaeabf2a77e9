"""What the tests of the adapters share."""

from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from tests.qdrant_server import QdrantServer, running_qdrant
from tests.sample_pages import small_site
from tests.stub_process import Stub, running_stub

from lectern.adapters import outbox_tender
from lectern.adapters.qdrant_index import QdrantConnection, QdrantIndex

MakeIndex = Callable[..., QdrantIndex]


@pytest.fixture(scope="session")
def stub() -> Iterator[Stub]:
    """One running stub of a provider for all tests of a process."""
    with running_stub() as stub:
        yield stub


@pytest.fixture
def quick_outbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """An outbox with pauses that a test can sit out."""
    monkeypatch.setattr(outbox_tender, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(outbox_tender, "LONGEST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(outbox_tender, "IDLE_SECONDS", 0.05)


@pytest.fixture(scope="session")
def qdrant() -> Iterator[QdrantServer]:
    """The real engine behind Qdrant's REST calls."""
    with running_qdrant() as server:
        yield server


@pytest.fixture
def name(qdrant: QdrantServer) -> Iterator[str]:
    """A collection of the test's own; afterwards the server is well again."""
    name = qdrant.fresh_name()
    yield name
    qdrant.fault = qdrant.after = None
    qdrant.key = ""
    qdrant.forget(name)


@pytest.fixture
async def make(qdrant: QdrantServer, name: str) -> AsyncIterator[MakeIndex]:
    """Opens the test's collection, as another process would."""
    opened: list[QdrantIndex] = []

    def make(*, key: str | None = None, read_seconds: float = 30, model: str | None = None) -> QdrantIndex:
        connection = QdrantConnection(qdrant.url, api_key=key, read_seconds=read_seconds, first_pause_seconds=0.001)
        opened.append(QdrantIndex(connection, name, model=model))
        return opened[-1]

    yield make
    for index in opened:
        await index.close()


@pytest.fixture
async def bakery(make: MakeIndex) -> QdrantIndex:
    """An index of the small site."""
    index = make()
    async with index.update("bakery") as update:
        await update.put(small_site())
    return index
