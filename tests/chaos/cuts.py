"""Where clients break their connections: anywhere, also inside the request, the head, a frame, a character."""

import random
from dataclasses import dataclass
from typing import Literal

Where = Literal["in the request", "in the head", "anywhere", "in a character"]

_FIRST_OF_MORE = 0xC0
"""A byte from here on is the first of several that make one character of UTF-8."""


@dataclass(frozen=True, slots=True)
class Cut:
    """One broken connection.

    Attributes:
        where: What of it is cut.
        at: After how many bytes, of the request or of the answer with its head.
        reset: With RST; else with FIN, as a process that ends leaves it.
    """

    where: Where
    at: int
    reset: bool

    def place(self, received: int, data: bytes) -> int | None:
        """After how many of these bytes of the answer it comes, when so many have come before; None when later."""
        begin = max(0, self.at - received)
        if self.where == "in the request" or begin > len(data):
            return None
        if self.where != "in a character":
            return begin
        return next((place + 1 for place in range(begin, len(data)) if data[place] >= _FIRST_OF_MORE), None)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How long an undisturbed stream is, in bytes.

    Attributes:
        request: All of the request.
        head: The answer's head.
        before_text: From the answer's first byte to its first word.
        answer: All of it.
    """

    request: int
    head: int
    before_text: int
    answer: int


def cuts(dice: random.Random, sizes: Sizes) -> list[Cut]:
    """A client's cuts, one to four; those after the first fall into what is left of the stream."""
    count = dice.choices((1, 2, 3, 4), weights=(4, 3, 2, 1))[0]
    return [_first(dice, sizes), *(_later(dice, sizes) for _ in range(count - 1))]


def _first(dice: random.Random, sizes: Sizes) -> Cut:
    where: Where = dice.choices(("anywhere", "in a character", "in the head", "in the request"), weights=(10, 6, 2, 2))[
        0
    ]
    at = {
        "in the request": lambda: dice.randrange(sizes.request + 1),
        "in the head": lambda: dice.randrange(sizes.head),
        "anywhere": lambda: dice.randrange(sizes.answer * 9 // 10),
        "in a character": lambda: dice.randrange(sizes.before_text, sizes.answer * 9 // 10),
    }[where]()
    return Cut(where, at, reset=dice.random() < 0.5)


def _later(dice: random.Random, sizes: Sizes) -> Cut:
    where: Where = dice.choices(("anywhere", "in a character", "in the head"), weights=(5, 4, 1))[0]
    longest = sizes.head if where == "in the head" else sizes.head + (sizes.answer - sizes.before_text) // 3
    return Cut(where, dice.randrange(longest), reset=dice.random() < 0.5)
