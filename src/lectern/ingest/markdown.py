"""Reads one page of Markdown or MDX into its title and its sections of plain text.

Written for what people feed to Docusaurus, mkdocs and mdBook. What a reader of the rendered page sees is kept as
text; imports, tags, expressions and comments are not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from markdown_it.token import Token

from lectern.ingest.prose import Prose
from lectern.markdown.esm import looks_like_mdx
from lectern.markdown.inline import plain_text, slug_text
from lectern.markdown.parser import MAX_INLINE, page_parser, parse_blocks, wrapping_lines
from lectern.markdown.slugger import Slugger

_MAX_PARTIAL_DEPTH = 8

Partials = Callable[[str, str], dict[str, tuple[str, str]]]
"""(path, text) → component name → (path, text) of the Markdown files that a page imports."""


@dataclass(frozen=True, slots=True)
class TextSection:
    """A heading and the text below it, before it is cut into chunks.

    Attributes:
        anchor: The fragment that opens it; empty for the lead.
        heading_path: The headings down to this one, without the page's title; empty for the lead.
        text: Readable plain text; code is indented by four spaces.
    """

    anchor: str
    heading_path: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """What a page's body holds.

    Attributes:
        title: Its first heading when that is of level 1, else None.
        sections: In reading order; the lead first when it has text.
    """

    title: str | None
    sections: tuple[TextSection, ...]


def read_markdown(path: str, text: str, partials: Partials | None = None) -> Page:
    """Parse a page's body, front matter left out.

    Args:
        path: The file's name; `.mdx` decides for MDX, other pages are looked at.
        text: The body, textual includes expanded.
        partials: Finds imported Markdown files, whose text is read where their component stands.
    """
    reader = _PageReader(partials or _no_partials)
    reader.read(path, text, ())
    return reader.finish()


def _no_partials(_path: str, _text: str) -> dict[str, tuple[str, str]]:
    return {}


@dataclass(slots=True)
class _Heading:
    level: int
    text: str
    anchor: str


@dataclass(slots=True)
class _PageReader:
    partials: Partials
    title: str | None = None
    seen_heading: bool = False
    stack: list[_Heading] = field(default_factory=list)
    prose: Prose = field(default_factory=Prose)
    sections: list[TextSection] = field(default_factory=list)

    def finish(self) -> Page:
        self._close()
        return Page(self.title, tuple(self.sections))

    def read(self, path: str, text: str, inside: tuple[str, ...]) -> None:
        """Walk a file's tokens; a partial is walked in the middle of its page, with a slugger of its own."""
        if "mdx-code-block" in text:
            text = _unwrap(text)
        mdx = path.endswith(".mdx") or looks_like_mdx(text)
        partials = self.partials(path, text) if mdx else {}
        slugger = Slugger()
        tokens = _parse(text, mdx=mdx)
        for index, token in enumerate(tokens):
            if token.type == "heading_open":
                self._open(token, tokens[index + 1], slugger)
            elif token.type == "inline" and index and tokens[index - 1].type == "heading_open":
                continue
            elif token.type == "element":
                name, source = token.content, partials.get(token.content)
                if source and source[0] not in inside and source[0] != path and len(inside) < _MAX_PARTIAL_DEPTH:
                    self.read(*partials[name], (*inside, path))
            else:
                self.prose.take(token)

    def _open(self, token: Token, inline: Token, slugger: Slugger) -> None:
        """Start the section of a heading; the heading that names the page leads into the lead."""
        children: Sequence[Token] = inline.children or ()
        explicit = inline.meta.get("id")
        anchor = explicit or slugger.slug(slug_text(children))
        text = " ".join(plain_text(children).split())
        level = int(token.tag[1])
        is_title = level == 1 and not self.seen_heading
        self.seen_heading = True
        if is_title:
            self.title = text or None
            return
        if not text:
            return
        self._close()
        while self.stack and self.stack[-1].level >= level:
            self.stack.pop()
        self.stack.append(_Heading(level, text, anchor))

    def _close(self) -> None:
        text = self.prose.finish()
        if text or self.stack:
            anchor = self.stack[-1].anchor if self.stack else ""
            self.sections.append(TextSection(anchor, tuple(heading.text for heading in self.stack), text))


def _parse(text: str, *, mdx: bool) -> list[Token]:
    """Parse blocks, then the inline texts."""
    md = page_parser(mdx=mdx)
    env: dict[str, object] = {}
    tokens = parse_blocks(md, text, env)
    for token in tokens:
        if token.type != "inline" or token.children is None:
            continue
        if len(token.content) <= MAX_INLINE:
            md.inline.parse(token.content, md, env, token.children)
        else:
            token.children.append(Token("text", "", 0, content=token.content))
    return tokens


def _unwrap(text: str) -> str:
    """Read what stands in `mdx-code-block` fences as part of the page, as Docusaurus does."""
    lines = text.split("\n")
    fences = wrapping_lines(lines)
    return "\n".join(line for number, line in enumerate(lines) if number not in fences)
