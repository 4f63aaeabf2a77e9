"""Gives pieces of a rewritten text the blanks that they need to be read as what they are beside other words."""

from collections.abc import Sequence

from markdown_it.common.utils import isMdAsciiPunct, isPunctChar

from lectern.study.broken import BrokenSegment
from lectern.study.pieces import Piece

_AFTER_ADDRESS = " *_~).,;:!?'\"]|"
_BEFORE_ADDRESS = ' *_~([|"'


def settle(pieces: list[Piece]) -> None:
    """Give emphasis and bare addresses the blanks that they need to be read as such beside other words than before."""
    index = 0
    while index < len(pieces):
        if pieces[index].kind == "emphasis open":
            index = _settle_marker(pieces, index, -1)
        elif pieces[index].kind == "emphasis close":
            index = _settle_marker(pieces, index, 1)
        elif pieces[index].kind == "url" and not pieces[index].text.startswith("<"):
            index = _settle_address(pieces, index)
        index += 1


def _settle_marker(pieces: list[Piece], index: int, outward: int) -> int:
    """Move blanks from inside a marker to its outside, or put one there where the marker would not be one.

    Returns:
        The marker's new index.
    """
    if _neighbour(pieces, index, -outward) == " ":
        inside = pieces[index - outward]
        bare = inside.text.lstrip(" ") if outward < 0 else inside.text.rstrip(" ")
        if inside.kind != "text" or bare == inside.text:
            raise BrokenSegment("structure")
        inside.text = bare
        return _put_blank(pieces, index, outward)
    outer, inner = _neighbour(pieces, index, outward), _neighbour(pieces, index, -outward)
    if outer == " " or _flanks(outer, inner, inside_word=pieces[index].text[0] != "_"):
        return index
    return _put_blank(pieces, index, outward)


def _settle_address(pieces: list[Piece], index: int) -> int:
    """Part an address from letters beside it, which would be read as more of it."""
    if _neighbour(pieces, index, 1) not in _AFTER_ADDRESS:
        _put_blank(pieces, index, 1)
    return index if _neighbour(pieces, index, -1) in _BEFORE_ADDRESS else _put_blank(pieces, index, -1)


def _put_blank(pieces: list[Piece], index: int, side: int) -> int:
    pieces.insert(index + (side > 0), Piece(" ", " "))
    return index + (side < 0)


def _neighbour(pieces: Sequence[Piece], index: int, step: int) -> str:
    """The character beside a piece; a blank at the ends."""
    index += step
    while 0 <= index < len(pieces):
        if text := pieces[index].text:
            return " " if (char := text[0 if step > 0 else -1]).isspace() else char
        index += step
    return " "


def _flanks(outer: str, inner: str, *, inside_word: bool) -> bool:
    """Whether a marker between two characters opens towards the inner one, as CommonMark has it."""
    outer_is_mark = isMdAsciiPunct(ord(outer)) or isPunctChar(outer)
    inner_is_mark = isMdAsciiPunct(ord(inner)) or isPunctChar(inner)
    return (outer_is_mark or not inner_is_mark) and (inside_word or outer_is_mark)


def trim(pieces: list[Piece]) -> None:
    """Take the blanks off the ends of lines: of the text, and beside hard breaks."""
    pieces[:] = [piece for piece in pieces if piece.text]
    for index, piece in enumerate(pieces):
        if piece.kind != "text":
            continue
        if not index or pieces[index - 1].kind == "break":
            piece.text = piece.text.lstrip()
        if index == len(pieces) - 1 or pieces[index + 1].kind == "break":
            piece.text = piece.text.rstrip()
