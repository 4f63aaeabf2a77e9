"""What the stub answers and which vectors it gives: functions of the text, the same in every run and process."""

import math
import re
from functools import lru_cache
from hashlib import blake2b
from itertools import cycle, islice
from typing import Any

from loadtests.stub_model import Behaviour
from loadtests.stub_rewrites import last_user_text

_WORD = re.compile(r"\w+")
_PASSAGE = re.compile(r"^\[1\]", re.MULTILINE)
_STEM = 6
"""Words count by their first letters, so that a reducer and reducers are near."""
_SHORT = 3
_DIMENSIONS_PER_WORD = 4


def answer(messages: list[dict[str, Any]], tokens: int, behaviour: Behaviour) -> list[str]:
    """An answer in so many tokens, made of the question's words.

    The question is the last user message, or what stands behind `Question:` in it. Numbers of citations come as
    three tokens, as real tokenizers cut them.
    """
    question = last_user_text(messages).rpartition("Question:")[2].split() or ["nothing"]
    given = any(isinstance(text := message.get("content"), str) and _PASSAGE.search(text) for message in messages)
    cites = given and "nocite" not in behaviour.flags
    head = ["You", " asked", ":"]
    tail = ([" [", "1", "]"] if cites else []) + ([" [", "99", "]"] if "badcite" in behaviour.flags else []) + ["."]
    middle = islice((f" {word}" for word in cycle(question)), max(0, tokens - len(head) - len(tail)))
    return [*head, *middle, *tail][:tokens]


def vector(text: str, dimensions: int) -> list[float]:
    """A vector of unit length; texts that share words point in near directions.

    Each word adds to a few dimensions that its hash names; short words, which most texts share, add little.
    """
    values = [0.0] * dimensions
    for word in _WORD.findall(text.lower()):
        weight = 0.2 if len(word) <= _SHORT else 1.0
        for place, sign in _places(word[:_STEM]):
            values[place % dimensions] += sign * weight
    norm = math.sqrt(sum(value * value for value in values))
    if norm == 0:
        return [1.0] + [0.0] * (dimensions - 1)
    return [value / norm for value in values]


@lru_cache(maxsize=100_000)
def _places(word: str) -> tuple[tuple[int, float], ...]:
    """The dimensions a word adds to (before the modulus), each with a sign."""
    digest = blake2b(word.encode("utf-8", "replace"), digest_size=4 * _DIMENSIONS_PER_WORD).digest()
    numbers = (int.from_bytes(digest[at : at + 4], "big") for at in range(0, len(digest), 4))
    return tuple((number >> 1, 1.0 if number & 1 else -1.0) for number in numbers)


def spoil(vectors: list[list[float]], behaviour: Behaviour) -> None:
    """Give vectors the faults that the model's name asks for: `nan`, `zero`, `uneven`, `short`."""
    if "nan" in behaviour.flags:
        vectors[0][0] = float("nan")
    if "zero" in behaviour.flags:
        vectors[0] = [0.0] * behaviour.dimensions
    if "uneven" in behaviour.flags:
        vectors[-1] = vectors[-1][:-1]
    if "short" in behaviour.flags:
        vectors.pop()
