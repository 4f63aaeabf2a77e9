"""Finds the prose of a page in its source: which characters are a paragraph's, a heading's, a cell's, a title's.

A block's text is what stands at the right of each of its lines: what stands left of it (`> `, a bullet, indentation,
`# `) is never part of it. So positions are found from the right, whatever the line is nested in.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markdown_it.common.utils import mdTrim
from markdown_it.token import Token

from lectern.markdown.frontmatter import front_matter_length
from lectern.markdown.parser import wrapping_lines

_LINE_END = re.compile(r"\r\n|\r|\n")
_HASHES = re.compile(r"[^#]*#+")
# What stands before a row: whatever it is nested in, a list's marker being part of the first cell or not.
_ROW_PREFIXES = (
    re.compile(r"[ \t>]*"),
    re.compile(r"(?:[ \t]*(?:>|[-+*](?=[ \t])|\d{1,9}[.)](?=[ \t])))*[ \t]*"),
)
_CELL = re.compile(r"(?:[^|]|(?<=\\)\|)*")
_INDENT = " \t"
_BEFORE_TITLE = " \t[\"'>"
# Marks of site generators that stand where a paragraph could: a table of contents, a file's inclusion, an abbreviation.
_NO_PROSE = re.compile(r"\[{1,2}_?TOC_?\]{1,2}$|-+8<-+|\*\[[^\]\n]+\]:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the source, without its end: where it starts there, where it starts in what is parsed, its text."""

    start: int
    parsed_start: int
    text: str


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of prose.

    Attributes:
        kind: paragraph, heading, underlined (a heading's other form), cell or title.
        content: Its inline text, lines joined by newlines.
        anchors: (place in the content, place in the source) of each line's text, ascending.
    """

    kind: str
    content: str
    anchors: tuple[tuple[int, int], ...]

    def source_offset(self, offset: int) -> int:
        """Where a place of the content is in the source."""
        line = self.anchors[max(0, self._anchors_to(offset) - 1)]
        return line[1] + offset - line[0]

    def part(self, start: int, end: int) -> "Place":
        """A stretch of it between two places of its content, of the same kind."""
        later = self.anchors[self._anchors_to(start) : self._anchors_to(end - 1)]
        anchors = ((0, self.source_offset(start)), *((offset - start, place) for offset, place in later))
        return Place(self.kind, self.content[start:end], anchors)

    def _anchors_to(self, offset: int) -> int:
        """How many of the anchors stand at a place of the content or before it."""
        return bisect_right(self.anchors, offset, key=lambda anchor: anchor[0])


def read_lines(source: str) -> tuple[Line, ...]:
    """The source's lines; front matter and the frames of `mdx-code-block` are empty, so that they are not parsed."""
    starts = [0, *(match.end() for match in _LINE_END.finditer(source))]
    texts = _LINE_END.split(source)
    texts[0], byte_order_mark = texts[0].removeprefix("\ufeff"), int(source.startswith("\ufeff"))
    starts[0] += byte_order_mark
    joined = "\n".join(texts)
    front = joined[: front_matter_length(joined)]
    matter = front.count("\n") + (front != "" and not front.endswith("\n"))
    dropped = wrapping_lines(texts) if "mdx-code-block" in joined else frozenset()
    lines, parsed_start = [], 0
    for number, (start, text) in enumerate(zip(starts, texts, strict=True)):
        kept = "" if number < matter or number in dropped else text.replace("\0", "\ufffd")
        lines.append(Line(start, parsed_start, kept))
        parsed_start += len(kept) + 1
    return tuple(lines)


def find_places(tokens: Sequence[Token], lines: Sequence[Line]) -> Iterator[Place]:
    """Every stretch of prose among a page's block tokens, in order. What cannot be found again is left out."""
    row: list[Token] = []
    for index, token in enumerate(tokens):
        if token.type == "tr_open":
            row = []
        elif token.type == "tr_close":
            yield from _cells(row, lines)
        elif token.type == "inline":
            if tokens[index - 1].type in {"th_open", "td_open"}:
                row.append(token)
            elif token.map and token.content and (place := _place(tokens[index - 1], token, lines)):
                yield place


def _place(opening: Token, token: Token, lines: Sequence[Line]) -> Place | None:
    assert token.map
    first = lines[token.map[0]]
    if "at" in token.meta:
        column = token.meta["at"] - first.parsed_start
        if first.text[column - 1] not in _BEFORE_TITLE:
            return None  # `::: package.module` names what a tool puts there
        kind = "title" if opening.type == "paragraph_open" else "paragraph"
        return Place(kind, token.content, ((0, first.start + column),))
    if _NO_PROSE.match(token.content):
        return None
    kind = "paragraph"
    if opening.type == "heading_open":
        kind = "heading" if opening.markup.startswith("#") else "underlined"
    anchors: list[tuple[int, int]] = []
    offset = 0
    written = token.content.split("\n")
    for number, text in enumerate(written):
        line = lines[token.map[0] + number]
        bare = text.lstrip(_INDENT)
        end = _text_end(line.text, bare, last=number == len(written) - 1, kind=kind)
        if end is None:
            return None
        anchors.append((offset + len(text) - len(bare), line.start + end - len(bare)))
        offset += len(text) + 1
    return Place(kind, token.content, tuple(anchors))


def _text_end(line: str, text: str, *, last: bool, kind: str) -> int | None:
    """Where a line's share of a text ends in it, or None when it does not end with it."""
    if not last:
        return len(line) if line.endswith(text) else None
    end = mdTrim("x" + line)[1:]
    if end.endswith(text):
        return len(end)
    if kind == "paragraph":
        return None
    # Behind a heading's text stood an id or closing marks.
    hashes = _HASHES.match(line) if kind == "heading" else None
    position = line.find(text, hashes.end()) if hashes else line.rfind(text)
    return position + len(text) if position >= 0 else None


def _cells(row: Sequence[Token], lines: Sequence[Line]) -> Iterator[Place]:
    """The cells of a table's row. Their text is taken as written: an escaped pipe stays escaped."""
    if not row or not row[0].map:
        return
    line = lines[row[0].map[0]]
    for prefix in _ROW_PREFIXES:
        pieces = _pieces(line.text, prefix)
        texts = [mdTrim(line.text[start:end]) for start, end in pieces]
        cells = [(token.content, text) for token, text in zip(row, (*texts, *[""] * len(row)), strict=False)]
        if all(content == text.replace("\\|", "|") for content, text in cells):
            break
    else:
        return
    for text, (start, _end) in zip(texts[: len(row)], pieces, strict=False):
        if text:
            yield Place("cell", text, ((0, line.start + line.text.index(text, start)),))


def _pieces(line: str, prefix: re.Pattern[str]) -> list[tuple[int, int]]:
    """Where the cells of a row are, without the empty ones outside the outer pipes."""
    head = prefix.match(line)
    position = head.end() if head else 0
    pieces: list[tuple[int, int]] = []
    while not pieces or pieces[-1][1] < len(line):
        cell = _CELL.match(line, position)
        assert cell
        pieces.append(cell.span())
        position = cell.end() + 1
    if pieces[0][0] == pieces[0][1]:
        pieces.pop(0)
    if pieces and not line[slice(*pieces[-1])].strip():
        pieces.pop()
    return pieces
