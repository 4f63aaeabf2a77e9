"""Routes, titles and anchors against what the real Docusaurus made of the same pages (docusaurus/build.sh)."""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from lectern.ingest.documents import read_document
from lectern.ingest.includes import Includes
from lectern.ingest.sources import Source, load_source
from lectern.ports import Document

HERE = Path(__file__).parent / "docusaurus"
NASTY: dict[str, Any] = json.loads((HERE / "nasty.json").read_text(encoding="utf-8"))
REDUX: dict[str, Any] = json.loads((HERE / "redux.json").read_text(encoding="utf-8"))
CORPUS = Path(os.environ.get("LECTERN_CORPUS", Path(__file__).parents[3] / "shared/corpora/redux-docs/docs"))

# Docusaurus prints no id on a second h1, and reads every `.md` file as MDX, where indented text is no code.
OURS_ONLY = {"headings/levels.md": {"late-title"}, "headings/several-titles.md": {"second", "first-1"}}
# A heading without any text opens no section.
THEIRS_ONLY = {"headings/levels.md": {"indented"}, "headings/markup.mdx": {"-1"}}
# Docusaurus shows the file's name, or the heading's source, where a reader of search results wants words.
OUR_TITLES = {
    "02-guides/guides.md": "Guides",
    "01-getting-started/02_next.md": "Next steps with code",
    "titles/heading.md": "Heading with code and link",
}


def check(document: object, expected: dict[str, Any], path: str) -> None:
    """Compare a page with the oracle's."""
    assert isinstance(document, Document), document
    assert document.route == quote(expected["route"], safe="/&=+$!*'()#;,?:@%")
    assert document.url == "https://docs.example" + document.route
    ours = [section.anchor for section in document.sections if section.anchor]
    assert [anchor for anchor in ours if anchor not in OURS_ONLY.get(path, ())] == [
        anchor for anchor in expected["anchors"] if anchor not in THEIRS_ONLY.get(path, ())
    ]


@pytest.mark.parametrize("path", sorted(set(NASTY) - {"titles/unlisted.md"}))
def test_nasty_pages_have_docusaurus_routes_and_anchors(path: str) -> None:
    """Prefixes, slugs, ids, index pages, explicit ids, markup, languages and frames give Docusaurus's links."""
    source = load_source(HERE / "nasty", path)
    assert isinstance(source, Source)
    document = read_document(source, base_url="https://docs.example/", includes=Includes(HERE / "nasty"))
    check(document, NASTY[path], path)


@pytest.mark.parametrize("path", sorted(path for path in NASTY if path.startswith(("titles/", "01-", "02-"))))
def test_titles_are_docusaurus_titles(path: str) -> None:
    """The front matter's title wins over the first heading, which wins over the name; markup is taken off."""
    source = load_source(HERE / "nasty", path)
    assert isinstance(source, Source)
    document = read_document(
        Source(path, source.text.replace("unlisted: true", "")), base_url="", includes=Includes(HERE / "nasty")
    )
    assert isinstance(document, Document)
    expected = NASTY[path]["title"]
    assert document.title == OUR_TITLES.get(path, expected[:1].upper() + expected[1:])


@pytest.mark.parametrize("path", sorted(REDUX))
def test_redux_outlines_have_docusaurus_routes_and_anchors(path: str, tmp_path: Path) -> None:
    """The headings and front matter of a real site's pages give the links that the site has."""
    document = read_document(
        Source(path, REDUX[path]["outline"] + "\n\nText.\n"),
        base_url="https://docs.example",
        includes=Includes(tmp_path),
    )
    check(document, REDUX[path], path)
    assert isinstance(document, Document)
    assert document.title == REDUX[path]["title"]


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the Redux docs are not at LECTERN_CORPUS")
def test_redux_pages_have_docusaurus_routes_and_anchors() -> None:
    """Whole pages with their code, tags and partials give the links that the site has; no page is missed."""
    includes = Includes(CORPUS)
    for path, expected in REDUX.items():
        source = load_source(CORPUS.resolve(), path)
        assert isinstance(source, Source)
        check(read_document(source, base_url="https://docs.example", includes=includes), expected, path)


def test_oracle_has_enough_pages() -> None:
    """The comparison is made on at least thirty real pages and on every nasty one that Docusaurus publishes."""
    assert len(REDUX) >= 30
    pages = {path.relative_to(HERE / "nasty").as_posix() for path in (HERE / "nasty").rglob("*.md*")}
    partials = {path for path in pages if path.startswith("_") or "/_" in path}
    assert pages - partials - {"titles/draft.md"} == set(NASTY)
