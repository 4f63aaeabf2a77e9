"""Segments in as few calls as a model's limits allow. Pure."""

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

Item = TypeVar("Item")

CHARACTERS_PER_TOKEN: Final = 4
"""Of English prose; what it becomes in another script may take several times the tokens."""

_FRAME_CHARACTERS: Final = len('<segment id="100"></segment>\n')


def tokens_of(text: str) -> int:
    """About how many tokens a segment is in a message, its frame included."""
    return -(-(len(text) + _FRAME_CHARACTERS) // CHARACTERS_PER_TOKEN)


def batched(items: Iterable[Item], text_of: Callable[[Item], str], *, most_tokens: int) -> list[list[Item]]:
    """The items in their order, cut into batches of at most so many tokens; one that has more goes alone.

    Args:
        items: What is to be rewritten.
        text_of: An item's text.
        most_tokens: Estimated tokens of a batch.
    """
    batches: list[list[Item]] = []
    room = 0
    for item in items:
        tokens = tokens_of(text_of(item))
        if tokens > room:
            batches.append([])
            room = most_tokens
        batches[-1].append(item)
        room -= tokens
    return batches
