"""The index port's update over a private copy of the current generation."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Protocol, TypeVar

from lectern.adapters.local_index.building import Building
from lectern.ports import Counts, Document, Vector

T = TypeVar("T")


class InThread(Protocol):
    """Runs a blocking call in a thread and translates its errors."""

    def __call__(self, action: Callable[[], T], /) -> Awaitable[T]:
        """Run it; raises `IndexUnavailable` for what the disk or SQLite refuses."""
        ...


class LocalUpdate:
    """An `IndexUpdate` over a private copy."""

    def __init__(self, building: Building, digests: Mapping[str, str], in_thread: InThread) -> None:
        self._building = building
        self._digests = dict(digests)
        self._in_thread = in_thread

    @property
    def digests(self) -> Mapping[str, str]:
        """See `IndexUpdate.digests`; what this update has put and removed shows at once."""
        return self._digests

    async def put(self, documents: Sequence[Document]) -> None:
        """See `IndexUpdate.put`. A document whose digest is the one held stays untouched."""
        await self._in_thread(partial(self._building.put, documents))
        self._digests |= {document.path: document.digest for document in documents}

    async def remove(self, paths: Sequence[str]) -> None:
        """See `IndexUpdate.remove`. A path that is not held is passed over."""
        await self._in_thread(partial(self._building.remove, paths))
        for path in paths:
            self._digests.pop(path, None)

    async def counts(self) -> Counts:
        """See `IndexUpdate.counts`."""
        return await self._in_thread(self._building.counts)

    async def unembedded(self, model: str, paths: Sequence[str] | None = None) -> list[tuple[str, str]]:
        """See `IndexUpdate.unembedded`; each text says its page and headings first."""
        return await self._in_thread(partial(self._building.unembedded, model, paths))

    async def put_vectors(self, vectors: Mapping[str, Vector], model: str) -> None:
        """See `IndexUpdate.put_vectors`. Vectors of another model go when the update is committed.

        Raises:
            ValueError: The vectors are of uneven length, or a second model is named in one update.
        """
        await self._in_thread(partial(self._building.put_vectors, vectors, model))
