"""How a chapter is found, and what of its page is rewritten."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.sample_pages import page, section

from lectern.adapters.local_index import LocalIndex
from lectern.errors import ChapterNotFound
from lectern.ports import Document, Page
from lectern.study.chapters import Chapters, Lookup
from lectern.study.near_matches import near_matches


def at(route: str, title: str = "A page", *, path: str | None = None, url: str | None = None) -> Document:
    """A page of this route."""
    document = page(path or f"{route.strip('/') or 'index'}.md", title, section("Text."))
    return replace(document, route=route, url=url or f"https://book.example/en{route}")


PAGES = (
    at("/docs/intro", "Introduction"),
    at("/docs/module-1/nodes", "Nodes and topics", path="docs/01-module/02-nodes.mdx"),
    at("/docs/module-1/week-1", "Week one"),
    at("/docs/module-2/week-1", "Week one again"),
    at("/docs/gr%C3%BC%C3%9Fe/urdu", "Greetings"),
    at("/docs/Case", "Upper"),
    at("/docs/case", "Lower", path="docs/case-lower.md"),
    at("/", "Home"),
)


@pytest.fixture
async def index(tmp_path: Path) -> AsyncIterator[LocalIndex]:
    """A book, and another site with one page of the same route and one of its own."""
    index = LocalIndex(tmp_path / "index")
    async with index.update("book") as update:
        await update.put(PAGES)
    async with index.update("blog") as update:
        await update.put([at("/docs/intro", "Hello"), at("/2024/news", "News")])
    yield index
    await index.close()


@pytest.mark.parametrize(
    ("slug", "route"),
    [
        ("docs/module-1/nodes", "docs/module-1/nodes"),
        ("/docs/module-1/nodes/", "docs/module-1/nodes"),
        ("  docs/module-1/nodes.md ", "docs/module-1/nodes"),
        ("docs/module-1/nodes.mdx#topics", "docs/module-1/nodes"),
        ("docs/module-1/nodes?lang=ur", "docs/module-1/nodes"),
        ("docs%2Fmodule-1%2Fnodes", "docs/module-1/nodes"),
        ("DOCS/Module-1/Nodes", "docs/module-1/nodes"),
        ("nodes", "docs/module-1/nodes"),
        ("docs/01-module/02-nodes.mdx", "docs/module-1/nodes"),
        ("https://book.example/en/docs/module-1/nodes", "docs/module-1/nodes"),
        ("en/docs/module-1/nodes", "docs/module-1/nodes"),
        ("book/docs/module-1/nodes", "docs/module-1/nodes"),
        ("book/nodes", "docs/module-1/nodes"),
        ("docs/module-1/nodes/index", "docs/module-1/nodes"),
        ("docs/grüße/urdu", "docs/gr%C3%BC%C3%9Fe/urdu"),
        ("docs/gr%C3%BC%C3%9Fe/urdu", "docs/gr%C3%BC%C3%9Fe/urdu"),
        ("docs/gru\u0308ße/urdu", "docs/gr%C3%BC%C3%9Fe/urdu"),
        ("docs/case", "docs/case"),
        ("docs/Case", "docs/Case"),
        ("/", ""),
        ("/#top", ""),
    ],
)
async def test_a_chapter_is_found_by_any_form_of_its_slug(index: LocalIndex, slug: str, route: str) -> None:
    """As pages, browsers and authors write it."""
    assert (await Chapters(index).find(slug, "book")).slug == route


async def test_a_site_before_the_slug_is_looked_into(index: LocalIndex) -> None:
    """Where no page has such a route; without it all sites are looked into."""
    chapters = Chapters(index)
    assert (await chapters.find("blog/docs/intro")).title == "Hello"
    assert (await chapters.find("Book/docs/intro")).title == "Introduction"
    assert (await chapters.find("docs/module-1/nodes")).site == "book"
    assert (await chapters.find("news")).site == "blog"


@pytest.mark.parametrize("slug", ["docs/intro", "week-1", "docs/CASE"])
async def test_a_slug_that_several_pages_have_names_them(index: LocalIndex, slug: str) -> None:
    """Guessing would show, and pay for, another chapter than was meant."""
    with pytest.raises(ChapterNotFound, match=r"say which: “(book|blog)/docs/.*”, “book/docs/.*”"):
        await Chapters(index).find(slug)


@pytest.mark.parametrize(
    ("slug", "suggested"),
    [
        ("docs/module-1/node", "docs/module-1/nodes"),
        ("docs/introduction", "docs/intro"),
        ("Nodes and topic", "docs/module-1/nodes"),
        ("weeek-1", "docs/module-1/week-1"),
    ],
)
async def test_an_unknown_chapter_names_those_that_are_near(index: LocalIndex, slug: str, suggested: str) -> None:
    """By route or by title, at most three, in a message that is short enough to be shown."""
    with pytest.raises(ChapterNotFound) as refusal:
        await Chapters(index).find(slug, "book")
    assert f"“{suggested}”" in refusal.value.message
    assert refusal.value.message.count("“") <= 3
    assert len(refusal.value.message) <= 300


@pytest.mark.parametrize("slug", ["qqqq", "../../etc/passwd", "%00", "%ff%fe", "a" * 5000, "nodes/nodes"])
async def test_what_is_no_chapter_is_not_found(index: LocalIndex, slug: str) -> None:
    """Whatever it is; what was asked is not repeated."""
    with pytest.raises(ChapterNotFound) as refusal:
        await Chapters(index).find(slug, "book")
    assert slug not in refusal.value.message


async def test_an_ingest_is_seen_by_the_next_look(index: LocalIndex) -> None:
    """What was prepared of the pages of before is not asked any more."""
    chapters = Chapters(index)
    assert (await chapters.find("intro", "book")).title == "Introduction"
    async with index.update("book") as update:
        await update.remove(["docs/intro.md"])
        await update.put([at("/docs/start", "Start")])
    assert (await chapters.find("start", "book")).title == "Start"
    with pytest.raises(ChapterNotFound):
        await chapters.find("docs/intro", "book")


async def test_a_chapter_is_its_text_without_what_only_a_site_reads(index: LocalIndex) -> None:
    """Front matter, imports and exports go; everything else stays, byte by byte."""
    kept = (
        "# Nodes {#nodes}\r\n\r\n<Tabs>\r\n\r\n```js\r\nimport x from 'y'\r\n```\r\n</Tabs>\r\n\r\n"
        "import duties are high.\r\n"
    )
    source = (
        "---\ntitle: Nodes\nslug: nodes\n---\n\n"
        "import Tabs from '@theme/Tabs';\nimport {\n  A,\n\n  B,\n} from './a';\n\n"
        "export const x = {\n\n  a: 1,\n};\n\n"
    )
    document = replace(at("/docs/mdx", "Nodes", path="docs/mdx.mdx"), source=source + kept)
    async with index.update("book") as update:
        await update.put([document])
    chapter = await Chapters(index).find("docs/mdx", "book")
    assert (chapter.title, chapter.path, chapter.markdown) == ("Nodes", "docs/mdx.mdx", kept)


def test_near_matches_are_bounded_and_those_with_a_word_in_common_come_first() -> None:
    """Of a great many pages a few hundred are compared: the right one is among them by its word."""
    pages = [Page("s", f"{n}.md", f"/part/{n:05}", f"Chapter {n}", "") for n in range(20_000)]
    pages.append(Page("s", "z.md", "/part/quaternions", "Quaternions", ""))
    assert near_matches("chapter/quaternions-2", pages, most=3)[0].path == "z.md"
    assert len(near_matches("chapter 1", pages, most=3)) == 3


def test_a_route_that_two_pages_have_is_one_chapter() -> None:
    """The index shows the first of them by path, too."""
    pages = [Page("s", path, "/same", path, "") for path in ("a.md", "b.md")]
    assert Lookup(pages).find("same") == [pages[0]]
