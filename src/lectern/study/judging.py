"""Whether rewritten texts may stand in all the places that they are for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lectern.study.checks import fault, tidied
from lectern.study.languages import Language
from lectern.study.progress import Piece
from lectern.study.segments import BrokenSegment


@dataclass(slots=True)
class Item:
    """A text that is rewritten once, for every place where it stands.

    Attributes:
        text: With placeholders.
        key: What its rewritten text is kept under.
        pieces: Its places.
    """

    text: str
    key: str
    pieces: list[Piece] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Fit:
    """A rewritten text that may be used.

    Attributes:
        text: With placeholders, as it is kept.
        restored: Each piece with its Markdown.
        unfit: Each piece where it may not stand, and why; what a placeholder stands for can decide that.
    """

    text: str
    restored: tuple[tuple[Piece, str], ...]
    unfit: tuple[tuple[Piece, str], ...]


def judge(item: Item, rewritten: str, language: Language | None) -> Fit | str:
    """What a rewritten text is good for; the reason when it is good for nothing.

    Args:
        item: What it is to stand for.
        rewritten: What a model made of it, or what was kept.
        language: What it has to be written in; None for its own.
    """
    if reason := fault(item.text, rewritten, language):
        return reason
    text = tidied(rewritten)
    restored: list[tuple[Piece, str]] = []
    unfit: list[tuple[Piece, str]] = []
    for piece in item.pieces:
        try:
            restored.append((piece, piece.cut.restored(piece.segment.number, text)))
        except BrokenSegment as error:
            unfit.append((piece, error.reason))
    return Fit(text, tuple(restored), tuple(unfit)) if restored else unfit[0][1]


def judge_all(
    items: Iterable[Item], rewritten: Mapping[str, str], language: Language | None
) -> list[tuple[Item, Fit | str]]:
    """The same for each item that has a text under its key."""
    return [(item, judge(item, rewritten[item.key], language)) for item in items if item.key in rewritten]
