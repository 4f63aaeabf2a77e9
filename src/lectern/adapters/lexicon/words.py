"""What a word is, here and in SQLite's full-text tables, and which words of a question carry nothing."""

import re
import sqlite3
import unicodedata
from collections.abc import Iterable
from typing import Final

TOKENIZER: Final = "porter unicode61 remove_diacritics 2"
"""SQLite's stemmer over its Unicode words; `combineReducers` stays one word, `é` equals `e`."""

_WORD: Final = re.compile(r"[^\W_]+")
_UNSPACED: Final = re.compile("([\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])")
"""Kana and Han, written without spaces: each character counts as a word, or a sentence would be one."""

MAX_CACHED_STEMS: Final = 20_000
"""A reader's questions repeat the same words; the cache stays near 2 MB."""

STOP_WORDS: Final = frozenset(
    _WORD.findall(
        "a about again all also am an and any anyone anything are aren't as at be because been being but by came can "
        "can't cannot could couldn't did didn't do does doesn't doing don't done else ever for from get gets getting "
        "give gives go goes going got had has hasn't have haven't having he he'd hello help her here hey hi him his "
        "how how's i i'd i'll i'm i've if in into is isn't it it's its just know let let's like look looks make makes "
        "many may me might mine more most much must my need needed needs no nor not of on one ones only onto or our "
        "out over own please really same say says seem seems shall she should shouldn't so some somebody someone "
        "something still such sure tell than thank thanks that that's the their them then there there's these they "
        "they're thing things this those to too up upon us use used uses using very want wants was wasn't way ways we "
        "we're were weren't what what's whatever when whenever where where's which while who who's whole whom whose "
        "why will with without won't would wouldn't yes yet you you're you've your yours"
    )
)
"""Function words and the words that questions are made of; with them an OR query matches the whole site.

Contractions fall apart at the apostrophe, as they do in the index.
"""


def searchable(text: str) -> str:
    """The text as it is put into, and looked up in, the full-text tables."""
    if text.isascii():
        return text.lower()
    return _UNSPACED.sub(r" \1 ", unicodedata.normalize("NFKC", text).casefold())


def split_words(text: str) -> list[str]:
    """The words of a text, in order, lower case. Any characters are fine; what is no letter or digit separates."""
    return _WORD.findall(searchable(text))


def is_text(text: str) -> bool:
    """Whether the text can be stored and sent: half of a surrogate pair, which JSON lets through, is no character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class Stemmer:
    """SQLite's own stemmer, asked through a table in memory, so that stems equal those of the index.

    Not for two threads at a time.
    """

    def __init__(self) -> None:
        self._memory = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._memory.executescript(
            f"CREATE VIRTUAL TABLE asked USING fts5(word, content='', tokenize='{TOKENIZER}');"
            "CREATE VIRTUAL TABLE stemmed USING fts5vocab(asked, instance);"
        )
        self._known: dict[str, str] = {}

    def stems(self, words: Iterable[str]) -> dict[str, str]:
        """`word → stem`; a word that SQLite does not count as one is left out."""
        wanted = set(words)
        new = sorted(wanted - self._known.keys())
        if new:
            if len(self._known) + len(new) > MAX_CACHED_STEMS:
                self._known.clear()
                new = sorted(wanted)
            self._known.update(self._ask(new))
        return {word: stem for word in wanted if (stem := self._known.get(word, ""))}

    def close(self) -> None:
        """Free the table."""
        self._memory.close()

    def _ask(self, words: list[str]) -> dict[str, str]:
        self._memory.execute("BEGIN")
        self._memory.executemany("INSERT INTO asked (rowid, word) VALUES (?, ?)", enumerate(words))
        found = dict.fromkeys(words, "")
        for row, stem in self._memory.execute("SELECT doc, term FROM stemmed"):
            found[words[row]] = stem
        self._memory.execute("ROLLBACK")
        return found
