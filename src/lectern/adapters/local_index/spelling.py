"""Misspelt words, corrected against the words of the site itself."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

MIN_LENGTH: Final = 4
"""Shorter words are near too many others."""

MIN_LENGTH_TWO_EDITS: Final = 7
"""From this length two edits still leave a word recognisable."""


class Spelling:
    """The words of a site, sorted for looking up near ones.

    Args:
        words: `(word, number of sections that hold it)`.
    """

    def __init__(self, words: Iterable[tuple[str, int]]) -> None:
        self._by_length: dict[int, list[tuple[str, int, int]]] = defaultdict(list)
        for word, sections in words:
            if not word.isdigit():
                self._by_length[len(word)].append((word, sections, _letters(word)))

    def correct(self, word: str) -> str | None:
        """The site's word that was probably meant, or None.

        The nearest one; of equally near ones the one that stands in the most sections.
        """
        if len(word) < MIN_LENGTH or word.isdigit():
            return None
        allowed = 2 if len(word) >= MIN_LENGTH_TWO_EDITS else 1
        letters = _letters(word)
        best: tuple[int, int, str] | None = None
        for length in range(max(MIN_LENGTH, len(word) - allowed), len(word) + allowed + 1):
            for candidate, sections, others in self._by_length.get(length, ()):
                if (letters ^ others).bit_count() > 2 * allowed:
                    continue
                if candidate[0] != word[0] and set(candidate[:2]) != set(word[:2]):
                    continue
                distance = edit_distance(word, candidate, allowed)
                if distance <= allowed and (best is None or (distance, -sections, candidate) < best):
                    best = (distance, -sections, candidate)
        return None if best is None else best[2]


def edit_distance(one: str, other: str, limit: int) -> int:
    """Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.

    The restricted Damerau-Levenshtein distance; anything above `limit` is given as `limit + 1`.
    """
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, against in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != against))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == against:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return min(row[-1], limit + 1)


def _letters(word: str) -> int:
    """The set of a word's letters as 64 bits; two words within n edits differ in at most 2n of them."""
    bits = 0
    for letter in word:
        bits |= 1 << (ord(letter) & 63)
    return bits
