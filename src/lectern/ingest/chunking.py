"""Cuts a section's text into the short pieces that retrieval matches.

Pure: text in, slices of it out. A piece ends at a paragraph, line or sentence where it can. Every word of the text is
in a piece, in order; no piece is longer than the bound, however unbroken the text is.
"""

import re
from dataclasses import dataclass

# Scripts written without spaces count two characters as a word, and 32 characters without a space count as one,
# so a sentence in Chinese, a long URL and a base64 blob are bounded too.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]{{1,2}}|[^\s{_UNSPACED}]{{1,32}}")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_LINE = re.compile(r"[^\n]+")
_SENTENCE_END = re.compile(r"[.!?؟۔][\"'”’)\]]*\s+|[。！？]")  # noqa: RUF001 - full-width marks end sentences too


@dataclass(frozen=True, slots=True)
class ChunkSize:
    """How long pieces are, in words.

    50 to 80 words with the page title and heading path in front gave the best section hit rate of the sizes measured.

    Attributes:
        least: A piece that has as many may end at the next paragraph.
        most: No piece has more.
        overlap: A piece starts with the sentence before it when that has no more than this.
    """

    least: int = 50
    most: int = 80
    overlap: int = 12


@dataclass(frozen=True, slots=True)
class _Unit:
    """A slice that is kept whole."""

    start: int
    end: int
    words: int
    opens_block: bool


def count_words(text: str) -> int:
    """The length of a text in the words that chunks are measured by."""
    return len(_WORD.findall(text))


def chunk(text: str, size: ChunkSize = ChunkSize()) -> tuple[str, ...]:
    """Cut a text into pieces of `size.least` to `size.most` words; the last may be shorter.

    Returns:
        The pieces in order, with the text's own line breaks and indentation; empty when the text has no words.
    """
    pieces: list[list[_Unit]] = [[]]
    words = 0
    for unit in _units(text, size.most):
        if pieces[-1] and (words + unit.words > size.most or (unit.opens_block and words >= size.least)):
            pieces.append([])
            words = 0
        pieces[-1].append(unit)
        words += unit.words
    _balance(pieces, size)
    _overlap(pieces, size)
    return tuple(text[piece[0].start : piece[-1].end].rstrip() for piece in pieces if piece)


def _units(text: str, most: int) -> list[_Unit]:
    units: list[_Unit] = []
    block = 0
    for blank in (*_BLANK_LINE.finditer(text), None):
        stop = blank.start() if blank else len(text)
        opens = True
        for start, end in _slices(text, block, stop):
            for first, last, words in _bounded(text, start, end, most):
                units.append(_Unit(first, last, words, opens))
                opens = False
        block = stop + 1
    return units


def _slices(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The lines of a block, or the sentences of its lines when they are prose."""
    slices: list[tuple[int, int]] = []
    for line in _LINE.finditer(text, start, end):
        first, last = line.span()
        if not line[0].startswith("    "):
            for stop in _SENTENCE_END.finditer(text, first, last):
                slices.append((first, stop.end()))
                first = stop.end()
        if first < last:
            slices.append((first, last))
    return slices


def _bounded(text: str, start: int, end: int, most: int) -> list[tuple[int, int, int]]:
    """The slice itself, or even parts of it when it has more words than a piece may have."""
    count = len(_WORD.findall(text, start, end))
    if count <= most:
        return [(start, end, count)] if count else []
    ends = [word.end() for word in _WORD.finditer(text, start, end)]
    parts = -(-len(ends) // most)
    length = -(-len(ends) // parts)
    bounded: list[tuple[int, int, int]] = []
    for index in range(0, len(ends), length):
        group = ends[index : index + length]
        bounded.append((start, group[-1], len(group)))
        start = group[-1]
    return bounded


def _balance(pieces: list[list[_Unit]], size: ChunkSize) -> None:
    """Share the last two pieces out evenly when the last is a scrap: it would match on too little."""
    if len(pieces) < 2 or sum(unit.words for unit in pieces[-1]) * 2 >= size.least:  # noqa: PLR2004 - the last two
        return
    units = pieces[-2] + pieces[-1]
    total = sum(unit.words for unit in units)
    before = 0
    best, best_gap = 0, size.most * 2
    for index, unit in enumerate(units):
        gap = abs(total - 2 * before)
        if index and max(before, total - before) <= size.most and gap < best_gap:
            best, best_gap = index, gap
        before += unit.words
    if total <= size.most:
        pieces[-2:] = [units]
    elif best:
        pieces[-2:] = [units[:best], units[best:]]


def _overlap(pieces: list[list[_Unit]], size: ChunkSize) -> None:
    """Let each piece start with the short sentence before it where there is room."""
    tails = [piece[-1] for piece in pieces[:-1]]
    for piece, tail in zip(pieces[1:], tails, strict=True):
        room = size.most - sum(unit.words for unit in piece)
        if not piece[0].opens_block and tail.words <= min(size.overlap, room):
            piece.insert(0, tail)
