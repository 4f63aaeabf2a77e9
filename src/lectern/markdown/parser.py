"""The parser that pages are read with: CommonMark, tables, and the rules of this room."""

import re
from collections.abc import Sequence
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.utils import EnvType

from lectern.markdown.admonitions import use_admonitions
from lectern.markdown.inline import heading_id
from lectern.markdown.mdx import use_mdx

# A paragraph of more characters is a dump, kept as it stands: inline syntax costs more than linear time there.
MAX_INLINE = 10_000
_WRAPPED = re.compile(r"(?P<fence>`{3,4})[ ]*mdx-code-block")


class _Parser(MarkdownIt):
    """Leaves the addresses of links as they are written."""

    def normalizeLink(self, url: str) -> str:  # noqa: N802 - markdown-it's name
        return url


def make_parser(*, mdx: bool) -> MarkdownIt:
    """Return a parser of the caller's own, which may be taught more.

    Args:
        mdx: Whether `{…}` is code and indentation is not.
    """
    # CommonMark's own nesting limit of 20 cuts off lists of ten levels; 100 still bounds hostile pages.
    md = _Parser("commonmark", {"maxNesting": 100, "alerts": True}).enable(["table", "strikethrough"])
    use_admonitions(md)
    use_mdx(md, expressions=mdx)
    if mdx:
        md.disable("code")  # MDX has no code by indentation: text inside tags is indented
    return md


page_parser = cache(make_parser)
"""The parser that is made once and shared: for who teaches it nothing."""


def parse_blocks(md: MarkdownIt, text: str, env: EnvType) -> list[Token]:
    """Parse a page's blocks and take hand-written ids off the headings; inline texts are left to the caller.

    Args:
        md: The parser.
        text: The body, with newlines between lines.
        env: Gets the page's link reference definitions.
    """
    tokens: list[Token] = []
    md.block.parse(text.replace("\0", "\ufffd"), md, env, tokens)
    for index, token in enumerate(tokens):
        if token.type != "inline":
            continue
        if index and tokens[index - 1].type == "heading_open":
            token.content, anchor = heading_id(token.content)
            token.meta.setdefault("id", anchor)
        token.children = token.children if token.children is not None else []
    return tokens


def wrapping_lines(lines: Sequence[str]) -> frozenset[int]:
    """The numbers of the lines that open and close `mdx-code-block` fences: Docusaurus reads what stands in them."""
    found: set[int] = set()
    fence = ""
    for number, line in enumerate(lines):
        bare = line.strip()
        if fence and bare == fence:
            fence = ""
        elif not fence and (opening := _WRAPPED.fullmatch(bare)):
            fence = opening["fence"]
        else:
            continue
        found.add(number)
    return frozenset(found)
