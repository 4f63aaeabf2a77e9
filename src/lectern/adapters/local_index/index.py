"""The index port over files of this machine: no server, no key, shared by all workers.

Readers look at the pointer before each search, so a published update is seen by the next one. Every call that touches
files runs in a thread of the index's own limiter; the event loop is never blocked.
"""

import logging
import sqlite3
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import anyio
import anyio.to_thread

from lectern.adapters.lexicon.words import is_text
from lectern.adapters.local_index.building import Building
from lectern.adapters.local_index.files import IndexFiles
from lectern.adapters.local_index.generation import Generation, Reader
from lectern.adapters.local_index.passages import read_document
from lectern.adapters.local_index.search import search
from lectern.adapters.local_index.update import LocalUpdate
from lectern.errors import IndexUnavailable
from lectern.ops.file_lock import unlock
from lectern.ports import Document, Hits, Page, Part, State, Vector
from lectern.resilience.threads import processor_threads

log = logging.getLogger(__name__)

T = TypeVar("T")

ATTEMPTS: Final = 5
"""How often a read starts anew because the generation was replaced under it."""

LOCK_POLL_SECONDS: Final = 0.1
"""How often a waiting update looks whether the one before has ended."""


class LocalIndex:
    """An `Index` in a folder. Nothing is opened before the first use, so it may be made before a fork.

    Args:
        directory: The index's folder; made by the first update.
        image: The folder of an index that an image brings, read until `directory` holds one. Never written.
        search_threads: Searches at once in one process; one takes milliseconds, most of them in C.
        model: The embedding model of the queries' vectors; an index with another model's vectors is searched by words.
            None means that no vector comes, or that it is of the model of the index.
    """

    def __init__(
        self, directory: Path, *, image: Path | None = None, search_threads: int = 2, model: str | None = None
    ) -> None:
        self._files = IndexFiles(directory, image)
        self._model = model
        self._lock = threading.Lock()
        self._generation: Generation | None = None
        self._state: State = "unknown"
        self._note = ""
        self._searching = processor_threads(search_threads)
        self._updating = anyio.CapacityLimiter(1)

    async def search(
        self, query: str, *, vector: Vector | None = None, limit: int = 5, site: str | None = None
    ) -> Hits:
        """See `Index.search`."""
        if site is not None and not is_text(site):
            return Hits((), 0.0)

        def look(generation: Generation, reader: Reader) -> Hits:
            comparable = self._model in {None, generation.model}
            return search(generation, reader, query, vector if comparable else None, limit=limit, site=site)

        return await self._read(look, Hits((), 0.0))

    async def document(self, site: str, route: str) -> Document | None:
        """See `Index.document`."""
        if not is_text(site + route):
            return None
        return await self._read(lambda _, reader: read_document(reader.connection, site, route), None)

    async def sites(self) -> dict[str, int]:
        """See `Index.sites`."""
        return await self._read(lambda generation, _: dict(generation.documents), {})

    async def pages(self, site: str | None = None) -> Sequence[Page]:
        """See `Index.pages`."""
        return await self._read(lambda generation, reader: generation.pages(reader.connection, site), ())

    @asynccontextmanager
    async def update(self, site: str) -> AsyncGenerator[LocalUpdate]:
        """See `Index.update`.

        Raises:
            IndexUnavailable: The folder cannot be written, or the present generation cannot be read.
        """
        lock = await self._wait_for_lock()
        building = None
        try:
            building = await self._write(partial(Building, self._files, site))
            yield LocalUpdate(building, await self._write(building.digests), self._write)
            await self._write(building.publish)
        finally:
            with anyio.CancelScope(shield=True):
                if building is not None:
                    await anyio.to_thread.run_sync(building.discard, limiter=self._updating)
            unlock(lock)

    def describe(self) -> Part:
        """What stands behind this port, from memory."""
        return Part("index", "local index", self._state, self._note)

    async def warm(self) -> None:
        """Open the index and read its pages in.

        Raises:
            IndexUnavailable: It cannot be read.
        """

        def page_in(generation: Generation, _: Reader) -> None:
            generation.page_in()

        await self._read(page_in, None)

    async def close(self) -> None:
        """Give back files and connections. A later call opens them again."""
        with self._lock:
            generation, self._generation = self._generation, None
        if generation is not None:
            generation.retire()

    async def _read(self, action: Callable[[Generation, Reader], T], empty: T) -> T:
        """Run a blocking read of the current generation in a thread; `empty` is the answer when there is none."""
        return await anyio.to_thread.run_sync(self._read_now, action, empty, limiter=self._searching)

    def _read_now(self, action: Callable[[Generation, Reader], T], empty: T) -> T:
        attempts = ATTEMPTS
        while True:
            attempts -= 1
            folder = None
            try:
                folder = self._files.current()
                generation = self._open(folder)
                if generation is None:
                    return empty
                with generation.reader() as reader:
                    return action(generation, reader)
            except (sqlite3.Error, OSError, ValueError) as error:
                if attempts and folder is not None and self._moved_on(folder):
                    continue
                self._state, self._note = "down", "the index cannot be read"
                log.exception("The index cannot be read")
                raise IndexUnavailable from error

    def _open(self, folder: Path | None) -> Generation | None:
        """The generation in a folder, open; None when there is none or its format is not ours."""
        with self._lock:
            if folder is None:
                self._state, self._note = "ok", "empty"
                return None
            if self._generation is None or self._generation.folder != folder:
                old, self._generation = self._generation, Generation(folder)
                if old is not None:
                    old.retire()
            self._state, self._note = "ok", _note(self._generation, self._model)
            return self._generation if self._generation.readable else None

    def _moved_on(self, folder: Path) -> bool:
        try:
            return self._files.current() != folder
        except OSError:
            return False

    async def _wait_for_lock(self) -> int:
        # Another process holds it: there is no event to wait for.
        while (lock := await self._write(self._files.try_lock)) is None:  # noqa: ASYNC110 - see above
            await anyio.sleep(LOCK_POLL_SECONDS)
        return lock

    async def _write(self, action: Callable[[], T]) -> T:
        """Run a blocking part of an update in a thread."""
        try:
            return await anyio.to_thread.run_sync(action, limiter=self._updating)
        except (sqlite3.Error, OSError) as error:
            log.exception("The index cannot be changed")
            raise IndexUnavailable("The index cannot be changed right now.") from error


def _note(generation: Generation, model: str | None) -> str:
    """One phrase on what a generation holds, and on what a query's vector of this model finds there."""
    if not generation.readable:
        return "built by another version; ingest again"
    if not generation.documents:
        return "empty"
    names = list(generation.documents)
    sites = f"site {names[0]}" if len(names) == 1 else f"{len(names)} sites"
    held = f"{sum(generation.documents.values())} pages, {sum(generation.sections.values())} sections, {sites}"
    if model in {None, generation.model}:
        return held
    vectors = "without vectors" if generation.model is None else f"with vectors of {generation.model}"
    return f"{held}; {vectors}, so by words only until the next ingest"
