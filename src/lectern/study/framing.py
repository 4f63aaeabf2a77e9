"""Segments as blocks of a message, and the blocks of a reply as segments again. Pure.

A segment is written as in XML: a `<` that is not a placeholder's is `&lt;`, so nothing in its text ends its block.
Placeholders are numbered through the whole message, so that a text which comes back in another's block is not taken for
its own when either has one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

VERSION: Final = 1
"""To be counted up when the form of messages, or what the checks let pass, changes: what was kept is made anew then."""

_BLOCK: Final = re.compile(
    r"<segment\s+id\s*=\s*[\"']?(?P<id>\d{1,6})[\"']?\s*>(?P<text>(?:(?!<segment\b).)*?)</segment\s*>", re.DOTALL
)
_OPEN: Final = re.compile(r"<segment\s+id\s*=\s*[\"']?(\d{1,6})")
_NUMBERED: Final = re.compile(r"<\s*(/?)\s*([xg])(\d{1,6})\s*(/?)\s*>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a reply holds, by the position of the segment in the message.

    Attributes:
        texts: The text of each segment that is complete and in its place.
        faults: Why another has none: `cut_off` or `missing`.
    """

    texts: dict[int, str]
    faults: dict[int, str]


class Framing:
    """One message of segments.

    Args:
        texts: The segments' texts, with placeholders.

    Attributes:
        message: What the model is sent; blocks are numbered from 1.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._count = len(texts)
        self._numbers: list[dict[str, str]] = []
        last = 0
        blocks = []
        for position, text in enumerate(texts, start=1):
            own = list(dict.fromkeys(match[3] for match in _NUMBERED.finditer(text)))
            sent = {number: str(last + place) for place, number in enumerate(own, start=1)}
            last += len(own)
            self._numbers.append({there: number for number, there in sent.items()})
            blocks.append(f'<segment id="{position}">{_renumbered(text, sent)}</segment>')
        self.message = "\n".join(blocks)

    def read(self, reply: str) -> Reply:
        """The blocks of a reply that stand in their order and whole; what stands around them is left out.

        Two blocks that changed places are both missing, as nobody knows which of them has the other's text.
        """
        found = [(int(match["id"]), match["text"]) for match in _BLOCK.finditer(reply)]
        opened = {int(number) for number in _OPEN.findall(reply)}
        in_place = _in_place([number for number, _ in found])
        texts: dict[int, str] = {}
        for number, text in found:
            if number in in_place and 1 <= number <= self._count:
                texts[number - 1] = _renumbered(text, self._numbers[number - 1])
        closed = {number for number, _ in found}
        faults = {
            position: "cut_off" if position + 1 in opened - closed else "missing"
            for position in range(self._count)
            if position not in texts
        }
        return Reply(texts, faults)


def _in_place(numbers: Sequence[int]) -> set[int]:
    """Those of the numbers with only smaller ones before them and only larger ones behind them."""
    smallest_behind: list[float] = [float("inf")]
    for number in reversed(numbers):
        smallest_behind.append(min(number, smallest_behind[-1]))
    largest_before = -1
    kept = set()
    for place, number in enumerate(numbers):
        if largest_before < number < smallest_behind[len(numbers) - place - 1]:
            kept.add(number)
        largest_before = max(largest_before, number)
    return kept


def _renumbered(text: str, numbers: dict[str, str]) -> str:
    """The text with its placeholders' numbers exchanged; one that is none of the text's own gets 0, which none has."""
    return _NUMBERED.sub(lambda found: f"<{found[1]}{found[2].lower()}{numbers.get(found[3], '0')}{found[4]}>", text)
