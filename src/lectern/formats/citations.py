"""Where an answer cites its sources, for formats that tell it apart from the text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_MARK: Final = re.compile(r"(`+)|(\n)|\[(\d{1,4}(?:, \d{1,4})*)\]")
_LONGEST_SPAN: Final = 2
"""Backticks that open code in a line; more open a fence, which its line does not end."""


@dataclass(frozen=True, slots=True)
class Citation:
    """One number in the text.

    Attributes:
        start: Where its brackets open, in characters (code points) from the text's begin.
        end: Behind the bracket that closes them.
        number: Which source it names, from 1. `[1, 2]` makes two citations of one place.
    """

    start: int
    end: int
    number: int


def citations(text: str, sources: int) -> Iterator[Citation]:
    """The citations of an answer, in their order. Brackets in code are code, as when the answer was made.

    Args:
        text: The answer.
        sources: How many sources the reader was shown; what names no source is no citation.
    """
    code = 0  # length of the run of backticks that opened the code we are in; 0 outside
    for found in _MARK.finditer(text):
        ticks, line_end, numbers = found.groups()
        if line_end:
            code = code if code > _LONGEST_SPAN else 0
        elif ticks:
            code = len(ticks) if not code else 0 if len(ticks) >= code else code
        elif not code:
            for number in map(int, numbers.split(", ")):
                if 1 <= number <= sources:
                    yield Citation(found.start(), found.end(), number)
