"""Pages that nobody means well with: what is left is left byte for byte, what is put back fits, in linear time."""

import re
import time

import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tests.study.urdu import in_urdu

from lectern.markdown.esm import looks_like_mdx
from lectern.study.segments import BrokenSegment, CutText, Segment, cut

# A character that was escaped is a placeholder of its own the next time.
WORDS_AND_PAIRS = re.compile(r"[\u0600-\u06ff]{2,}|</?g")
patient = hypothesis_settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])

PIECES = [
    *("# ", "## a {#b}", "- ", "  ", "    ", "\t", "1. ", "> ", "\n", "\n\n", "\r\n", "\r", "  \n", "\\\n", "---\n"),
    *("```", "~~~\n", "`", "``", "$", "$$", "*", "**", "_", "~~", "[", "](", "](b)", ")", "![", "[^1]", "[^1]: "),
    *("<b>", "</b>", "<br/>", "<A b={c}>", "</A>", "<!--", "-->", "<pre>", "</pre>", "{", "}", "{/* a */}", "{{ a }}"),
    *(":::note\n", ":::tip[a b]\n", ":::\n", '!!! note "a b"\n', '=== "c"\n', "|", "|---|---|\n", "| a | b |\n"),
    *("word", "two words", " ", "a", "کتاب", "\0", "\ufeff", "\u2028", "\xa0", "\\", "https://a.b/c", "a@b.cd"),
    *("&amp;", "&copy", "import a from 'b'\n", "export default a\n", "```mdx-code-block\n", "[TOC]", "- [ ] ", ": "),
    *(":tada:", "===\n", "[a]: b\n", "<", "&", "> [!NOTE]\n", "\n---\na: b\n---\n"),
]  # fmt: skip
pages = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)

LONG = {
    "a line": "word " * 40_000,
    "a word": "a" * 200_000,
    "stars": "*a " * 66_000,
    "brackets": "[" * 200_000,
    "links": "[a](b " * 33_000,
    "backticks": "`a " * 66_000,
    "tags": "<a " * 66_000,
    "tags on lines": "<div><p>x y</div>\n" * 11_000,
    "dollars": "$$ a\n" * 40_000,
    "dollar paragraphs": "$$\na b\n\n" * 20_000,
    "headings": "# a b\n\n" * 20_000,
    "quotes": ">" * 2_000 + " a b\n",
    "lists": "".join("  " * depth + "- a b\n" for depth in range(400)),
    "cells": "| a b | c |\n|---|---|\n" + "| d e | f |\n" * 10_000,
    "pipes": "|" * 100_000 + "\n" + "|-" * 50_000,
    "braces": "import a from 'b'\n\n" + "{a " * 60_000,
    "colons": ":a" * 100_000,
    "definitions": "a\n" + ": b\n" * 20_000,
    "line ends": "\r" * 200_000,
    "admonitions": ":::note a b\n" * 10_000,
}


def taken(page: CutText, segment: Segment, text: str) -> dict[int, str]:
    """The text under its segment's number, or nothing when it is refused."""
    try:
        page.restored(segment.number, text)
    except BrokenSegment:
        return {}
    return {segment.number: text}


def page_again(page: CutText, rewritten: dict[int, str]) -> str:
    """The page rewritten; not one that was taken for MDX because of its prose alone, or is now."""
    result = page.whole(rewritten)
    assume(looks_like_mdx(result) == looks_like_mdx(page.whole({})))
    return result


@given(pages, st.sampled_from(["a.md", "a.mdx"]))
@patient
def test_what_is_not_rewritten_is_not_touched(source: str, path: str) -> None:
    """Whatever a page is made of, it comes back byte for byte, as a whole and by sections."""
    page = cut(source, path=path)
    assert page.whole({}) == source
    assert "".join(page.section(number, {}) for number in range(page.section_count)) == source


@given(pages, st.sampled_from(["a.md", "a.mdx"]))
@patient
def test_a_rewritten_page_is_cut_alike(source: str, path: str) -> None:
    """Rewritten and cut again, a page has the same segments: kinds, sections, words, and pairs around them."""
    page = cut(source, path=path)
    rewritten: dict[int, str] = {}
    for segment in page.segments:
        rewritten |= taken(page, segment, in_urdu(segment.text))
    again = cut(page_again(page, rewritten), path=path)
    assert [(each.kind, each.section) for each in again.segments] == [
        (each.kind, each.section) for each in page.segments
    ]
    for before, after in zip(page.segments, again.segments, strict=True):
        text = in_urdu(before.text) if before.number in rewritten else before.text
        assert WORDS_AND_PAIRS.findall(after.text) == WORDS_AND_PAIRS.findall(text)


@given(pages, st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join))
@patient
def test_no_text_breaks_out_of_its_place(source: str, text: str) -> None:
    """Whatever a model writes, it is refused, or the page has as many segments as before, of the same kinds."""
    page = cut(source)
    for segment in page.segments[:3]:
        written = taken(page, segment, segment.text.replace("word", text, 1) + "کتاب")
        again = cut(page_again(page, written))
        assert [each.kind for each in again.segments] == [each.kind for each in page.segments]
        others = [each.text for each in page.segments if each.number != segment.number]
        assert [each.text for each in again.segments if each.number != segment.number] == others


@pytest.mark.parametrize("source", LONG.values(), ids=LONG)
def test_a_long_page_is_cut_in_linear_time(source: str) -> None:
    """200 KB of anything are cut within seconds of processor time, and come back byte for byte."""
    start = time.process_time()
    page = cut(source)
    assert page.whole({}) == source
    assert time.process_time() - start < 60
