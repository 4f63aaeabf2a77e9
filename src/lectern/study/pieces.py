"""Takes a rewritten text apart at its placeholders, and sees to it that each stands there once and where it may."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt

from lectern.study.broken import BrokenSegment
from lectern.study.masking import Masked
from lectern.study.places import Place
from lectern.study.spans import Span
from lectern.study.tree import Group, Mark

_PLACEHOLDER = re.compile(r"<\s*(?P<close>/?)\s*(?P<form>[xXgG])(?P<number>\d{1,6})\s*(?P<single>/?)\s*>")
_TAG = re.compile(r"<[A-Za-z/!?][^<>]*>?")
_REFERENCE = re.compile(r"&(?:lt|gt|amp|quot|#39);")
_REFERENCES = {"&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": '"', "&#39;": "'"}
# Blanks, line ends of every kind and control characters; no-break spaces and the marks of right-to-left text stay.
_BLANKS = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029]+")


@dataclass(slots=True)
class Piece:
    """A stretch of what is written: in the content, and in the source, where lines have what stands left of them."""

    text: str
    source: str
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class Page:
    """What is read: the parser that reads it, whether it is MDX, its link reference definitions, its source."""

    md: MarkdownIt
    mdx: bool
    references: Mapping[str, object]
    source: str


@dataclass(frozen=True, slots=True)
class Setting:
    """What a text stands in: its page, its place there, the place's syntax, and what the model saw of it."""

    page: Page
    place: Place
    spans: Sequence[Span]
    masked: Masked


def take_apart(setting: Setting, rewritten: str) -> list[Piece]:
    """Return the pieces of a rewritten text: words, and what its placeholders stand for.

    Raises:
        BrokenSegment: A placeholder is missing, unknown, not paired or not where it was; or there is a tag, or nothing.
    """
    if not rewritten.strip():
        raise BrokenSegment("empty")
    reader = _Reader(setting, [], set(), [0])
    cursor = 0
    for match in _PLACEHOLDER.finditer(rewritten):
        reader.take_text(rewritten[cursor : match.start()])
        reader.take(match)
        cursor = match.end()
    reader.take_text(rewritten[cursor:])
    if len(reader.stack) > 1:
        raise BrokenSegment("unbalanced")
    if reader.seen != setting.masked.nodes.keys():
        raise BrokenSegment("missing_placeholder")
    return reader.pieces


@dataclass(slots=True)
class _Reader:
    setting: Setting
    pieces: list[Piece]
    seen: set[int]
    stack: list[int]

    def take(self, match: re.Match[str]) -> None:
        number, form = int(match["number"]), match["form"].lower()
        node = self.setting.masked.nodes.get(number)
        if isinstance(node, Mark) and form == "x" and not match["close"]:
            self._open(number)
            self._add(node)
        elif isinstance(node, Group) and form == "g" and match["close"]:
            self._close(number, node)
        elif isinstance(node, Group) and form == "g" and not match["single"]:
            self._open(number)
            self.stack.append(number)
            self._add(node.opening, " open")
        else:
            raise BrokenSegment("extra_placeholder")

    def _open(self, number: int) -> None:
        if number in self.seen:
            raise BrokenSegment("extra_placeholder")
        if self.setting.masked.parents[number] != self.stack[-1]:
            raise BrokenSegment("moved_placeholder")
        self.seen.add(number)

    def _close(self, number: int, group: Group) -> None:
        if self.stack[-1] != number:
            raise BrokenSegment("unbalanced")
        self.stack.pop()
        if self.pieces[-1].kind == f"{group.opening.kind} open" or (
            not self.pieces[-1].text.strip() and self.pieces[-2].kind.endswith(" open")
        ):
            raise BrokenSegment("empty_pair")
        self._add(group.closing, " close")

    def _add(self, mark: Mark, role: str = "") -> None:
        place = self.setting.place
        if mark.written is None:
            source = self.setting.page.source[place.source_offset(mark.start) : place.source_offset(mark.end)]
            self.pieces.append(Piece(place.content[mark.start : mark.end], source, mark.kind + role))
        else:
            self.pieces.append(Piece(mark.written, mark.written, mark.kind + role))

    def take_text(self, text: str) -> None:
        """Add words, their references to characters read and every run of blanks one space."""
        for tag in _TAG.finditer(text):
            # The page itself may write of `Array<string>`; a model that does not write `&lt;` there means no tag.
            if f"&lt;{tag[0][1:]}" not in self.setting.masked.text:
                raise BrokenSegment("markup")
        text = _REFERENCE.sub(lambda match: _REFERENCES[match[0]], _BLANKS.sub(" ", text))
        if text:
            self.pieces.append(Piece(text, text))
