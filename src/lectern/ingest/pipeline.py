"""From a folder of Markdown to an index: only what changed is parsed, and all of it is committed at once.

The folder is listed to its end before anything is concluded from what is missing. The lexical index is committed first
and answers at once; vectors follow, so an embedding that fails costs no page. A provider is asked for them as soon as
there are pages, so that reading costs it no time.
"""

import logging
import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final

import anyio.to_thread

from lectern.errors import InvalidRequest, LecternError
from lectern.ingest.documents import digest_of, read_document
from lectern.ingest.embedding import Embedded, Embedding, embed_missing, embedding
from lectern.ingest.includes import Includes
from lectern.ingest.sources import Skipped, Source, find_sources
from lectern.ports import Counts, Document, Embeddings, Index, IndexUpdate

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]
"""Called with (stage, done, total); the stages are `listing`, `reading`, `embedding`. A total of 0 is not known yet."""

READ_AT_ONCE: Final = 8
"""Pages parsed between two calls of the progress."""

_BASE_URL: Final = re.compile(r"(https?://[^\s/?#]+|/)[^\s?#]*")


class NothingToIngest(LecternError):
    """No page was found where pages were expected; what is indexed stays."""

    code: ClassVar[str] = "nothing_to_ingest"
    status: ClassVar[int] = 422
    default_message: ClassVar[str] = "There is no Markdown page to ingest."


@dataclass(frozen=True, slots=True)
class Report:
    """What an ingest did.

    Attributes:
        site: The site's name.
        counts: What the site holds afterwards.
        new: Paths that were not indexed before.
        changed: Paths that were indexed otherwise before.
        same: How many pages were recognised as unchanged and not parsed.
        gone: Paths that were taken out.
        kept: Paths that could not be read now and stay as they were indexed before.
        skipped: What gives no page, each with its reason.
        retired: Sites that gave way.
        embedded: What became of the vectors; None when no embedding model was given.
        seconds: Wall-clock time of it all.
        dry_run: Whether nothing was written.
    """

    site: str
    counts: Counts
    new: tuple[str, ...]
    changed: tuple[str, ...]
    same: int
    gone: tuple[str, ...]
    kept: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    retired: tuple[str, ...]
    embedded: Embedded | None
    seconds: float
    dry_run: bool


async def ingest(
    path: Path,
    *,
    site: str,
    base_url: str | None,
    index: Index,
    embeddings: Embeddings | None = None,
    requests: int | None = None,
    only: Collection[str] = (),
    retire: Collection[str] = (),
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Bring a site's index in line with a folder.

    Args:
        path: The folder of Markdown, or one file.
        site: The site's name; its pages that are not below the folder any more go.
        base_url: Where the site's routes start, as `https://example.org/docs`; without one, links are plain routes.
        index: Where to put it.
        embeddings: Gives vectors; None leaves the index lexical.
        requests: Requests that a provider of embeddings works on at once; they are kept under way from the first pages
            on. None waits until all pages are in, as it is right for a model in this process: should it bring the
            machine down, they answer already.
        only: Names directly below the folder, files or folders, that the ingest is limited to; empty means all.
        retire: Sites that are removed once this one stands, such as a built-in demo.
        dry_run: Find out what would be done and write nothing.
        progress: Told how far it is.

    Raises:
        ListingFailed: The folder cannot be listed to its end; nothing is changed.
        NothingToIngest: There is no page in it; nothing is changed.
        InvalidRequest: The site's name is blank, or the base URL is none.
        IndexUnavailable: The index cannot be read or written; what was committed before stands.
    """
    started = time.monotonic()
    tell = progress or _silent
    if not site.strip():
        raise InvalidRequest("The site wants a name.")
    if base_url and not _BASE_URL.fullmatch(base_url):
        raise InvalidRequest(f"The base URL {base_url!r} is none; it wants to start like https://example.org or /path.")
    tell("listing", 0, 0)
    folder = await anyio.to_thread.run_sync(_list, path, only)
    work = _Work(folder, base_url or "", tell)
    embedded = None
    retired: tuple[str, ...] = ()
    if dry_run:
        with suppress(_NothingIsWritten):
            async with index.update(site) as update:
                await work.apply(update)
                raise _NothingIsWritten
    elif embeddings is None or requests is None:
        retired = await work.write(index, site, retire)
        if embeddings is not None:
            embedded = await embed_missing(index, site, embeddings, tell)
    else:
        async with embedding(index, site, embeddings, tell, requests=requests) as run:
            retired = await work.write(index, site, retire, run)
            await run.feed_rest()
        embedded = run.result
    return Report(
        site=site,
        counts=work.counts,
        new=tuple(work.new),
        changed=tuple(work.changed),
        same=work.same,
        gone=tuple(work.gone),
        kept=tuple(work.kept),
        skipped=tuple(sorted(work.skipped, key=lambda skipped: skipped.path)),
        retired=retired,
        embedded=embedded,
        seconds=time.monotonic() - started,
        dry_run=dry_run,
    )


async def remove_site(index: Index, site: str) -> int:
    """Take a whole site out; return how many documents it had.

    Raises:
        IndexUnavailable: The index cannot be read or written.
    """
    if site not in await index.sites():
        return 0
    async with index.update(site) as update:
        paths = list(update.digests)
        await update.remove(paths)
    return len(paths)


class _NothingIsWritten(Exception):
    """Ends a dry run."""


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder, listed to its end."""

    sources: list[Source]
    skipped: list[Skipped]
    includes: Includes


@dataclass(slots=True)
class _Work:
    """One update of one site: what was read, and what became of it."""

    folder: _Folder
    base_url: str
    tell: Progress
    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    same: int = 0
    counts: Counts = field(default_factory=Counts)

    async def write(
        self, index: Index, site: str, retire: Collection[str], run: Embedding | None = None
    ) -> tuple[str, ...]:
        """Commit the site, then take out those that give way; their names."""
        async with index.update(site) as update:
            await self.apply(update, run)
        return tuple([name for name in retire if name != site and await remove_site(index, name)])

    async def apply(self, update: IndexUpdate, run: Embedding | None = None) -> None:
        """Parse what changed, put it in, take out what is gone; an embedding is fed with what is in."""
        held = dict(update.digests)
        self.skipped.extend(self.folder.skipped)
        pending = await anyio.to_thread.run_sync(self._changed, held)
        self.same = len(self.folder.sources) - len(pending)
        for start in range(0, len(pending), READ_AT_ONCE):
            self.tell("reading", start, len(pending))
            batch = pending[start : start + READ_AT_ONCE]
            documents = await anyio.to_thread.run_sync(self._read, batch)
            for document in documents:
                (self.changed if document.path in held else self.new).append(document.path)
            await update.put(documents)
            if run is not None:
                await run.feed(update, [document.path for document in documents])
        self.tell("reading", len(pending), len(pending))
        self._settle(held)
        await update.remove(self.gone)
        self.counts = await update.counts()

    def _changed(self, held: Mapping[str, str]) -> list[Source]:
        """Pages whose digest is not the one held."""
        return [
            source
            for source in self.folder.sources
            if held.get(source.path) != digest_of(source, base_url=self.base_url, includes=self.folder.includes)
        ]

    def _read(self, sources: Sequence[Source]) -> list[Document]:
        documents = []
        for source in sources:
            page = read_document(source, base_url=self.base_url, includes=self.folder.includes)
            if isinstance(page, Skipped):
                self.skipped.append(page)
            else:
                documents.append(page)
        return documents

    def _settle(self, held: Mapping[str, str]) -> None:
        """Tell the pages that are gone from those that only could not be read."""
        present = {source.path for source in self.folder.sources} - {skipped.path for skipped in self.skipped}
        unread = {skipped.path for skipped in self.skipped if skipped.keep}
        blocked = tuple(f"{path}/" for path in unread)
        for path in sorted(held.keys() - present):
            is_kept = path in unread or path.startswith(blocked)
            (self.kept if is_kept else self.gone).append(path)


def _list(path: Path, only: Collection[str]) -> _Folder:
    """Load the pages of a folder, or one page."""
    sources: list[Source] = []
    skipped: list[Skipped] = []
    for found in find_sources(path):
        if only and found.path.split("/", 1)[0] not in only:
            continue
        if isinstance(found, Source):
            sources.append(found)
        else:
            skipped.append(found)
    if not sources:
        raise NothingToIngest(f"There is no Markdown page to read below {path}; the index stays as it is.")
    return _Folder(sources, skipped, Includes(path if path.is_dir() else path.parent))


def _silent(_stage: str, _done: int, _total: int) -> None:
    """No progress is shown."""
