"""From a document to the rows that are matched: windows of chunks, keys of vectors, weights of sections. Pure."""

import hashlib
from collections.abc import Sequence
from typing import Final

from lectern.adapters.lexicon.words import split_words
from lectern.ports import Section

WINDOW_WORDS: Final = 400
"""Longest window, in words: what the second full-text table matches, and what a passage carries at most."""

POINTER_WEIGHT: Final = 0.6
"""Factor on the score of a section that only points elsewhere; measured on three sites."""

POINTER_HEADINGS: Final = frozenset(
    (
        "additional resources",
        "contents",
        "further information",
        "further reading",
        "in this section",
        "learn more",
        "more information",
        "next steps",
        "on this page",
        "prerequisites",
        "related",
        "related articles",
        "related links",
        "related pages",
        "related resources",
        "resources",
        "see also",
        "table of contents",
        "what next",
        "what s next",
        "what you ll learn",
        "what you will learn",
        "where to go from here",
        "where to go next",
    )
)
"""Headings, as lower-case words, whose sections announce or list other pages instead of answering."""


def section_weight(section: Section) -> float:
    """The factor on a section's score: below 1 for one that only points elsewhere."""
    if not section.heading_path:
        return 1.0
    return POINTER_WEIGHT if " ".join(split_words(section.heading_path[-1])) in POINTER_HEADINGS else 1.0


def windows(chunks: Sequence[str]) -> list[str]:
    """Pack neighbouring chunks, in order, into as few windows as `WINDOW_WORDS` allows, of about even length."""
    lengths = [len(chunk.split()) for chunk in chunks]
    count = max(1, -(-sum(lengths) // WINDOW_WORDS))
    target = sum(lengths) / count
    packed: list[list[str]] = []
    words = 0
    for chunk, length in zip(chunks, lengths, strict=True):
        full = packed and words + length > WINDOW_WORDS
        if not packed or full or (words >= target and len(packed) < count):
            packed.append([])
            words = 0
        packed[-1].append(chunk)
        words += length
    return ["\n\n".join(window) for window in packed]


def around(chunks: Sequence[str], best: int) -> str:
    """The best chunk with as many neighbours, nearest first, as `WINDOW_WORDS` allows."""
    first = last = best
    words = len(chunks[best].split())
    grew = True
    while grew:
        grew = False
        for neighbour in (last + 1, first - 1):
            if not 0 <= neighbour < len(chunks):
                continue
            length = len(chunks[neighbour].split())
            if words + length > WINDOW_WORDS:
                continue
            words += length
            first, last = min(first, neighbour), max(last, neighbour)
            grew = True
    return "\n\n".join(chunks[first : last + 1])


def embedded_text(title: str, heading_path: Sequence[str], chunk: str) -> str:
    """What a chunk's vector is made of: it says where it stands, or half of the gain of vectors is lost."""
    return "\n".join((" > ".join((title, *heading_path)), chunk))


def vector_key(text: str) -> str:
    """The name of a text's vector."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def passage_id(site: str, path: str, anchor: str) -> str:
    """A short name of a section, the same as long as the section stays where it is."""
    return hashlib.sha256(f"{site}\0{path}\0{anchor}".encode()).hexdigest()[:16]
