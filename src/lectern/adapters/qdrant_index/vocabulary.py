"""A site's words and how many sections hold each: what a question is read against, kept in one point a site.

An update changes the counts by the pages it puts and removes; a reader fetches them once a generation.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from lectern.adapters.lexicon.spelling import Spelling
from lectern.adapters.lexicon.words import Stemmer, split_words
from lectern.adapters.qdrant_index import schema
from lectern.adapters.qdrant_index.rest import Point
from lectern.ports import Document


@dataclass
class Words:
    """A `Vocabulary` of one site, or of several together.

    Attributes:
        sections: How many sections there are.
        by_word: In how many of them each word stands.
        by_stem: The same by stem.
    """

    sections: int = 0
    by_word: Counter[str] = field(default_factory=Counter)
    by_stem: Counter[str] = field(default_factory=Counter)

    @property
    def words(self) -> int:
        """How many different words they hold."""
        return len(self.by_word)

    def frequencies(self, stems: Collection[str]) -> dict[str, int]:
        """In how many sections each stem stands; stems that stand nowhere are left out."""
        return {stem: self.by_stem[stem] for stem in stems if stem in self.by_stem}

    def correct(self, word: str) -> str | None:
        """The word that was probably meant, or None."""
        return self._spelling.correct(word)

    def count(self, documents: Iterable[Document], stemmer: Stemmer, sign: int = 1) -> None:
        """Add the documents' words, or take them out with a `sign` of -1."""
        for document in documents:
            for section in document.sections:
                found = set(split_words(" ".join((document.title, *section.heading_path, section.text))))
                self.sections += sign
                for counts, names in (
                    (self.by_word, found),
                    (self.by_stem, set(stemmer.stems(found).values())),
                ):
                    for name in names:
                        counts[name] += sign
        # What stands nowhere any more is no word of the site.
        self.by_word, self.by_stem = +self.by_word, +self.by_stem

    @cached_property
    def _spelling(self) -> Spelling:
        return Spelling(self.by_word.items())


def together(parts: Iterable[Words]) -> Words:
    """The words of several sites."""
    whole = Words()
    for part in parts:
        whole.sections += part.sections
        whole.by_word.update(part.by_word)
        whole.by_stem.update(part.by_stem)
    return whole


def words_point(site: str, words: Words, generation: int) -> Point:
    """The point that keeps a site's words, living from a generation on."""
    payload = {
        "kind": "words",
        "site": site,
        "sections": words.sections,
        # As text: nothing in it is ever filtered by, and Qdrant need not take it apart.
        "by_word": json.dumps(words.by_word, ensure_ascii=False, separators=(",", ":")),
        "by_stem": json.dumps(words.by_stem, ensure_ascii=False, separators=(",", ":")),
        "since": generation,
        "until": schema.FOREVER,
    }
    return Point(id=schema.point_id("words", site, generation), vector={}, payload=payload)


def words_of(payload: Mapping[str, Any]) -> Words:
    """The words a point keeps."""
    return Words(payload["sections"], Counter(json.loads(payload["by_word"])), Counter(json.loads(payload["by_stem"])))
