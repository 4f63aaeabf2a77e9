"""The index port over Qdrant: readers, and the update that one of all processes has at a time."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final, TypeVar

import anyio
import anyio.to_thread

from lectern.adapters.lexicon.words import is_text
from lectern.adapters.qdrant_index import schema, search, writes
from lectern.adapters.qdrant_index.acquiring import acquire, give_back, keep
from lectern.adapters.qdrant_index.commit import Commit
from lectern.adapters.qdrant_index.connection import CollectionExists, NoCollection, QdrantConnection, brief
from lectern.adapters.qdrant_index.control import Control, read_control
from lectern.adapters.qdrant_index.pages import read_pages
from lectern.adapters.qdrant_index.points import document_of
from lectern.adapters.qdrant_index.update import QdrantUpdate
from lectern.adapters.qdrant_index.view import View, read_view
from lectern.errors import IndexUnavailable
from lectern.ports import Document, Hits, Page, Part, State, Vector
from lectern.resilience.threads import processor_threads

log = logging.getLogger(__name__)

T = TypeVar("T")

ATTEMPTS: Final = 4
"""How often a read starts anew because the generation was replaced under it."""

SAME_ROUTE: Final = 8
"""Pages of one route that are looked at; the first by path is shown."""


class QdrantIndex:
    """An `Index` behind an alias of a Qdrant server. Nothing is opened before the first use.

    Args:
        connection: The server.
        collection: The alias; the collections behind it are `collection--v1`, `collection--v2` and so on.
        model: The embedding model that queries are embedded with; vectors of another are never compared with them.
            None trusts whatever vector comes.
        threads: Questions read at once in one process; one takes about a millisecond.
    """

    def __init__(
        self, connection: QdrantConnection, collection: str = "lectern", *, model: str | None = None, threads: int = 2
    ) -> None:
        self._connection = connection
        self._alias = collection
        self._model = model
        self._view: View | None = None
        self._state: State = "unknown"
        self._note = ""
        self._reading = processor_threads(threads)

    async def search(
        self, query: str, *, vector: Vector | None = None, limit: int = 5, site: str | None = None
    ) -> Hits:
        """See `Index.search`."""
        if site is not None and not is_text(site):
            return Hits((), 0.0)

        async def look(view: View) -> Hits:
            usable = vector if self._is_same_model(view.control) else None
            asked = await anyio.to_thread.run_sync(search.read, view, query, usable, site, limiter=self._reading)
            hits = await search.run(self._connection, view, asked, limit)
            refusal = None if vector is None else self._refusal(view.control, len(vector))
            return hits if refusal is None else replace(hits, degraded=IndexUnavailable(refusal))

        return await self._read(look, Hits((), 0.0))

    async def document(self, site: str, route: str) -> Document | None:
        """See `Index.document`."""
        if not is_text(site + route):
            return None

        async def look(view: View) -> Document | None:
            control = view.control
            condition = schema.living(control.generation, ["document"], schema.equals("route", route), site=site)
            records, _ = await self._connection.read(
                lambda client: client.scroll(control.collection, condition, limit=SAME_ROUTE)
            )
            found = [document_of(record.payload) for record in records]
            return min(found, key=lambda document: document.path, default=None)

        return await self._read(look, None)

    async def sites(self) -> dict[str, int]:
        """See `Index.sites`."""

        async def look(view: View) -> dict[str, int]:
            return {site: counts.documents for site, counts in view.control.sites.items()}

        return await self._read(look, {})

    async def pages(self, site: str | None = None) -> Sequence[Page]:
        """See `Index.pages`."""

        async def look(view: View) -> Sequence[Page]:
            return await read_pages(self._connection, view, site)

        return await self._read(look, ())

    @asynccontextmanager
    async def update(self, site: str) -> AsyncGenerator[QdrantUpdate]:
        """See `Index.update`. The lease on the collection is written also when nothing else is.

        Raises:
            IndexUnavailable: Qdrant cannot be asked or written, or the collection is not ours.
        """
        with self._noted():
            lease, control = await acquire(self._connection, self._alias)
        keeper = asyncio.create_task(keep(lease))
        try:
            with self._noted():
                await writes.tidy(self._connection, self._alias, control)
                update = await QdrantUpdate.open(self._connection, control, site)
            yield update
            if update.changed:
                with self._noted():
                    await Commit(self._connection, self._alias, lease, update).run()
        finally:
            keeper.cancel()
            await give_back(lease)

    def describe(self) -> Part:
        """What stands behind this port, from memory."""
        return Part("index", f"Qdrant {self._alias}", self._state, self._note)

    async def warm(self) -> None:
        """Connect, and fetch the vocabulary.

        Raises:
            IndexUnavailable: Qdrant cannot be asked.
        """
        await self.sites()

    async def close(self) -> None:
        """Give back connections. A later call opens them again."""
        view, self._view = self._view, None
        if view is not None:
            view.close()
        await self._connection.close()

    async def _read(self, look: Callable[[View], Awaitable[T]], empty: T) -> T:
        """Look at the current generation; `empty` is the answer when there is none.

        The look at the generation of the last search and the question whether that is still current go out together;
        only after an update is there a second look.
        """
        with self._noted():
            view = self._view
            for _ in range(ATTEMPTS):
                if view is None:
                    try:
                        control = await read_control(self._connection, self._alias)
                        view = self._view = await read_view(self._connection, control)
                    except NoCollection:
                        if not await self._is_there():
                            self._state, self._note = "ok", "empty"
                            return empty
                        continue
                    self._look_at(control)
                    current = control
                    found = (await asyncio.gather(look(view), return_exceptions=True))[0]
                else:
                    current_or_error, found = await asyncio.gather(
                        read_control(self._connection, self._alias), look(view), return_exceptions=True
                    )
                    if isinstance(current_or_error, NoCollection):
                        view = self._view = None
                        continue
                    if isinstance(current_or_error, BaseException):
                        raise current_or_error
                    current = current_or_error
                same = (current.collection, current.generation) == (view.control.collection, view.control.generation)
                if same and not isinstance(found, BaseException):
                    self._look_at(current)
                    return found
                if same and not isinstance(found, NoCollection):
                    assert isinstance(found, BaseException)
                    raise found
                view = self._view = None
            raise IndexUnavailable("The index is being changed too fast to be read.")

    async def _is_there(self) -> bool:
        try:
            await read_control(self._connection, self._alias)
        except NoCollection:
            return False
        return True

    def _is_same_model(self, control: Control) -> bool:
        return self._model is None or control.model == self._model

    def _refusal(self, control: Control, dimensions: int) -> str | None:
        """Why vectors of this length are not compared with those held, and the way out; None when they are."""
        if not control.model or (self._is_same_model(control) and control.dimensions == dimensions):
            return None
        asked = f"{self._model or 'a model'} ({dimensions} dimensions)"
        return (
            f"The Qdrant collection's vectors are of {control.model} ({control.dimensions} dimensions), the questions' "
            f"of {asked}: ingest again, or set EMBEDDING_MODEL back."
        )

    def _look_at(self, control: Control) -> None:
        """Note what is current."""
        pages = sum(counts.documents for counts in control.sites.values())
        sections = sum(counts.sections for counts in control.sites.values())
        names = list(control.sites)
        note = f"{pages} pages, {sections} sections, " if names else "empty"
        note += (f"site {names[0]}" if len(names) == 1 else f"{len(names)} sites") if names else ""
        if control.model and not self._is_same_model(control):
            note += f"; its vectors are of {control.model}, not {self._model}: ingest again"
        self._state, self._note = "ok", note

    def _noted(self) -> "_Noted":
        return _Noted(self)

    def failed(self, error: IndexUnavailable) -> None:
        """Note a failure."""
        note = brief(error.__cause__) if error.__cause__ else error.message
        if (self._state, self._note) != ("down", note):
            log.warning("Qdrant at %s: %s", self._connection.host, note)
        self._state, self._note = "down", note


class _Noted:
    """Notes what comes out of the block as the index's state; what is no error of ours becomes one."""

    def __init__(self, index: QdrantIndex) -> None:
        self._index = index

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (NoCollection, CollectionExists)):
            missing = IndexUnavailable()
            missing.__cause__ = error
            self._index.failed(missing)
            raise missing from error
        if isinstance(error, IndexUnavailable):
            self._index.failed(error)
