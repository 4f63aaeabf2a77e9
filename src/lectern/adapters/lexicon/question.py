"""A reader's words, read: what to look up, how telling each word is, and which were misspelt."""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

from lectern.adapters.lexicon.words import STOP_WORDS, Stemmer, split_words

MIN_IDF: Final = 0.5
"""A word that 6 sections in 10 hold is looked up only when there is no other: it costs most and tells least."""

MANY_WORDS: Final = 5000
"""A site with as many different words (some 80 pages) can be expected to know a word that bears on it."""

MAX_WORDS: Final = 256
"""Distinct words read of a question; a 100 KB paste must not cost seconds."""

MAX_TERMS: Final = 32
"""Most telling terms that are looked up."""

MAX_STOP_WORDS: Final = 16
"""First stop words that are looked up."""

MAX_CORRECTIONS: Final = 8
"""Unknown words that are looked up in the site's vocabulary; each costs about a millisecond."""


@dataclass(frozen=True, slots=True)
class Term:
    """One thing to look up.

    Attributes:
        word: A word that stems to the term.
        idf: How telling it is; that of a word no section holds when the site does not know it.
        known: Whether any section holds it, after correction.
        corrected: Whether the reader spelt it otherwise.
    """

    word: str
    idf: float
    known: bool
    corrected: bool = False


@dataclass(frozen=True)
class Query:
    """A question as the index sees it.

    Attributes:
        terms: What it is about, most telling first.
        stop_words: The words around that, which say what kind of answer it wants; empty when there are only such.
        strangeness: What an unknown word says, 0 to 1: little on a small site, which lacks many plain words too.
    """

    terms: tuple[Term, ...]
    stop_words: tuple[str, ...]
    strangeness: float

    @cached_property
    def mass(self) -> float:
        """The sum of all terms' idf, known to the site or not."""
        return sum(term.idf for term in self.terms)

    def share(self, terms: Iterable[Term]) -> float:
        """How much of the question some of its known terms are, 0 to 1."""
        known = sum(term.idf for term in self.known)
        whole = known + self.strangeness * (self.mass - known)
        return sum(term.idf for term in terms) / whole if whole else 0.0

    @cached_property
    def known(self) -> tuple[Term, ...]:
        """Terms that some section holds."""
        return tuple(term for term in self.terms if term.known)

    @property
    def looked_up(self) -> tuple[Term, ...]:
        """The known terms that tell enough to be looked up; all known ones when none does."""
        return tuple(term for term in self.known if term.idf >= MIN_IDF) or self.known


class Vocabulary(Protocol):
    """The words of what is searched, one site or all."""

    @property
    def sections(self) -> int:
        """How many sections are searched."""
        ...

    @property
    def words(self) -> int:
        """How many different words they hold."""
        ...

    def frequencies(self, stems: Collection[str]) -> dict[str, int]:
        """In how many sections each stem stands; stems that stand nowhere are left out."""
        ...

    def correct(self, word: str) -> str | None:
        """The word that was probably meant, or None."""
        ...


def read_question(text: str, stemmer: Stemmer, vocabulary: Vocabulary) -> Query:
    """Read a question of any length and any characters."""
    asked = list(dict.fromkeys(split_words(text)))[:MAX_WORDS]
    telling = [word for word in asked if word not in STOP_WORDS] or asked
    stems = stemmer.stems(telling)
    frequencies = vocabulary.frequencies(set(stems.values()))
    corrections = {
        word: corrected
        for word in [word for word, stem in stems.items() if stem not in frequencies][:MAX_CORRECTIONS]
        if (corrected := vocabulary.correct(word))
    }
    corrected_stems = stemmer.stems(corrections.values())
    frequencies |= vocabulary.frequencies(set(corrected_stems.values()))
    terms: dict[str, Term] = {}
    for word in telling:
        if word not in stems:
            continue
        correct = corrections.get(word, word)
        stem = corrected_stems[correct] if word in corrections else stems[word]
        containing = frequencies.get(stem, 0)
        terms.setdefault(stem, Term(correct, idf(vocabulary.sections, containing), containing > 0, word in corrections))
    ranked = sorted(terms.values(), key=lambda term: (-term.idf, term.word))
    stop_words = [word for word in asked if word in STOP_WORDS] if telling is not asked else []
    strangeness = min(1.0, math.log1p(vocabulary.words) / math.log1p(MANY_WORDS))
    return Query(tuple(ranked[:MAX_TERMS]), tuple(stop_words[:MAX_STOP_WORDS]), strangeness)


def idf(sections: int, containing: int) -> float:
    """How telling a stem is: BM25's inverse document frequency, never below 0 (Robertson and Zaragoza 2009, eq. 3.3).

    Args:
        sections: Number of sections searched.
        containing: Number of them that hold the stem.
    """
    return math.log1p((sections - containing + 0.5) / (containing + 0.5))
