"""What comes back from an embedding model, checked before anybody compares it; and how texts are packed for one."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from lectern.adapters.no_answer import NoAnswer

BYTES_A_TOKEN: Final = 3
"""Fewer than any tokenizer averages on prose or code, so that the estimate is rather too high."""


def unit_rows(rows: Sequence[Any], count: int) -> NDArray[np.float32]:
    """The rows, made unit length; shape (count, dimensions).

    Raises:
        NoAnswer, ValueError, TypeError: They are not `count` rows of one length, with finite numbers that are not all
            zero.
    """
    if len(rows) != count:
        raise NoAnswer("not one vector a text")
    matrix = np.array(rows, dtype=np.float32)
    with np.errstate(over="ignore"):  # too long to measure is not finite, which is told below
        norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    if not (np.isfinite(norms).all() and norms.all()):
        raise NoAnswer("a vector that points nowhere")
    unit: NDArray[np.float32] = matrix / norms
    return unit


def batches(texts: Sequence[str], *, most: int, tokens: int) -> Iterator[Sequence[str]]:
    """The texts, in order, in runs of at most so many texts and estimated tokens; a longer text goes alone.

    Args:
        texts: What to embed.
        most: Texts in one request.
        tokens: Tokens in one request, by a rough estimate from bytes.
    """
    start, weight = 0, 0
    for place, text in enumerate(texts):
        own = math.ceil(len(text.encode(errors="replace")) / BYTES_A_TOKEN)
        if place > start and (place - start == most or weight + own > tokens):
            yield texts[start:place]
            start, weight = place, 0
        weight += own
    if start < len(texts):
        yield texts[start:]
