"""Rewritten texts put back: what a model may change, and what is refused or written so that it means itself."""

import re

import pytest
from tests.study.structure import differences, structure

from lectern.study.segments import BrokenSegment, CutText, cut

LINKED = "See [the **docs**](a.md) of `f` now"  # See <g1>the <g2>docs</g2></g1> of <x3/> now

REFUSED = {
    "nothing": ("", "empty"),
    "only placeholders": ("<g1><g2></g2></g1><x3/>", "empty_pair"),
    "a placeholder is missing": ("<g1>a <g2>b</g2></g1> c", "missing_placeholder"),
    "a pair is missing": ("<g1>a b</g1> <x3/>", "missing_placeholder"),
    "a placeholder twice": ("<g1>a <g2>b</g2></g1> <x3/> <x3/>", "extra_placeholder"),
    "a pair twice": ("<g1>a <g2>b</g2></g1> <x3/> <g1>c</g1>", "extra_placeholder"),
    "an unknown placeholder": ("<g1>a <g2>b</g2></g1> <x3/> <x4/>", "extra_placeholder"),
    "a pair as a single": ("<g1>a <x2/></g1> <x3/>", "extra_placeholder"),
    "a single as a pair": ("<g1>a <g2>b</g2></g1> <g3>c</g3>", "extra_placeholder"),
    "an empty pair as one tag": ("<g1/>a <g2>b</g2> <x3/>", "extra_placeholder"),
    "a pair that is not closed": ("<g1>a <g2>b</g2> <x3/>", "moved_placeholder"),
    "a pair that is closed only": ("a <g2>b</g2></g1> <x3/>", "moved_placeholder"),
    "an unclosed end": ("<x3/> <g1>a <g2>b</g2> c", "unbalanced"),
    "crossing pairs": ("<g1>a <g2>b</g1> c</g2> <x3/>", "unbalanced"),
    "an empty pair": ("<g1>a <g2></g2></g1> b <x3/>", "empty_pair"),
    "a blank pair": ("<g1>a <g2> </g2></g1> b <x3/>", "empty_pair"),
    "out of its pair": ("<g1>a</g1> <g2>b</g2> <x3/>", "moved_placeholder"),
    "into a pair": ("<g1>a <g2>b <x3/></g2></g1> c", "moved_placeholder"),
    "a tag": ("<g1>a <g2>b</g2></g1> <x3/> <b>c</b>", "markup"),
    "a script": ("<g1>a <g2>b</g2></g1> <x3/> <script>alert(1)</script>", "markup"),
    "half a tag": ("<g1>a <g2>b</g2></g1> <x3/> <img src=x onerror=y", "markup"),
    "a comment": ("<g1>a <g2>b</g2></g1> <x3/> <!-- c -->", "markup"),
    "a link": ("<g1>a <g2>b</g2></g1> <x3/> [c](http://d)", "markup"),
    "an image": ("<g1>a <g2>b</g2></g1> <x3/> ![c](d)", "markup"),
    "an address": ("<g1>a <g2>b</g2></g1> <x3/> http://c.d", "markup"),
    "a flood": ("<g1>a <g2>b</g2></g1> <x3/> " + "c " * 20_000, "structure"),
    "code": ("<g1>a <g2>b</g2></g1> <x3/> `c`", "markup"),
}

MEANT = {
    "order": ("<x3/> a <g1><g2>b</g2> c</g1>", "`f` a [**b** c](a.md)"),
    "lines": ("a\n\n<g1>b\n<g2>c</g2></g1>\r\n\t<x3/>\u2028d\x00e", "a [b **c**](a.md) `f` d e"),
    "blanks inside emphasis": ("<g1>a<g2> b </g2>c</g1> <x3/> d", "[a **b** c](a.md) `f` d"),
    "emphasis beside letters": ("<g1>یہ<g2>«ب»</g2>ہے</g1> <x3/> کا", "[یہ **«ب»** ہے](a.md) `f` کا"),
    "characters": (
        "a &lt; b < c &amp; d & e &quot; <g1>f<g2>g</g2></g1> <x3/>",
        'a &lt; b &lt; c & d & e " [f**g**](a.md) `f`',
    ),
    "entities": ("&amp;copy; a <g1>b<g2>c</g2></g1> <x3/>", "&amp;copy; a [b**c**](a.md) `f`"),
    "stars": ("*a* <g1>b<g2>c</g2></g1> <x3/> 2 * 3 _d_", "\\*a\\* [b**c**](a.md) `f` 2 \\* 3 \\_d\\_"),
    "a lone star": ("2 * 3 <g1>b<g2>c</g2></g1> <x3/>", "2 * 3 [b**c**](a.md) `f`"),
    "an exclamation before a link": ("a!<g1>b<g2>c</g2></g1> <x3/>", "a\\![b**c**](a.md) `f`"),
    "a backslash before code": ("<g1>b<g2>c</g2></g1> a\\<x3/>", "[b**c**](a.md) a\\\\`f`"),
    "tags that are spelled out": ("&lt;b&gt; <g1>b<g2>c</g2></g1> <x3/>", "&lt;b> [b**c**](a.md) `f`"),
    "brackets": ("a <g1>b]<g2>c</g2></g1> <x3/>", "a [b\\]**c**](a.md) `f`"),
    "braces": ("{a} <g1>b<g2>c</g2></g1> <x3/>", "\\{a\\} [b**c**](a.md) `f`"),
}  # fmt: skip

BLOCKS = [
    *(
        "# a",
        "- a",
        "+ a",
        "* a",
        "1. a",
        "12) a",
        "> a",
        "``` a",
        "~~~ a",
        ":::note a",
        '!!! note "a"',
        '??? note "a"',
    ),
    *(
        '=== "a"',
        "--- a",
        "---",
        "=== a",
        "===",
        "***",
        "___ a",
        "| a | b |",
        ": a",
        "[a]: b",
        "[^a]: b",
        "$$ a",
        "    a",
    ),
    *(
        "import a from 'b'",
        "export default a",
        "\ta",
        "{a}",
        "<!-- a",
        "a\n---",
        "a\n===",
        "a\n\nb",
        "a\n- b",
        "a |\n-|",
    ),
    *(
        "a  \n# b",
        "a\\",
        "a \\",
        "a #",
        "a {#b}",
        "a {: .b }",
        "a **",
        "a ]",
        "a `",
        "a $b$",
        "a :::",
        "[a] b",
        "![a] b",
    ),
    *("[x] a", '"a" b'),
]

FRAMES = {
    "paragraph": "z {}\n\nnext `c`\n",
    "before a list": "{}\n- next\n",
    "quote": "> {}\n> ok\n\nnext",
    "item": "1. {}\n   more\n2. next\n   - x\n",
    "task": "- [ ] {}\n- [x] next\n",
    "heading": "## {} {{#id}}\n\nnext\n",
    "underlined": "{}\n---\n\nnext\n",
    "cell": "| {} | b |\n|---|---|\n| c | d |\n",
    "tight cell": "|{}|b|\n|-|-|\n|c|d|\n",
    "bare cells": "{} | b\n--|--\nc | d\n\nnext",
    "bare cells below": "a | b\n--|--\n{} | d\ne | f\n\nnext",
    "title": ":::tip[{}]\nbody\n:::\n",
    "plain title": ":::tip {}\nbody\n:::\n",
    "footnote": "a[^1]\n\n[^1]: {}\n",
    "after a hard break": "a  \n{}\n\nb",
    "summary": "<details>\n<summary>{}</summary>\n\nb\n\n</details>\n",
}


def rewritten(page: CutText, number: int, text: str) -> tuple[str, str]:
    """The page with one segment rewritten, or why it is refused."""
    try:
        return page.whole({number: text}), ""
    except BrokenSegment as broken:
        return "", broken.reason


def test_the_sentence_of_the_tables() -> None:
    """The tables speak of this text."""
    assert [segment.text for segment in cut(LINKED).segments] == ["See <g1>the <g2>docs</g2></g1> of <x3/> now"]


@pytest.mark.parametrize(("text", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_lost_or_gained_something_is_refused(text: str, reason: str) -> None:
    """A text whose placeholders are not those of the original, or with markup of its own, says what is wrong."""
    with pytest.raises(BrokenSegment) as caught:
        cut(LINKED).restored(0, text)
    assert caught.value.reason == reason


@pytest.mark.parametrize(("text", "markdown"), MEANT.values(), ids=MEANT)
def test_text_means_itself(text: str, markdown: str) -> None:
    """What a model writes becomes Markdown that is read as what it wrote."""
    assert cut(LINKED).restored(0, text) == markdown


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_text_starts_no_block(frame: str) -> None:
    """Wherever a text stands, one that looks like another block stays text there, or is refused; most stay."""
    source = frame.format("words here")
    page = cut(source)
    number = next(segment.number for segment in page.segments if "words here" in segment.text)
    original = page.segments[number].text
    refused = 0
    for block in BLOCKS:
        result, reason = rewritten(page, number, original.replace("words here", block))
        assert reason in {"", "markup", "structure", "empty"}, block
        refused += reason != ""
        if reason:
            continue
        assert differences(structure(source), structure(result)) == [], (block, result)
        again = cut(result) if re.search("[ab]", block) else page
        assert [segment.kind for segment in again.segments] == [segment.kind for segment in page.segments], (
            block,
            result,
        )
    assert refused <= 6


def test_mdx_stays_mdx() -> None:
    """In MDX, braces and modules of a text are no code."""
    page = cut("import A from 'a'\n\nwords {x} here", path="a.mdx")
    assert page.restored(0, "{a} <x1/> b") == "\\{a\\} {x} b"
    assert page.restored(0, "import B from 'b' <x1/>").startswith("&#105;mport B")


def test_hard_breaks_stay_between_lines() -> None:
    """A hard break keeps its line's prefix, and may come neither first nor last."""
    page = cut("> a  \n> b\\\n> c")
    assert page.segments[0].text == "a<x1/>b<x2/>c"
    assert page.restored(0, "d <x1/> - e<x2/># f") == "d  \n> \\- e\\\n> \\# f"
    for text in ("<x1/>a b<x2/>c", "a<x1/>b c<x2/>"):
        with pytest.raises(BrokenSegment):
            page.restored(0, text)


def test_addresses_stand_apart() -> None:
    """A bare address gets a blank where letters would be read as more of it."""
    assert cut("See https://a.b/c now").restored(0, "یہ<x1/>ہے") == "یہ https://a.b/c ہے"


def test_a_reference_keeps_its_definition() -> None:
    """A link whose text is its definition's name keeps the name when the text changes."""
    page = cut("See [the docs] and [`f`][]\n\n[The Docs]: x\n[`f`]: y")
    assert page.restored(0, "<g1>یہ</g1> <x2/> a") == "[یہ][the docs] [`f`][] a"


def test_generics_of_the_page_may_be_repeated() -> None:
    """What looks like a tag and is the page's own text is text when a model leaves it unescaped, too."""
    page = cut("An Array<string> here")
    assert page.restored(0, "یہ Array<string> ہے") == "یہ Array&lt;string> ہے"
    assert page.restored(0, "یہ Array&lt;string> ہے") == "یہ Array&lt;string> ہے"
