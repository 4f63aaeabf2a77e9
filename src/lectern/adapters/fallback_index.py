"""Two indexes with the same pages: one that is asked, and one in this container that stands in for it.

Readers get the second's passages, and are told, while the first cannot be reached or holds nothing. An ingest writes
both, so that the second is complete; what goes wrong with the second never fails an ingest.
"""

import logging
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Final, TypeVar

import anyio

from lectern.errors import IndexUnavailable
from lectern.ports import Counts, Document, Hits, Index, IndexUpdate, Page, Part, Vector

log = logging.getLogger(__name__)

T = TypeVar("T")

REST_SECONDS: Final = 5.0
"""After a failure the first index is left alone this long, so that not each reader waits for it to fail."""


class FallbackIndex:
    """An `Index` that answers from `secondary` while `primary` cannot.

    Args:
        primary: Asked first.
        secondary: Holds the same pages, in files of this machine.
        rest_seconds: How long `primary` is not asked after it failed.
    """

    def __init__(self, primary: Index, secondary: Index, *, rest_seconds: float = REST_SECONDS) -> None:
        self._primary = primary
        self._secondary = secondary
        self._rest_seconds = rest_seconds
        self._rests_until = 0.0
        self._failure = IndexUnavailable()

    async def search(
        self, query: str, *, vector: Vector | None = None, limit: int = 5, site: str | None = None
    ) -> Hits:
        """See `Index.search`; the hits say when the second index was searched."""
        try:
            hits = await self._ask(lambda: self._primary.search(query, vector=vector, limit=limit, site=site))
            if hits.passages or await self._holds_pages():
                return hits
            # Nothing was ever ingested into it, or its collection was deleted.
            failure = IndexUnavailable("The index is empty.")
            failure_is_emptiness = True
        except IndexUnavailable as error:
            failure, failure_is_emptiness = error, False
        held = await self._secondary.sites()
        if not held and failure_is_emptiness:
            return Hits((), 0.0)
        if not held:
            raise failure
        hits = await self._secondary.search(query, vector=vector, limit=limit, site=site)
        return replace(hits, degraded=failure)

    async def document(self, site: str, route: str) -> Document | None:
        """See `Index.document`."""
        return await self._first(
            lambda: self._primary.document(site, route), lambda: self._secondary.document(site, route)
        )

    async def sites(self) -> dict[str, int]:
        """See `Index.sites`."""
        return await self._first(self._primary.sites, self._secondary.sites)

    async def pages(self, site: str | None = None) -> Sequence[Page]:
        """See `Index.pages`."""
        return await self._first(lambda: self._primary.pages(site), lambda: self._secondary.pages(site))

    @asynccontextmanager
    async def update(self, site: str) -> AsyncGenerator["BothUpdates"]:
        """See `Index.update`; both indexes are changed.

        Raises:
            IndexUnavailable: The first cannot be written. The second is all the same, when the block ended well.
        """
        # Always in this order, so that two updates never wait for each other.
        second = await _Side.open(self._secondary.update(site), "second")
        first = await _Side.open(self._primary.update(site), "first")
        if first.update is None and second.update is None:
            raise first.failure or IndexUnavailable()
        try:
            yield BothUpdates(first, second)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await first.discard()
                await second.discard()
            raise
        await first.commit()
        await second.commit()
        if second.failure is not None:
            log.warning("The local index was not updated: %s It stands in for the first as it was.", second.failure)
        if first.failure is not None:
            kept = "" if second.failure else " The local index was, and answers; run it again when Qdrant is back."
            raise IndexUnavailable(f"{self._primary.describe().kind} was not updated.{kept}") from first.failure

    def describe(self) -> Part:
        """The first index, and that there is a second."""
        part = self._primary.describe()
        local = self._secondary.describe()
        if part.state != "down":
            return replace(part, kind=f"{part.kind}, else {local.kind}")
        return replace(part, kind=f"{part.kind}, else {local.kind}", note=f"{part.note}; the {local.kind} answers")

    async def warm(self) -> None:
        """Warm both; the second first, as it is the one that is needed when the first fails.

        Raises:
            IndexUnavailable: One of them cannot be read.
        """
        failure = None
        for index in (self._secondary, self._primary):
            try:
                await index.warm()
            except IndexUnavailable as error:
                failure = error
        if failure is not None:
            raise failure

    async def close(self) -> None:
        """Give back what both hold."""
        await self._primary.close()
        await self._secondary.close()

    async def _ask(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask the first index, unless it rests.

        Raises:
            IndexUnavailable: It failed, or rests because it did a moment ago.
        """
        if time.monotonic() < self._rests_until:
            raise self._failure
        try:
            return await ask()
        except IndexUnavailable as error:
            self._failure = error
            self._rests_until = time.monotonic() + self._rest_seconds
            raise

    async def _holds_pages(self) -> bool:
        return bool(await self._ask(self._primary.sites))

    async def _first(self, ask: Callable[[], Awaitable[T]], ask_second: Callable[[], Awaitable[T]]) -> T:
        """What the first index holds; what the second does when the first holds nothing or cannot be asked."""
        try:
            found = await self._ask(ask)
            if found or await self._holds_pages():
                return found
        except IndexUnavailable:
            pass
        return await ask_second()


class _Side:
    """One of two updates; what fails it is kept instead of raised."""

    def __init__(
        self, context: AbstractAsyncContextManager[IndexUpdate], update: IndexUpdate | None, name: str
    ) -> None:
        self._context = context
        self._name = name
        self.update = update
        self.failure: IndexUnavailable | None = None

    @classmethod
    async def open(cls, context: AbstractAsyncContextManager[IndexUpdate], name: str) -> "_Side":
        """Open it, if that can be."""
        try:
            return cls(context, await context.__aenter__(), name)
        except IndexUnavailable as error:
            side = cls(context, None, name)
            side.failure = error
            return side

    async def commit(self) -> None:
        """Commit what was not failed before."""
        update, self.update = self.update, None
        if update is None:
            return
        try:
            await self._context.__aexit__(None, None, None)
        except IndexUnavailable as error:
            self.failure = error

    async def discard(self) -> None:
        """End it with the exception that is being handled; that exception is the caller's to raise."""
        update, self.update = self.update, None
        if update is None:
            return
        kind, error, trace = sys.exc_info()
        try:
            await self._context.__aexit__(kind, error, trace)
        except BaseException as other:  # noqa: BLE001 - it raises the error it was handed
            if other is not error:
                log.warning("The %s index's update was not ended cleanly: %s", self._name, type(other).__name__)

    async def do(self, action: Callable[[IndexUpdate], Awaitable[T]]) -> T | None:
        """Do something to the update; None when it has failed."""
        if self.update is None:
            return None
        try:
            return await action(self.update)
        except IndexUnavailable as error:
            self.failure = error
            await self.discard()
            return None


class BothUpdates:
    """An `IndexUpdate` of two indexes, as one.

    Args:
        first: The one whose failure counts.
        second: The one that stands in.
    """

    def __init__(self, first: _Side, second: _Side) -> None:
        self._sides = (first, second)

    @property
    def digests(self) -> Mapping[str, str]:
        """See `IndexUpdate.digests`. A page on which the two differ has none, so an ingest reads it again."""
        held = [dict(side.update.digests) for side in self._sides if side.update is not None]
        paths = {path for digests in held for path in digests}
        return {
            path: digest if all(digests.get(path) == digest for digests in held) else ""
            for path in sorted(paths)
            for digest in [next(digests[path] for digests in held if path in digests)]
        }

    async def put(self, documents: Sequence[Document]) -> None:
        """See `IndexUpdate.put`."""
        await self._both(lambda update: update.put(documents))

    async def remove(self, paths: Sequence[str]) -> None:
        """See `IndexUpdate.remove`."""
        await self._both(lambda update: update.remove(paths))

    async def counts(self) -> Counts:
        """See `IndexUpdate.counts`."""
        found = await self._both(lambda update: update.counts())
        return found[0]

    async def unembedded(self, model: str, paths: Sequence[str] | None = None) -> list[tuple[str, str]]:
        """See `IndexUpdate.unembedded`; what either of the two lacks."""
        found = await self._both(lambda update: update.unembedded(model, paths))
        return list({key: text for missing in found for key, text in missing}.items())

    async def put_vectors(self, vectors: Mapping[str, Vector], model: str) -> None:
        """See `IndexUpdate.put_vectors`."""
        await self._both(lambda update: update.put_vectors(vectors, model))

    async def _both(self, action: Callable[[IndexUpdate], Awaitable[T]]) -> list[T]:
        """Do something to both; the results of those that did it.

        Raises:
            IndexUnavailable: Neither did.
        """
        done: list[T] = []
        for side in self._sides:
            before = side.update
            result = await side.do(action)
            if before is not None and side.update is not None:
                done.append(result)  # type: ignore[arg-type]  # None only when T is
        if not done:
            raise self._sides[0].failure or IndexUnavailable()
        return done
