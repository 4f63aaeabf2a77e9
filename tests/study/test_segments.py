"""What of a page is offered to a model, and as what."""

import subprocess
import sys
from textwrap import dedent

import pytest
from tests.study.urdu import in_urdu

from lectern.study.glossary import parse_glossary
from lectern.study.segments import cut

TEXTS = {
    "paragraph lines": ("One\ntwo   three", ["One two three"]),
    "heading": ("## A title ##\n\n# Other {#id}", ["A title", "Other"]),
    "underlined headings": ("A title\nof two lines\n===\n\nb c {#x}\n---", ["A title of two lines", "b c"]),
    "code span": ("Call `f(x)` now", ["Call <x1/> now"]),
    "math": ("Let $a_b$ and $$c$$ be, for $5 and $6", ["Let <x1/> and <x2/> be, for $5 and $6"]),
    "inline link": ('See [the *docs*](http://a.b/c "t") now', ["See <g1>the <g2>docs</g2></g1> now"]),
    "reference links": ("See [one][r], [r] and [r][] x\n\n[r]: y", ["See <g1>one</g1>, <g2>r</g2> and <g3>r</g3> x"]),
    "link around code": ("See [`f`](x) now", ["See <x1/> now"]),
    "addresses": ("At <https://a.b>, https://c.d/e_f. or www.g.h a@b.cd", ["At <x1/>, <x2/>. or <x3/> <x4/>"]),
    "image": ("An ![alt *text*](i.png) here", ["An <x1/> here"]),
    "emphasis": ("a **b _c_** ~~d~~", ["a <g1>b <g2>c</g2></g1> <g3>d</g3>"]),
    "tags": ('a <b class="x">c</b> d<br/>e <i>f', ["a <g1>c</g1> d<x2/>e <x3/>f"]),
    "code tags": ("press <kbd>Enter</kbd> now", ["press <x1/> now"]),
    "comment": ("a <!-- no words --> b", ["a <x1/> b"]),
    "footnotes": ("a[^n1] b\n\n[^n1]: Word\n\n[^2]: Two words", ["a<x1/> b", "Word", "Two words"]),
    "entities and escapes": ("a &copy; \\* C:\\users b", ["a <x1/> <x2/> C:\\users b"]),
    "characters of placeholders": ("a < b & c Array<string>", ["a &lt; b &amp; c Array&lt;string>"]),
    "emoji": ("a :tada: at 10:30:20 b", ["a <x1/> at 10:30:20 b"]),
    "hard breaks": ("a  \nb\\\nc", ["a<x1/>b<x2/>c"]),
    "lists": ("- a\n  b\n  1. c\n     - [ ] d\n- e", ["a b", "c", "d", "e"]),
    "quotes": ("> a\n> b\nc\n>\n> > d\n> > e", ["a b c", "d e"]),
    "alert": ("> [!NOTE]\n> a b\n\n> [!INFO] c d", ["a b", "c d"]),
    "table": ("| a | `b` |\n|---|---|\n| c \\| d | |\n| e `f\\|g` | h |", ["a", "c <x1/> d", "e <x1/>", "h"]),
    "table in a quote": ("> | a | b |\n> |--|--|\n> c | d", ["a", "b", "c", "d"]),
    "table in a list": ("- | a |\n  |---|\n  | b |\n\n1. c | d\n   --|--", ["a", "b", "1. c", "d"]),
    "bare table": ("a | b\n--|--\nc | d | e\n| f |", ["a", "b", "c", "d", "f"]),
    "admonitions": (":::tip A `b` c\nd\n:::\n\n:::note\ne\n:::", ["A <x1/> c", "d", "e"]),
    "labelled admonitions": (':::tip[A b]{.c}\n:::\n\n::: info{title="D e" #f}\n:::', ["A b", "D e"]),
    "tool's mark": ("::: package.module\n\na", ["a"]),
    "indented admonitions": ('!!! note "A b"\n    c\n\n=== "D e"\n    f', ["A b", "c", "D e", "f"]),
    "untitled admonition": ("!!! note\n    c", ["c"]),
    "front matter": ("---\ntitle: No words\n---\na", ["a"]),
    "broken front matter": ("---\ntitle: 'No\n---\na", ["a"]),
    "rules around text": ("---\nA list\n---\n\na", ["A list", "a"]),
    "code": ("a\n\n    indented\n\n```js\nfenced\n```\n\n~~~\nunclosed", ["a"]),
    "math block": ("a\n\n$$\nno words\n$$\n\nb", ["a", "b"]),
    "html": ('<div title="no">\n\na\n\n</div>\n\n<p>b c</p>\n\n<h2 id="x">d e</h2>', ["a", "b c", "d e"]),
    "raw html": ("<pre>no words</pre>\n\n<script>\nno\n\nwords\n</script>\n\na", ["a"]),
    "details": ("<details>\n<summary>More <b>x</b></summary>\n\na\n\n</details>", ["More <g1>x</g1>", "a"]),
    "definitions": ('[a]: http://x "no words"\n\nb', ["b"]),
    "definition list": ("Term\n: A meaning\n  of it\n: Another", ["Term", "A meaning of it", "Another"]),
    "marks of generators": ('[TOC]\n\n--8<-- "a.md"\n\n*[HTML]: words\n\n{{ x y }} a', ["<x1/> a"]),
    "nothing to say": ("1.5 `a`\n\n---\n\n- ![b](c)\n- 42 %\n- **`d`**", []),
    "only a link": ("- [A b](c)\n- **d**\n- ![e](f) g <br>", ["A b", "d", "g"]),
    "wrapped for Docusaurus": ("a\n```mdx-code-block\n<X>\n```\nb", ["a", "b"]),
    "byte order mark": ("\ufeff# a\n\nb", ["a", "b"]),
    "line ends": ("a\r\nb\r\n\r\n> c  \r\n> d\r\n\re", ["a b", "c<x1/>d", "e"]),
    "zero": ("a\0b `c\0d`", ["a\ufffdb <x1/>"]),
}  # fmt: skip

MDX = {
    "modules": ("import A from 'a'\n\nexport const b = 'c d'\n\ne", ["e"]),
    "expressions": ("a {props.b} c {/* d */}", ["a <x1/> c <x2/>"]),
    "components": ("<Tabs>\n<A label='no'>\n\n    a\n\n</A>\n</Tabs>\n\nb <Icon name='c' /> d", ["a", "b <x1/> d"]),
}  # fmt: skip


@pytest.mark.parametrize(("source", "texts"), TEXTS.values(), ids=TEXTS)
def test_prose_is_offered_and_syntax_is_not(source: str, texts: list[str]) -> None:
    """Each form of Markdown gives the texts it should, and the page again when nothing is rewritten."""
    page = cut(source)
    assert [segment.text for segment in page.segments] == texts
    assert page.whole({}) == source
    for segment in page.segments:
        page.restored(segment.number, segment.text)


@pytest.mark.parametrize(("source", "texts"), MDX.values(), ids=MDX)
def test_mdx_is_read_as_such(source: str, texts: list[str]) -> None:
    """In MDX, modules, expressions and components are syntax, and indentation is not."""
    page = cut(source, path="a.mdx")
    assert [segment.text for segment in page.segments] == texts


def test_equal_sentences_are_equal_texts() -> None:
    """Targets and lines do not show: the same sentence is the same text, so that it is paid for once."""
    first, second, third = cut(
        "See [a](b) and\n`c` x\n\n> See [a](d) and `e`\n> x\n\n- See [a][] and `f` x\n\n[a]: g"
    ).segments
    assert first.text == second.text == third.text


def test_a_rewritten_page() -> None:
    """Rewritten as a whole, what stands around the words is what it was: prefixes, ids, targets, bars, markers."""
    source = dedent("""\
        ---
        title: x
        ---

        # One `two` {#id}

        > three [four
        > five](a.md) six **seven**\x20\x20
        > eight

        - [x] nine
          ten

        | eleven | `a` |
        | :-- | --: |
        | twelve \\| thirteen | <b>14</b> fifteen |

        :::tip[sixteen]
        seventeen
        :::
        """)
    page = cut(source)
    assert page.whole({segment.number: in_urdu(segment.text) for segment in page.segments}) == dedent("""\
        ---
        title: x
        ---

        # یہ `two` {#id}

        > اور [ہے ہے](a.md) یہ **اور**\x20\x20
        > اور

        - [x] ہے یہ

        | میں | `a` |
        | :-- | --: |
        | میں \\| کتاب | <b>14</b> دکان |

        :::tip[دکان]
        سیکھنا
        :::
        """)


def test_sections_start_at_headings() -> None:
    """A section goes from a heading to the next; the lead has the front matter and may be empty."""
    page = cut("---\na: b\n---\n# c\n\nd\n\ne\n===\n\n- f\n\n  # g\n\n## h\n")
    assert [page.section(number, {}) for number in range(page.section_count)] == [
        "---\na: b\n---\n",
        "# c\n\nd\n\n",
        "e\n===\n\n- f\n\n  # g\n\n",
        "## h\n",
    ]
    assert [(segment.section, segment.text) for segment in page.segments] == [
        (1, "c"), (1, "d"), (2, "e"), (2, "f"), (2, "g"), (3, "h"),
    ]  # fmt: skip
    assert page.section(3, {5: "x", 0: "of another section"}) == "## x\n"
    assert cut("# a").section(0, {}) == ""


def test_kinds() -> None:
    """A segment says what it is."""
    page = cut("# a\n\nb\n===\n\n- c\n\n| d |\n|---|\n\n:::tip e\n")
    assert [segment.kind for segment in page.segments] == ["heading", "heading", "paragraph", "cell", "title"]


def test_terms_of_the_glossary_are_placeholders() -> None:
    """Terms are found as whole words, the longest first, over line ends and in links; never in code."""
    terms = parse_glossary("term,ur\nStore,اسٹور\nStore Enhancer,\nC++,")
    page = cut(
        "The Store, a Store\nEnhancer, [my Store](x), Stores, C++, store `Store`\n\n## Store",
        terms=terms,
        language="ur-PK",
    )
    (segment,) = page.segments
    assert segment.text == "The <x1/>, a <x2/>, <g3>my <x4/></g3>, Stores, <x5/>, store <x6/>"
    assert page.restored(0, segment.text) == "The اسٹور, a Store\nEnhancer, [my اسٹور](x), Stores, C++, store `Store`"
    assert page.whole({0: segment.text}).endswith("\n\n## اسٹور")
    assert page.whole({}).endswith("\n\n## Store")
    assert cut("The Store", terms=terms).restored(0, "<x1/> a") == "Store a"


def test_a_long_paragraph_comes_in_parts() -> None:
    """A paragraph of 200 KB is cut at ends of sentences outside syntax; each part goes back to its place."""
    sentence = "This is [a link. It](x) is `some. Code` and *an. Emphasis* here. "
    source = f"> {sentence * 3000}"
    page = cut(source)
    assert len(page.segments) > 10
    assert max(len(segment.text) for segment in page.segments) < 10_000
    assert {segment.text[-5:] for segment in page.segments} == {"here."}
    result = page.whole({segment.number: segment.text for segment in page.segments})
    assert result == source


def test_the_parser_comes_with_the_first_page() -> None:
    """A server that imports the cutter at its start does not import the Markdown parser by that."""
    code = "import sys; import lectern.study.segments; print({'markdown_it', 'mdit_py_plugins'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
