"""How far the rewriting of some texts is: which segments are done, and which sections that completes."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from lectern.study.checks import PLACEHOLDER
from lectern.study.segments import CutText, Segment

_EXCERPT_CHARACTERS: Final = 80


@dataclass(frozen=True, slots=True)
class SectionReady:
    """A section that is as it will be.

    Attributes:
        text: Which of the given texts it belongs to, from 0.
        section: Which of that text's sections it is, from 0.
        markdown: The section.
        done: Segments that are done, of all texts.
        total: Segments that there are.
    """

    text: int
    section: int
    markdown: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """A segment that stays as it was.

    Attributes:
        text: Which text it belongs to, from 0.
        segment: Which of that text's segments it is, from 0.
        reason: Why: a key of `lectern.study.checks.ADVICE`, the code of an error, or `timeout`.
        excerpt: How it begins, at most 80 characters.
    """

    text: int
    segment: int
    reason: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A segment of one of the texts."""

    text: int
    cut: CutText
    segment: Segment


class Progress:
    """Collects what becomes of each segment.

    Args:
        texts: The texts, cut.

    Attributes:
        pieces: Their segments, in order.
        left_alone: Those that stay as they were.
        done: How many segments have come to their end.
        rewritten: How many of them have another text now.
        cached: How many of these cost this request nothing.
        changed: Set when any of this changes.
    """

    def __init__(self, texts: Sequence[CutText]) -> None:
        self.pieces = [Piece(number, cut, segment) for number, cut in enumerate(texts) for segment in cut.segments]
        self.left_alone: list[LeftAlone] = []
        self.done = self.rewritten = self.cached = 0
        self.changed = asyncio.Event()
        self._texts = texts
        self._restored: list[dict[int, str]] = [{} for _ in texts]
        self._open = [[0] * cut.section_count for cut in texts]
        for piece in self.pieces:
            self._open[piece.text][piece.segment.section] += 1
        self._sections = iter(
            [(text, section) for text, cut in enumerate(texts) for section in range(cut.section_count)]
        )
        self._next = next(self._sections, None)
        self._written: list[list[str]] = [[] for _ in texts]

    def put(self, piece: Piece, restored: str, *, cached: bool) -> None:
        """Have a piece's Markdown."""
        self._restored[piece.text][piece.segment.number] = restored
        self.rewritten += 1
        self.cached += cached
        self._count(piece)

    def leave(self, piece: Piece, reason: str) -> None:
        """Have a piece stay as it was."""
        self.left_alone.append(LeftAlone(piece.text, piece.segment.number, reason, _excerpt(piece.segment.text)))
        self._count(piece)

    def ready(self) -> Iterator[SectionReady]:
        """The sections that are complete and were not told yet, up to the first that is not."""
        while self._next is not None:
            text, section = self._next
            if self._open[text][section]:
                return
            markdown = self._texts[text].filled(section, self._restored[text], terms=self.rewritten > 0)
            self._written[text].append(markdown)
            self._next = next(self._sections, None)
            yield SectionReady(text, section, markdown, self.done, len(self.pieces))

    def texts(self) -> tuple[str, ...]:
        """The texts as far as they were told by `ready`."""
        return tuple("".join(sections) for sections in self._written)

    def _count(self, piece: Piece) -> None:
        self.done += 1
        self._open[piece.text][piece.segment.section] -= 1
        self.changed.set()


def _excerpt(text: str) -> str:
    plain = PLACEHOLDER.sub("…", text).replace("&lt;", "<").replace("&amp;", "&")
    return plain if len(plain) <= _EXCERPT_CHARACTERS else f"{plain[: _EXCERPT_CHARACTERS - 1].rstrip()}…"
