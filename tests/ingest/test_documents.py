import time
from pathlib import Path

import pytest

from lectern.ingest import markdown
from lectern.ingest.chunking import ChunkSize
from lectern.ingest.documents import digest_of, read_document, title_from_name
from lectern.ingest.includes import Includes
from lectern.ingest.sources import Skipped, Source
from lectern.ports import Document, Section

SITE = "https://docs.example/base"


def read(text: str, root: Path, path: str = "guide/page.mdx") -> Document | Skipped:
    """Read one page below an (empty) folder."""
    return read_document(Source(path, text), base_url=SITE + "/", includes=Includes(root))


def test_a_source_becomes_a_document(tmp_path: Path) -> None:
    """Title, route, address, source, sections and chunks are all there; the address has one slash at the seam."""
    text = "---\ntitle: A page\nslug: there\n---\n\n# Heading\n\nLead.\n\n## Part\n\n" + "Word. " * 100
    document = read(text, tmp_path)
    assert isinstance(document, Document)
    assert (document.path, document.title, document.source) == ("guide/page.mdx", "A page", text)
    assert (document.route, document.url) == ("/guide/there", SITE + "/guide/there")
    lead, part = document.sections
    assert lead == Section("", (), "Lead.", ("Lead.",))
    assert (part.anchor, part.heading_path, part.text) == ("part", ("Part",), ("Word. " * 100).strip())
    assert [len(piece.split()) for piece in part.chunks] == [50, 51]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("---\ndraft: true\n---\nText", "draft"),
        ("---\nunlisted: true\n---\nText", "unlisted"),
        ("---\ntitle: a: b\n---\nText", "broken front matter: line 2: mapping values are not allowed in this context"),
        ("", "nothing to read"),
        ("---\ntitle: Only this\n---\n\n<!-- nothing -->\n", "nothing to read"),
    ],
)
def test_what_is_not_published_is_named(text: str, reason: str, tmp_path: Path) -> None:
    """Drafts, unlisted, unreadable and empty pages give a reason and no document."""
    keep = reason.startswith("broken")  # what is known of a page stays until the page says otherwise
    assert read(text, tmp_path) == Skipped("guide/page.mdx", reason, keep=keep)


def test_a_defect_of_the_parser_costs_one_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that breaks the parser is named, and what was read of it before is kept."""

    def fail(*_: object, **__: object) -> None:
        raise IndexError

    monkeypatch.setattr(markdown, "_parse", fail)
    assert read("Text", tmp_path) == Skipped("guide/page.mdx", "cannot be parsed: IndexError", keep=True)


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("02-getting_started.md", "Getting started"),
        ("guides/README.md", "Guides"),
        ("01-guides/index.md", "Guides"),
        ("index.md", "Index"),
        ("api/Store.md", "Store"),
        ("2021-11-notes.md", "2021 11 notes"),
    ],
)
def test_a_title_is_made_of_the_name(path: str, title: str) -> None:
    """Without a title and a heading the file's name is made readable; an index takes its folder's."""
    assert title_from_name(path) == title


def digest(text: str, root: Path, path: str = "page.md", base_url: str = SITE, size: ChunkSize | None = None) -> str:
    """The digest of a page, with the files below the root read afresh."""
    return digest_of(Source(path, text), base_url=base_url, includes=Includes(root), size=size or ChunkSize())


def test_digest_stands_for_all_that_decides_a_page(tmp_path: Path) -> None:
    """It is the same for the same, and another for another text, path, base URL or size; a last slash is no change."""
    first = digest("Text", tmp_path)
    assert first == digest("Text", tmp_path) == digest("Text", tmp_path, base_url=SITE + "/")
    others = {
        digest("Text.", tmp_path),
        digest("Text", tmp_path, path="b.md"),
        digest("Text", tmp_path, base_url="https://b.example"),
        digest("Text", tmp_path, size=ChunkSize(most=60)),
    }
    assert len(others | {first}) == 5


@pytest.mark.parametrize(
    "text", ["{{#include _a.md}}", '--8<-- "_a.md"', "import A from './_a.md'\n\n<A />", "{{#include _b.md}}"]
)
def test_digest_changes_with_included_files(text: str, tmp_path: Path) -> None:
    """A change, the coming and the going of an included file, at any remove, changes the page's digest."""
    (tmp_path / "_b.md").write_text("{{#include _a.md}}")
    digests = [digest(text, tmp_path)]
    for content in ("A", "B"):
        (tmp_path / "_a.md").write_text(content)
        digests.append(digest(text, tmp_path))
    assert len(set(digests)) == 3
    (tmp_path / "_a.md").unlink()
    assert digest(text, tmp_path) == digests[0]


def test_document_carries_its_digest(tmp_path: Path) -> None:
    """What is stored with a page is what the next ingest compares with."""
    document = read("Text", tmp_path)
    assert isinstance(document, Document)
    assert document.digest == digest("Text", tmp_path, path="guide/page.mdx")


def test_included_text_is_part_of_the_page(tmp_path: Path) -> None:
    """Textual includes and partials are read as if written there, front matter of partials left out."""
    (tmp_path / "_a.mdx").write_text("---\ntitle: x\n---\nFrom A, {{#include b.txt}}")
    (tmp_path / "b.txt").write_text("from B")
    document = read("import A from '../_a.mdx'\n\n<A />\n\n{{#include ../b.txt}}", tmp_path)
    assert isinstance(document, Document)
    assert document.sections[0].text == "From A, from B\n\nfrom B"


HOSTILE = {
    "quotes": ">" * 10_000 + " x",
    "spaced quotes": "> " * 10_000 + "x",
    "lists": "- " * 10_000 + "x",
    "deep list": "\n".join("  " * level + "- x" for level in range(1_000)),
    "admonitions": "\n".join("    " * level + "!!! n" for level in range(300)),
    "brackets": "[" * 50_000,
    "links": "[a](" * 50_000,
    "images": "![" * 50_000,
    "stars": "*a_ " * 50_000,
    "ticks": "".join("`" * length + "a " for length in range(500)),
    "tags": '<a b="' * 20_000,
    "tag lines": "<A b={[\n" * 20_000,
    "tags in tags": "<A>" * 20_000,
    "braces": "{" * 50_000,
    "strings": '{"' * 50_000,
    "comments": "<!--\n" * 20_000,
    "pre": "<pre>" * 20_000,
    "imports": "import {\n\n" * 5_000,
    "colons": ":::a\n" * 10_000,
    "fences": "```mdx-code-block\n" * 10_000,
    "heading ids": "## a" + " " * 100_000 + "}",
    "heading comments": "## a " + "{/*" * 30_000 + "*/}",
    "headings": "## x\n" * 10_000,
    "cells": "|a" * 20_000 + "\n" + "|-" * 20_000 + "\n" + "|b" * 20_000,
    "includes": "{{#include x}}\n" * 20_000,
    "snippets": "--8<--\n" * 20_000,
    "one word": "a" * 4_900_000,
    "blank lines": "\n" * 1_000_000,
    "attributes": "<A " + 'title="x" ' * 5_000 + "/>",
}


@pytest.mark.parametrize("suffix", ["md", "mdx"])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pages_are_bounded(name: str, suffix: str, tmp_path: Path) -> None:
    """Nesting and openings without end neither exhaust the stack nor take minutes."""
    started = time.process_time()
    document = read(HOSTILE[name], tmp_path, f"page.{suffix}")
    assert isinstance(document, Document) or document.reason == "nothing to read"
    assert time.process_time() - started < 30
