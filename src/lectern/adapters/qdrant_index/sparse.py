"""A text's BM25 term weights as a sparse vector; Qdrant multiplies them by each term's IDF. Pure but for the stemmer.

A term is known by a hash of its stem, so there is no dictionary to keep: of 50,000 stems two share a number once in
three sites, which costs one wrong word.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from lectern.adapters.lexicon.words import Stemmer, split_words
from lectern.adapters.qdrant_index.rest import SparseVector

K1: Final = 1.2
B: Final = 0.75
"""BM25's customary constants (Robertson and Zaragoza 2009, section 3.2)."""

CHUNK_LENGTH: Final = 80
WINDOW_LENGTH: Final = 180
"""Mean lengths that a text's own is compared with, in words: measured on documentation, fixed so that a text's weights
never depend on its neighbours."""

FIELD_WEIGHTS: Final = {"title": 1.0, "parents": 2.0, "heading": 6.0, "text": 1.0}
"""How often a word counts that stands there; the values of the local index."""


def term(stem: str) -> int:
    """A stem's number, 32 bits."""
    return int.from_bytes(hashlib.blake2b(stem.encode(), digest_size=4).digest(), "big")


def weigh(fields: Mapping[str, str], stemmer: Stemmer, mean_length: int) -> SparseVector:
    """The term weights of a text.

    Args:
        fields: Texts by the names of `FIELD_WEIGHTS`.
        stemmer: Not shared with another thread.
        mean_length: What its length is compared with, in words.
    """
    counts: Counter[str] = Counter()
    length = 0
    for name, text in fields.items():
        words = split_words(text)
        length += len(words)
        stems = stemmer.stems(words)
        for word in words:
            if word in stems:
                counts[stems[word]] += FIELD_WEIGHTS[name]  # type: ignore[assignment]  # a Counter of floats works
    norm = K1 * (1 - B + B * length / mean_length)
    weights: dict[int, float] = {}
    for stem, count in counts.items():
        weights[term(stem)] = round(count * (K1 + 1) / (count + norm), 5)
    return _vector(weights)


def ask(stems: Iterable[tuple[str, float]]) -> SparseVector:
    """A question's sparse vector, of `(stem, weight)`."""
    return _vector({term(stem): weight for stem, weight in stems})


def _vector(weights: Mapping[int, float]) -> SparseVector:
    terms = sorted(weights)
    return SparseVector(indices=terms, values=[weights[number] for number in terms])
