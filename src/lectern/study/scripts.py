"""Which script letters are of, by the names that Unicode gives them. Pure."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Final

_WORD: Final = re.compile(r"[a-zß-ɏ]+|[^\W\d_a-zß-ɏ]+")
"""A run of Latin letters, or one of others: "geometry値" is two words, as Chinese and Japanese write no blanks."""

_ALPHABETS: Final = {
    "Arab": ("ARABIC",),
    "Armn": ("ARMENIAN",),
    "Beng": ("BENGALI",),  # codespell:ignore beng
    "Cyrl": ("CYRILLIC",),
    "Deva": ("DEVANAGARI",),
    "Ethi": ("ETHIOPIC",),
    "Geor": ("GEORGIAN",),
    "Grek": ("GREEK",),
    "Gujr": ("GUJARATI",),
    "Guru": ("GURMUKHI",),
    "Hans": ("CJK",),
    "Hant": ("CJK",),
    "Hebr": ("HEBREW",),
    "Jpan": ("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"),
    "Khmr": ("KHMER",),
    "Knda": ("KANNADA",),
    "Kore": ("HANGUL", "CJK"),
    "Laoo": ("LAO",),
    "Latn": ("LATIN",),
    "Mlym": ("MALAYALAM",),
    "Mymr": ("MYANMAR",),
    "Sinh": ("SINHALA",),
    "Taml": ("TAMIL",),
    "Telu": ("TELUGU",),
    "Thai": ("THAI",),
}
"""ISO 15924 → the first words of its letters' names."""

_SHARE_OF_A_MAIN_ALPHABET: Final = 0.2
"""Japanese has three, each with more of its letters than that; names in another script have fewer."""


def alphabets_of(script: str) -> tuple[str, ...]:
    """What the letters of a script are named by.

    Args:
        script: ISO 15924, one of `lectern.study.languages`.
    """
    return _ALPHABETS[script]


def main_alphabets(text: str) -> tuple[str, ...]:
    """What most letters of a text are named by; nothing of a text without letters."""
    counts = Counter(_alphabet(letter) for letter in text if letter.isalpha())
    least = counts.total() * _SHARE_OF_A_MAIN_ALPHABET
    return tuple(alphabet for alphabet, count in counts.items() if count >= least)


def share(words: Iterable[str], alphabets: Collection[str]) -> tuple[float, int]:
    """The share of letters that are of these alphabets, from 0 to 1, and how many letters there are."""
    counts = Counter(letter for word in words for letter in word)
    letters = counts.total()
    of_them = sum(count for letter, count in counts.items() if _alphabet(letter) in alphabets)
    return (of_them / letters if letters else 1.0), letters


def words_of(text: str) -> list[str]:
    """The runs of letters of a text, in small ones; signs that stand on letters part them, which does for counting."""
    return _WORD.findall(text.casefold())


@lru_cache(maxsize=4096)
def _alphabet(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]
