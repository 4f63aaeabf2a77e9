"""What each syntax becomes. Left: as written. Right: the lead's text, or the sections as (anchor, path, text)."""

from textwrap import dedent

import pytest
from markdown_it import MarkdownIt

from lectern.ingest.markdown import read_markdown

CODE_KEPT = "    import x from 'y'\n    <Tabs>{/* kept */}</Tabs>\n    <!-- kept -->\n    :::note\n    ## kept"

LEADS = {
    "paragraph lines": ("One\ntwo\n\nThree  \nfour", "One two\n\nThree\nfour"),
    "emphasis": ("**a** _b_ ~~c~~ `d` a*b*c", "a b c d abc"),
    "links": ("[text](x) [ref][r] <https://a.example> https://b.example\n\n[r]: y", "text ref https://a.example https://b.example"),
    "images": ("![A *cat*](cat.png) and [![badge](b.svg)](x)", "A cat and badge"),
    "entities": ("&amp; &copy; \\* a < b > c", "& © * a < b > c"),
    "lists": ("- a\n- b\n  - c\n    d\n- [x] e", "- a\n- b\n  - c d\n- e"),
    "loose list": ("Intro\n\n1. a\n\n   more\n\n2. b", "Intro\n\n1. a\n\nmore\n2. b"),
    "numbered from": ("5. a\n6. b", "5. a\n6. b"),
    "quote": ("> a\n> b\n>\n> c", "a b\n\nc"),
    "alert": ("> [!WARNING]\n> Careful", "Warning\n\nCareful"),
    "table": ("| a | b |\n|---|:-:|\n| `x \\| y` | **z** |\n| | q |", "a | b\nx | y | z\n | q"),
    "fence": ('```js title="a/b.js" {1}\nconst a = 1\n\n  b()\n```', "a/b.js\n\n    const a = 1\n\n      b()"),
    "fence in a list": ("- a\n\n  ```sh\n  ls\n  ```\n\n- b", "- a\n\n    ls\n\n- b"),
    "magic comments": ("```js\n// highlight-next-line\na()\n# highlight-start\n```", "    a()"),
    "code is untouched": (
        "````md\nimport x from 'y'\n<Tabs>{/* kept */}</Tabs>\n<!-- kept -->\n:::note\n## kept\n````",
        CODE_KEPT,
    ),
    "code span is untouched": ("`Array<string>` `{a}` `<!-- b -->`", "Array<string> {a} <!-- b -->"),
    "rule": ("a\n\n---\n\nb", "a\n\nb"),
    "footnote": ("a[^1] b\n\n[^1]: The note.", "a b\n\nThe note."),
    "html comments": ("a <!-- b\nc --> d\n\n<!--\ne\n\n## f\n-->\n\n<!-- g --> h", "a d\n\nh"),
    "mdx comments": ("a {/* b */} c\n\n{/*\nd\n\n## e\n*/}\n\n{/* f */} g", "a c\n\ng"),
    "unclosed comment": ("a <!-- b\n\nc", "a <!-- b\n\nc"),
    "html": ('<div class="x">\n\na <b>b</b> H<sub>2</sub>O<br/>c\n\n</div>', "a b H2O\nc"),
    "pre": ("<pre><code>a &lt;\n  b</code></pre>", "    a <\n      b"),
    "script and style": ("a\n\n<script>\nvar x\n\nvar y\n</script>\n\n<style>b {}</style>\n\nc", "a\n\nc"),
    "html image": ('<p><img src="x" alt="A logo"></p>', "A logo"),
    "html table": ("<table><tr><td>a</td><td>b</td></tr></table>", "a\n\nb"),
    "details": ("<details>\n<summary>More *here*</summary>\n\na\n\n</details>", "More here\n\na"),
    "details on a line": ("<details><summary>More</summary>a</details>", "More\na"),
    "generics in prose": ("An Array<string> of Map<K, V>", "An Array<string> of Map<K, V>"),
    "colon admonition": (":::note\na\n:::\nb", "Note\n\na\n\nb"),
    "titled admonitions": (":::tip[A `b`]\nc\n:::\n\n:::danger D e\nf\n:::", "A b\n\nc\n\nD e\n\nf"),
    "attribute title": (':::info{title="A b" #id}\nc\n:::', "A b\n\nc"),
    "spaced admonition": ("::: warning\na\n:::", "Warning\n\na"),
    "nested admonitions": ("::::note\n\n:::tip T\na\n:::\n\nb\n\n::::", "Note\n\nT\n\na\n\nb"),
    "admonition in a list": ("- a\n\n  :::note\n  b\n  :::", "- a\n\nNote\n\nb"),
    "admonition in a quote": ("> :::note\n> a\n> :::", "Note\n\na"),
    "unclosed admonition": (":::note\na", "Note\n\na"),
    "mkdocs admonition": ('!!! note "A b"\n    c\n\n    - d\n\ne', "A b\n\nc\n\n- d\n\ne"),
    "untitled mkdocs admonition": ('!!! warning\n    a\n\n!!! note ""\n    b', "Warning\n\na\n\nb"),
    "collapsible": ('??? info "A"\n    b\n\n???+ tip\n    c', "A\n\nb\n\nTip\n\nc"),
    "nested mkdocs": ('!!! note "A"\n    !!! tip "B"\n        c\n\n            code', "A\n\nB\n\nc\n\n    code"),
    "mkdocs tabs": ('=== "A"\n\n    ```py\n    b\n    ```\n\n=== "C"\n    d', "A\n\n    b\n\nC\n\nd"),
    "mkdocs attributes": ("[a](b){ .md-button } c {: .d }", "a c"),
    "mkdocs icons": (":material-check: a :octicons-x-16:", "a"),
    "table of contents mark": ("[TOC]\n\na", "a"),
    "indented code": ("a\n\n    b\n      <c>", "a\n\n    b\n      <c>"),
    "braces are text": ("a {b} {{ c }}", "a {b} {{ c }}"),
}  # fmt: skip

MDX_LEADS = {
    "imports": ("import A from './a'\nimport {\n  B\n} from 'b'\nimport 'c.css'\n\na", "a"),
    "exports": ("export const a = {\n  b: 1,\n\n  c: 2\n}\n\nexport default function X() {\n  return 1\n}\n\nd", "d"),
    "prose that imports": (
        "import the module from somewhere\n\nexport it",
        "import the module from somewhere\n\nexport it",
    ),
    "expressions": ("a {1 + 1} {'b'} {\"c\"} {`d`} {`e${f}`} {g.h}", "a b c d"),
    "flow expression": ("{a.map(b => {\n  return c\n})}\n\nd", "d"),
    "tabs": (
        """<Tabs values={[\n  {label: "x"},\n\n  {label: "y"},\n]}>\n<TabItem value="npm" label="With npm">\n
    a\n\n</TabItem>\n<TabItem value='yarn'>b</TabItem>\n</Tabs>""",
        "With npm\n\na\n\nyarn b",
    ),
    "components": ('<Card title="A title" href="x" icon={<B c=">" />}>a</Card>', "A title a"),
    "self closing": ('a <Icon name="x" /> b\n\n<Video\n  url="y"\n  title="A film"\n/>\n\nc', "a b\n\nA film\n\nc"),
    "props with braces and strings": ("<A b={() => { if (c > d) { e(\"}\") } }} f='>' />\n\ng", "g"),
    "spread": ("<A {...props} b>\n\nc\n\n</A>", "c"),
    "fragments": ("<>\n\na\n\n</>", "a"),
    "member names": ("<A.B c='d'>e</A.B>", "e"),
    "iframe titles are noise": ('<iframe title="x" src="y"></iframe>\n\na', "a"),
    "indented text is no code": ("<div>\n    a\n\n    b\n</div>", "a\n\nb"),
    "wrapped for translators": ("```mdx-code-block\n<A>\n```\n\nb\n\n```mdx-code-block\n</A>\n```", "b"),
    "unclosed tag": ("a <B c={\n\nd", "a <B c={\n\nd"),
}


@pytest.mark.parametrize("name", LEADS)
def test_markdown_becomes_text(name: str) -> None:
    """Each syntax of Markdown, Docusaurus, mkdocs and mdBook shows what a reader sees."""
    written, text = LEADS[name]
    (lead,) = read_markdown("page.md", written).sections
    assert (lead.anchor, lead.heading_path, lead.text) == ("", (), text)


ADDRESSES = (
    "x", "/a/b?c=d#e", "https://exämple.org/%zz", "//host", "https://[::1]/", "mailto:a@b.example",
    "data:image/png;base64,A", "javascript:x", "JavaScript:x", "&#106;avascript:x", "vbscript:x", "file:///x",
    "data:text/html,x", "&#31;file:x",
)  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_judged_as_it_would_be_rendered(address: str) -> None:
    """What Markdown takes for a link shows its text alone, and what it refuses stays as written."""
    is_link = "<a" in MarkdownIt("commonmark").render(f"[text]({address})")
    (lead,) = read_markdown("page.md", f"[text]({address})").sections
    assert (lead.text == "text") is is_link


@pytest.mark.parametrize("name", MDX_LEADS)
def test_mdx_becomes_text(name: str) -> None:
    """Code of MDX goes, the text inside it and the words in its visible attributes stay."""
    written, text = MDX_LEADS[name]
    (lead,) = read_markdown("page.mdx", written).sections
    assert lead.text == text


@pytest.mark.parametrize("opening", ["import A from './a'\n\n", "<Tabs>\n</Tabs>\n\n", "export const a = 1\n\n"])
def test_md_files_that_use_mdx_are_mdx(opening: str) -> None:
    """In a `.md` file an import, an export or a component makes braces code; in a fence it does not."""
    assert read_markdown("page.md", opening + "a {b}").sections[-1].text == "a"
    assert read_markdown("page.md", f"```\n{opening}```\n\na {{b}}").sections[-1].text.endswith("\n\na {b}")


def test_comparisons_are_no_tags() -> None:
    """Hundreds of `<` that open nothing do not keep a later tag from being one."""
    text = "a < b, Map<K, V>, 1<2\n\n<https://a.example>\n\n" * 600
    assert read_markdown("page.md", text + "<b>bold</b>").sections[0].text.endswith("\n\nbold")


def test_shouted_html_is_not_mdx() -> None:
    """Tags in capitals are old HTML: braces in such a page are text."""
    assert read_markdown("page.md", "<CENTER>\n<BR>\n</CENTER>\n\na {b}").sections[0].text == "a {b}"


def test_headings_make_sections() -> None:
    """The first heading is the title and leads into the lead; later ones start sections that know their way down."""
    page = read_markdown(
        "page.md",
        dedent("""
        # The `title` {#t}

        Lead.

        ## One [link](x) {#first}

        Text one.

        #### Deep

        ### Less *deep*
        Text.

        ## Two

        # Another title

        End.
        """),
    )
    assert page.title == "The title"
    assert [(section.anchor, section.heading_path, section.text) for section in page.sections] == [
        ("", (), "Lead."),
        ("first", ("One link",), "Text one."),
        ("deep", ("One link", "Deep"), ""),
        ("less-deep", ("One link", "Less deep"), "Text."),
        ("two", ("Two",), ""),
        ("another-title", ("Another title",), "End."),
    ]


@pytest.mark.parametrize(
    ("written", "text", "anchor"),
    [
        ("## A <Badge label='New'/> b", "A New b", "a--b"),
        ("## A {/* c */}", "A", "a--c-"),
        ("## A {/* #c */}", "A", "c"),
        ("## A {'b'} {1 + 1}", "A b", "a-b-1--1"),
        ("## ![Logo](x) A", "Logo A", "logo-a"),
        ("## A: b and c:d", "A: b and c:d", "a-b-and-c"),
        ('<h2 id="raw">A *b*</h2>', "A b", "raw"),
        ("A\nb\n---", "A b", "ab"),
    ],
)
def test_headings_are_clean(written: str, text: str, anchor: str) -> None:
    """A heading's text has no markup; its anchor is the one that Docusaurus makes of the source."""
    (section,) = read_markdown("page.mdx", written).sections
    assert (section.heading_path, section.anchor) == ((text,), anchor)


def test_an_html_title_is_a_title() -> None:
    """`<h1>` without an id names the page, as on so many READMEs; other HTML headings without one are text."""
    page = read_markdown("page.md", '<h1 align="center">Name</h1>\n\n<h3>What it is</h3>\n\nText')
    assert page.title == "Name"
    assert [section.text for section in page.sections] == ["What it is\n\nText"]


def test_a_page_without_text_has_no_sections() -> None:
    """Only a title, imports or comments give nothing."""
    assert read_markdown("page.mdx", "import A from 'a'\n\n# Title\n\n<!-- x -->\n\n<A />").sections == ()


def test_partials_stand_where_they_are_used() -> None:
    """An imported Markdown file is read in place, with anchors counted by itself, and never inside itself."""
    files = {"P": ("_p.mdx", "From the partial.\n\n## Same\n\n<P />"), "Q": ("_q.mdx", "Unused")}
    page = read_markdown("page.mdx", "## Same\n\n<P />\n\n## Same\n\nEnd", lambda _path, _text: files)
    assert [(section.anchor, section.text) for section in page.sections] == [
        ("same", "From the partial."),
        ("same", ""),
        ("same-1", "End"),
    ]
