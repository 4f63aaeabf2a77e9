"""An independent reading of a Markdown page's structure: on plain markdown-it, knowing nothing of how pages are cut.

What must survive a translation is collected block by block. Admonitions of colons, MDX's imports and comments are no
CommonMark: their lines are recognised by their looks, outside code fences, and stand as blank lines for the parser.
Admonitions by indentation (`!!! note`) are code to CommonMark, so pages with them are not read here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields

from markdown_it import MarkdownIt
from markdown_it.token import Token

Block = tuple[str, ...]

_FENCE = re.compile(r"[ \t>]*(?P<marks>`{3,}|~{3,})(?P<info>.*)")
_COLONS = re.compile(r"(?P<prefix>[ \t>]*)(?P<marks>:{3,})[ \t]*(?P<kind>[A-Za-z][\w-]*)?")
_MODULE = re.compile(r"(?:import|export)\s")
_HEADING_ID = re.compile(r"\{#(?P<id>[^}]+)\}\s*$")
_TAG = re.compile(r"<!--.*?-->|</?[A-Za-z][^<>]*(?:\{.*?\}[^<>]*)*>", re.DOTALL)
_EXPRESSION = re.compile(r"\{[^{}]*\}")
_MATH = re.compile(r"\$\$.+?\$\$|(?<![\\\w$])\$(?! )[^$\n]*?[^ $\n]\$(?![\w$])", re.DOTALL)
_FOOTNOTE = re.compile(r"\[\^[^\]\s]+\]:?")
_FOOTNOTE_START = re.compile(r"[ \t>]*\[\^[^\]\s]+\]:")
_URL = re.compile(r"(?:https?|ftp)://[^\s<>\"`\[\]{}|]*[\w/]")


@dataclass
class Structure:
    """What a page is made of, in order. Each entry of a `Block` list is one paragraph's, heading's or cell's."""

    front_matter: str = ""
    headings: list[tuple[int, str]] = field(default_factory=list)
    code_blocks: list[tuple[str, str]] = field(default_factory=list)
    code_spans: list[Block] = field(default_factory=list)
    links: list[Block] = field(default_factory=list)
    images: list[Block] = field(default_factory=list)
    urls: list[Block] = field(default_factory=list)
    footnotes: list[Block] = field(default_factory=list)
    math: list[Block] = field(default_factory=list)
    lists: list[tuple[str, ...]] = field(default_factory=list)
    tables: list[tuple[str, ...]] = field(default_factory=list)
    quotes: list[int] = field(default_factory=list)
    rules: int = 0
    paragraphs: list[int] = field(default_factory=list)
    breaks: list[int] = field(default_factory=list)
    admonitions: list[str] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    tags: list[Block] = field(default_factory=list)
    expressions: list[Block] = field(default_factory=list)
    definitions: list[str] = field(default_factory=list)


def structure(markdown: str) -> Structure:
    """Read a page."""
    found = Structure()
    body = _lines_for_parser(markdown.replace("\r\n", "\n").replace("\r", "\n"), found)
    env: dict[str, dict[str, dict[str, str]]] = {}
    tokens = _parser().parse(body, env)
    found.definitions = [f"{label} {ref['href']} {ref['title']}" for label, ref in env.get("references", {}).items()]
    for index, token in enumerate(tokens):
        _take_block(found, token, tokens, index)
    return found


def differences(before: Structure, after: Structure, *, any_order: bool = False) -> list[str]:
    """Where two pages differ, a readable line each; none when they are made the same.

    Args:
        before: The original.
        after: What was made of it.
        any_order: Whether links, code and the like may change places inside their own paragraph, as word order differs
            between languages.
    """
    found = []
    for name in (each.name for each in fields(Structure)):
        old, new = getattr(before, name), getattr(after, name)
        if any_order and isinstance(old, list):
            old, new = (
                [sorted(each, key=str) if isinstance(each, tuple) else each for each in entries]
                for entries in (old, new)
            )
        if old == new:
            continue
        if not isinstance(old, list):
            found.append(f"{name}: {old!r} became {new!r}")
            continue
        at = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
        was, now = (entries[at] if at < len(entries) else "nothing" for entries in (old, new))
        found.append(f"{name}: {len(old)} became {len(new)}; number {at} was {was!r}, is {now!r}")
    return found


def prose_words(markdown: str) -> Iterator[str]:
    """Every word that stands in running text: not in code, addresses, tags, expressions, math or front matter."""
    body = _lines_for_parser(markdown, Structure(), titles=True)
    for token in _parser().parse(body):
        texts = []
        if token.type == "html_block":
            texts = [_TAG.sub(" ", token.content)]
        elif token.type == "inline":
            texts = ["".join(_shown(child) for child in token.children or ())]
        for text in texts:
            bare = _EXPRESSION.sub(" ", _URL.sub(" ", _MATH.sub(" ", _FOOTNOTE.sub(" ", text))))
            yield from re.findall(r"[^\W\d_]+", bare)


def _parser() -> MarkdownIt:
    """Plain markdown-it with tables, which keeps escaped characters apart from text: they are no syntax."""
    md = MarkdownIt("commonmark", {"maxNesting": 100}).enable(["table", "strikethrough"])
    md.core.ruler.disable("text_join")
    return md


def _shown(token: Token) -> str:
    if token.type in {"text", "text_special"}:
        return token.content
    return " " if token.type in {"softbreak", "hardbreak", "code_inline", "image", "html_inline"} else ""


def _lines_for_parser(markdown: str, found: Structure, *, titles: bool = False) -> str:
    """Note front matter, admonitions and imports, and leave blank lines in their place."""
    lines = markdown.split("\n")
    if lines[0].rstrip() == "---" and (end := next((n for n in range(1, len(lines)) if lines[n].rstrip() == "---"), 0)):
        found.front_matter = "\n".join(lines[: end + 1])
        lines[: end + 1] = [""] * (end + 1)
    fence, in_module = "", False
    for number, line in enumerate(lines):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark["marks"].startswith(fence) and not mark["info"].strip():
                fence = ""
            continue
        if mark and not (mark["marks"][0] == "`" and "`" in mark["info"]):
            fence = mark["marks"]
        elif colons := _COLONS.match(line):
            found.admonitions.append(f"{colons['prefix']}{colons['marks']}{colons['kind'] or ''}")
            prefix = colons["prefix"].rstrip(" \t")
            lines[number] = prefix + ("\n\n" + line[colons.end() :] + "\n" if titles else "")
        elif note := _FOOTNOTE_START.match(line):
            # Not the definition of a link, which it would be to CommonMark when one word follows.
            lines[number] = f"{note[0][:-1]} {line[note.end() - 1 :]}"
        elif in_module or _MODULE.match(line):
            in_module = bool(line.strip())
            if in_module:
                found.modules.append(line)
                lines[number] = ""
    return "\n".join(lines)


def _take_block(found: Structure, token: Token, tokens: list[Token], index: int) -> None:
    match token.type:
        case "heading_open":
            identity = _HEADING_ID.search(tokens[index + 1].content)
            found.headings.append((int(token.tag[1]), identity["id"] if identity else ""))
        case "fence" | "code_block":
            found.code_blocks.append((token.info, token.content))
        case "bullet_list_open" | "ordered_list_open":
            found.lists.append(
                (str(token.level), token.markup, str(token.attrGet("start") or ""), *_items(tokens, index))
            )
        case "table_open":
            found.tables.append(tuple(_table(tokens, index)))
        case "blockquote_open":
            found.quotes.append(token.level)
        case "hr":
            found.rules += 1
        case "paragraph_open":
            found.paragraphs.append(token.level)
        case "html_block":
            found.tags.append(tuple(_TAG.findall(token.content)))
        case "inline":
            _take_inline(found, token)


def _items(tokens: list[Token], index: int) -> Iterator[str]:
    """What each item of a list is made of."""
    opening = tokens[index]
    for token in tokens[index + 1 :]:
        if token.level == opening.level:
            return
        if token.level == opening.level + 1 and token.type == "list_item_open":
            yield "item"
        elif token.level == opening.level + 2 and token.nesting >= 0:
            yield token.type


def _table(tokens: list[Token], index: int) -> Iterator[str]:
    """The cells of a table, row by row, with their alignment."""
    for token in tokens[index + 1 :]:
        if token.type == "table_close":
            return
        if token.type == "tr_open":
            yield "row"
        elif token.type in {"th_open", "td_open"}:
            yield f"{token.tag} {token.attrGet('style') or ''}"


def _take_inline(found: Structure, token: Token) -> None:
    children = token.children or []
    text = "".join(child.content if child.type == "text" else " " for child in children)
    found.breaks.append(sum(child.type == "hardbreak" for child in children))
    blocks = {
        "code_spans": tuple(child.content for child in children if child.type == "code_inline"),
        "links": tuple(f"{c.attrGet('href')} {c.attrGet('title')}" for c in children if c.type == "link_open"),
        "images": tuple(f"{c.attrGet('src')} {c.attrGet('title')}" for c in children if c.type == "image"),
        "tags": tuple(child.content for child in children if child.type == "html_inline"),
        "urls": tuple(_URL.findall(text)),
        "footnotes": tuple(_FOOTNOTE.findall(text)),
        "math": tuple(_MATH.findall(text)),
        "expressions": tuple(_EXPRESSION.findall(text)),
    }
    for name, block in blocks.items():
        getattr(found, name).append(block)
