"""Which page a reader means, by any form of its slug that front ends send, and what of it is rewritten.

Slugs and routes are compared decoded, without slashes around them and in any case. What a page is known by is tried in
this order: its route, its address on the site, its file, the last part of its route; and all of that again without the
name of a site before it.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

import anyio.to_thread
from anyio import CapacityLimiter

from lectern.errors import ChapterNotFound
from lectern.markdown.esm import without_esm
from lectern.markdown.frontmatter import BrokenFrontMatter, split_front_matter
from lectern.ports import Document, Index, Page
from lectern.study.near_matches import near_matches
from lectern.study.recent import Recent

_ORIGIN: Final = re.compile(r"^[a-z][a-z0-9+.-]*://[^/?#]*", re.IGNORECASE)
_SUFFIX: Final = re.compile(r"\.(?:mdx?|markdown|html?)$")
_INDEX: Final = re.compile(r"(?:^|/)(?:index|readme)$")

_SUGGESTED: Final = 3
_MOST_LOOKUPS: Final = 8
"""Lists of pages that are kept prepared: one of all pages, and those of sites that were named."""

_MOST_CHAPTERS: Final = 32
_KEPT_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Chapter:
    """A page as it is rewritten.

    Attributes:
        site: The site it belongs to.
        path: Its file; its ending tells whether it is MDX.
        slug: Its route without the leading slash.
        title: Its title, plain text.
        markdown: Its text without front matter, imports and exports, which no Markdown renderer would show rightly.
    """

    site: str
    path: str
    slug: str
    title: str
    markdown: str

    @classmethod
    def of(cls, site: str, document: Document) -> "Chapter":
        """The chapter that a document is."""
        try:
            body = split_front_matter(document.source)[1]
        except BrokenFrontMatter:  # ingest refuses such a page; what an older version took is shown whole
            body = document.source
        markdown = without_esm(body, path=document.path).lstrip("\r\n")
        return cls(site, document.path, document.route.removeprefix("/"), document.title, markdown)


class Chapters:
    """Finds chapters in an index.

    Args:
        index: The index.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._lookups: Recent[str | None, Lookup] = Recent(_MOST_LOOKUPS, seconds=_KEPT_SECONDS)
        self._chapters: Recent[tuple[str, str, str], Chapter] = Recent(_MOST_CHAPTERS, seconds=_KEPT_SECONDS)
        # Not one of `processor_threads`: chapters that wait here are no pressure on those who answer questions.
        self._threads = CapacityLimiter(1)

    async def find(self, slug: str, site: str | None = None) -> Chapter:
        """The chapter of a slug.

        Args:
            slug: A page's route or address in any form, of any content.
            site: Whose; looked for in all when left out.

        Raises:
            ChapterNotFound: There is none, or several; the message names some that there are.
            IndexUnavailable: The index cannot be read.
        """
        pages = await self._index.pages(site)
        lookup = self._lookups.get(site)
        if lookup is None or lookup.pages is not pages:
            lookup = await anyio.to_thread.run_sync(Lookup, pages, limiter=self._threads)
            self._lookups.put(site, lookup)
        found = lookup.find(slug)
        document = await self._index.document(found[0].site, found[0].route) if len(found) == 1 else None
        if document is None:
            raise await anyio.to_thread.run_sync(_refusal, lookup, slug, found, limiter=self._threads)
        key = (found[0].site, document.path, document.digest)
        chapter = self._chapters.get(key)
        if chapter is None:  # its Markdown may be long, and is looked through
            chapter = await anyio.to_thread.run_sync(Chapter.of, found[0].site, document, limiter=self._threads)
            self._chapters.put(key, chapter)
        return chapter


class Lookup:
    """The pages of a list by what they are known by.

    Args:
        pages: The list; it does not change.

    Attributes:
        pages: As given.
    """

    def __init__(self, pages: Sequence[Page]) -> None:
        self.pages = pages
        self._sites = {page.site.casefold() for page in pages}
        self._ways = (
            _by_key((_key(page.route), page) for page in pages),
            _by_key((_key(urlsplit(page.url).path), page) for page in pages),
            _by_key((_key(page.path), page) for page in pages),
            _by_key((_key(page.route).rpartition("/")[2], page) for page in pages),
        )

    def find(self, slug: str) -> list[Page]:
        """The pages that a slug may mean: one, none, or those between which it does not tell."""
        wanted = _path_of(slug)
        found = self._of(wanted)
        site, _, rest = wanted.partition("/")
        if not found and site.casefold() in self._sites:
            found = [page for page in self._of(rest) if page.site.casefold() == site.casefold()]
        return found

    def _of(self, wanted: str) -> list[Page]:
        key = _key(wanted)
        for way in self._ways:
            found = way.get(key, [])
            # Pages of one route are one page to a reader.
            told_apart = list({(page.site, page.route): page for page in reversed(found)}.values())
            same_case = [page for page in told_apart if _path_of(page.route) == wanted]
            if found:
                return same_case if len(same_case) == 1 else told_apart[::-1]
        return []


def _by_key(keyed: Iterable[tuple[str, Page]]) -> dict[str, list[Page]]:
    pages: dict[str, list[Page]] = {}
    for key, page in keyed:
        pages.setdefault(key, []).append(page)
    return pages


def _path_of(slug: str) -> str:
    """A slug without what does not tell pages apart: origin, query, fragment, encoding and slashes around it."""
    path = re.split(r"[?#]", _ORIGIN.sub("", slug.strip()), maxsplit=1)[0]
    return unicodedata.normalize("NFC", unquote(path)).strip("/ ")


def _key(path: str) -> str:
    """What a page is found under: the path without the ending of a file, in small letters."""
    return _INDEX.sub("", _SUFFIX.sub("", _path_of(path).casefold()))


def _refusal(lookup: Lookup, slug: str, found: Sequence[Page]) -> ChapterNotFound:
    """Why a slug names no chapter, with chapters that it may mean."""
    if len(found) > 1:
        named = ", ".join(f"“{page.site}{page.route}”" for page in found[:_SUGGESTED])
        return ChapterNotFound(f"There are several chapters of this name; say which: {_short(named)}")
    near = near_matches(_path_of(slug), lookup.pages, most=_SUGGESTED)
    if not near:
        return ChapterNotFound()
    named = ", ".join(f"“{_short(page.route.removeprefix('/'))}”" for page in near)
    return ChapterNotFound(f"There is no such chapter. Near it are: {named}")


def _short(text: str, most: int = 70) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
