"""Misspelt words, corrected against the words of the site itself."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

MIN_LENGTH: Final = 4
"""Shorter words are near too many others."""

MIN_LENGTH_REPLACED: Final = 6
"""Below this length one letter for another makes another word (`wipe`, `wide`); other slips leave it recognisable."""

MIN_LENGTH_TWO_EDITS: Final = 9
"""From this length two edits still leave a word recognisable."""

_DOUBLED: Final = re.compile(r"(.)\1+")


class Spelling:
    """The words of a site, sorted for looking up near ones.

    Args:
        words: `(word, number of sections that hold it)`.
    """

    def __init__(self, words: Iterable[tuple[str, int]]) -> None:
        self._by_length: dict[int, list[tuple[str, int, int]]] = defaultdict(list)
        for word, sections in words:
            if word.isalpha():
                self._by_length[len(word)].append((word, sections, _letters(word)))

    def correct(self, word: str) -> str | None:
        """The site's word that was probably meant, or None.

        The nearest one; of equally near ones one that differs in a doubled letter only, then the one that stands in
        the most sections. A word with digits is a name (`base64`, `es2015`) and is left alone.
        """
        if len(word) < MIN_LENGTH or not word.isalpha():
            return None
        candidates = [
            (distance, _undoubled(candidate) != _undoubled(word), -sections, candidate)
            for candidate, sections in self._near(word)
            if (distance := edit_distance(word, candidate, _edits(word))) <= _edits(word)
            and (len(word) >= MIN_LENGTH_REPLACED or not _replaces(word, candidate))
        ]
        return min(candidates)[-1] if candidates else None

    def _near(self, word: str) -> Iterator[tuple[str, int]]:
        """Words that may be within reach: of like length and letters, and with the same opening."""
        allowed, letters, opening = _edits(word), _letters(word), set(word[:2])
        for length in range(max(MIN_LENGTH, len(word) - allowed), len(word) + allowed + 1):
            for candidate, sections, others in self._by_length.get(length, ()):
                if (letters ^ others).bit_count() <= 2 * allowed and (
                    candidate[0] == word[0] or set(candidate[:2]) == opening
                ):
                    yield candidate, sections


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


def _edits(word: str) -> int:
    return 2 if len(word) >= MIN_LENGTH_TWO_EDITS else 1


def _replaces(word: str, candidate: str) -> bool:
    """Whether one letter stands for another one, rather than being left out, added or swapped."""
    return len(word) == len(candidate) and sorted(word) != sorted(candidate)


def _undoubled(word: str) -> str:
    return _DOUBLED.sub(r"\1", word)


def _letters(word: str) -> int:
    """The set of a word's letters as 64 bits; two words within n edits differ in at most 2n of them."""
    bits = 0
    for letter in word:
        bits |= 1 << (ord(letter) & 63)
    return bits
