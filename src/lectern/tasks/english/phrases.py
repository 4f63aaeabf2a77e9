"""A message as words that know where they stand, so that what is kept of it is kept as it was written. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

_WORDS: Final = re.compile(r'“[^“”]*”|"[^"]*"|\S+')
_EDGES: Final = " \t\r\n.,!?;:()[]{}<>*_-–—`'\"“”\u2018’…"
_QUOTES: Final = {'"': '"', "“": "”"}
_APOSTROPHES: Final = str.maketrans("’\u2018`", "'''")


@dataclass(frozen=True, slots=True)
class Word:
    """One word, or what stands between quotation marks.

    Attributes:
        key: What it is compared by: without case and the punctuation around it.
        start: Where it begins in the message.
        end: Where it ends.
        is_quoted: Whether it stands between quotation marks, and so means itself.
    """

    key: str
    start: int
    end: int
    is_quoted: bool = False


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words of a message, next to each other."""

    source: str
    words: tuple[Word, ...]

    @classmethod
    def of(cls, source: str) -> Self:
        """The words of a message; what has no letter, digit or sign in it is none."""
        words = []
        for found in _WORDS.finditer(source):
            text = found[0]
            is_quoted = len(text) > 1 and _QUOTES.get(text[0]) == text[-1]
            key = text.translate(_APOSTROPHES).strip(_EDGES).casefold()
            if key:
                words.append(Word(key, found.start(), found.end(), is_quoted))
        return cls(source, tuple(words))

    @property
    def keys(self) -> tuple[str, ...]:
        """What its words are compared by; a quoted one is no word of the language."""
        return tuple('"' if word.is_quoted else word.key for word in self.words)

    @property
    def text(self) -> str:
        """As it was written, in one line, without quotation marks around it or stops behind it."""
        if not self.words:
            return ""
        if len(self.words) == 1 and self.words[0].is_quoted:
            return " ".join(self.source[self.words[0].start + 1 : self.words[0].end - 1].split())
        text = " ".join(self.source[self.words[0].start : self.words[-1].end].split())
        return text.strip(" \t.,;:!-–—")

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, piece: slice) -> "Phrase":
        return Phrase(self.source, self.words[piece])

    def after(self, openings: Mapping[str, Sequence[tuple[str, ...]]]) -> "Phrase | None":
        """What follows the longest of these that it begins with; None when it begins with none."""
        keys = self.keys
        for each in openings.get(keys[0], ()) if keys else ():
            if keys[: len(each)] == each:
                return self[len(each) :]
        return None

    def without(self, openings: Mapping[str, Sequence[tuple[str, ...]]], *, behind: bool = False) -> "Phrase":
        """The phrase without all such words at its beginning, or `behind` at its end, however often they come."""
        words, keys = self.words, self.keys
        first, last = 0, len(words)
        while first < last:
            at = keys[last - 1] if behind else keys[first]
            size = next((len(each) for each in openings.get(at, ()) if _stands(keys[first:last], each, behind)), 0)
            if size == 0:
                break
            first, last = (first, last - size) if behind else (first + size, last)
        return self[first:last]


def _stands(keys: Sequence[str], wanted: tuple[str, ...], behind: bool) -> bool:  # noqa: FBT001 - not an API
    return tuple(keys[-len(wanted) :] if behind else keys[: len(wanted)]) == wanted


def by_first(phrases: str) -> dict[str, list[tuple[str, ...]]]:
    """Phrases by their first word, the longest first.

    Args:
        phrases: Divided by commas or lines.
    """
    return _by(phrases, lambda words: words[0])


def by_last(phrases: str) -> dict[str, list[tuple[str, ...]]]:
    """Phrases by their last word, the longest first."""
    return _by(phrases, lambda words: words[-1])


def _by(phrases: str, place: Callable[[tuple[str, ...]], str]) -> dict[str, list[tuple[str, ...]]]:
    found: dict[str, list[tuple[str, ...]]] = {}
    for words in sorted((tuple(each.split()) for each in re.split(r"[,\n]", phrases)), key=len, reverse=True):
        if words:
            found.setdefault(place(words), []).append(words)
    return found
