"""What the lexicon promises about words, misspelt ones and the pieces that are matched."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sample_pages import section

from lectern.adapters.lexicon.pieces import (
    POINTER_HEADINGS,
    WINDOW_WORDS,
    around,
    passage_id,
    section_weight,
    vector_key,
    windows,
)
from lectern.adapters.lexicon.question import idf
from lectern.adapters.lexicon.spelling import Spelling, edit_distance
from lectern.adapters.lexicon.words import STOP_WORDS, Stemmer, searchable, split_words

SITE = Spelling(
    [
        ("toolkit", 90),
        ("shopping", 3),
        ("showing", 40),
        ("example", 70),
        ("selector", 60),
        ("wide", 9),
        ("immutability", 12),
        ("next", 30),
        ("version2", 5),
        ("react", 99),
    ]
)

CHUNKS = st.lists(st.integers(1, 120).map(lambda words: " ".join(["word"] * words)), min_size=1, max_size=60)


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("tolkit", "toolkit"),
        ("examplle", "example"),
        ("sselector", "selector"),
        ("shoping", "shopping"),
        ("imutabilty", "immutability"),
        ("raect", "react"),
        ("recat", "react"),
    ],
)
def test_a_slip_is_read_as_the_word_of_the_site(misspelt: str, meant: str) -> None:
    """A letter left out, swapped, doubled or not doubled leaves a word recognisable."""
    assert SITE.correct(misspelt) == meant


@pytest.mark.parametrize("word", ["wipe", "nuxt", "svelte", "version3", "rea", "2024", "toolbox", "", "elector2"])
def test_another_word_is_left_alone(word: str) -> None:
    """A short word with another letter, a name with digits and a word far from all others are not corrected."""
    assert SITE.correct(word) is None


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [("abcd", "abcd", 0), ("abcd", "abc", 1), ("abcd", "abdc", 1), ("abcd", "axcd", 1), ("abcd", "badc", 2)],
)
def test_edit_distance_counts_slips(one: str, other: str, distance: int) -> None:
    """An insertion, a deletion, a replacement and a swap of neighbours cost one each, in either direction."""
    assert edit_distance(one, other, 3) == edit_distance(other, one, 3) == distance


@given(st.text("abc", max_size=8), st.text("abc", max_size=8), st.integers(0, 3))
def test_edit_distance_is_bounded_by_its_limit(one: str, other: str, limit: int) -> None:
    """Beyond the limit the exact distance is not worked out, within it the limit changes nothing."""
    exact = edit_distance(one, other, 100)
    assert edit_distance(one, other, limit) == min(exact, limit + 1)
    assert abs(len(one) - len(other)) <= exact <= max(len(one), len(other))


@given(CHUNKS)
def test_windows_hold_every_chunk_in_order(chunks: list[str]) -> None:
    """Windows are whole neighbouring chunks; none is longer than 400 words unless one chunk is."""
    packed = windows(chunks)
    assert "\n\n".join(packed) == "\n\n".join(chunks)
    assert all(len(window.split()) <= WINDOW_WORDS for window in packed)
    assert len(packed) <= 2 * -(-sum(len(chunk.split()) for chunk in chunks) // WINDOW_WORDS)


@given(CHUNKS, st.data())
def test_the_text_around_a_chunk_holds_it(chunks: list[str], data: st.DataObject) -> None:
    """The text around a chunk is a run of neighbours that includes it, of at most 400 words."""
    numbered = [f"{number}: {chunk}" for number, chunk in enumerate(chunks)]
    best = data.draw(st.integers(0, len(chunks) - 1))
    text = around(numbered, best)
    assert numbered[best] in text.split("\n\n")
    assert len(text.split()) <= WINDOW_WORDS
    assert text in "\n\n".join(numbered)


@pytest.mark.parametrize("heading", ["Next steps", "What You'll Learn", "SEE ALSO", "Further Reading:", "What’s next?"])
def test_headings_that_point_elsewhere_are_known_in_any_spelling(heading: str) -> None:
    """Case and punctuation of such a heading do not matter."""
    assert section_weight(section("Links.", "Guide", heading)) < 1


def test_other_sections_keep_their_weight() -> None:
    """A lead, and a heading that merely contains such words, count in full."""
    assert section_weight(section("Lead.")) == 1
    assert section_weight(section("Text.", "Next steps for a release")) == 1
    assert all(heading == " ".join(split_words(heading)) for heading in POINTER_HEADINGS)


def test_identifiers_are_stable_and_distinct() -> None:
    """A passage's id and a vector's key are functions of what they stand for, and parts cannot run together."""
    assert passage_id("a", "b.md", "c") == passage_id("a", "b.md", "c")
    assert len({passage_id("a", "b", "c"), passage_id("ab", "", "c"), passage_id("a", "bc", "")}) == 3
    assert vector_key("one") == vector_key("one") != vector_key("two")


def test_stems_join_the_forms_of_a_word() -> None:
    """SQLite's stemmer is the one asked, so forms of a word are one term and identifiers stay whole."""
    stemmer = Stemmer()
    stems = stemmer.stems(["reducers", "reducer", "combinereducers", "café"])
    assert stems["reducers"] == stems["reducer"]
    assert stems["combinereducers"].startswith("combinereduc")
    assert stems["café"] == "cafe"
    assert stemmer.stems(["reducers"]) == {"reducers": stems["reducers"]}
    stemmer.close()


def test_stop_words_are_words() -> None:
    """Each stop word is one word as the index splits it, contractions included."""
    assert {"how", "what", "t", "don", "ll"} <= STOP_WORDS
    assert all(split_words(word) == [word] for word in STOP_WORDS)


@given(st.integers(1, 10_000), st.data())
def test_idf_falls_with_frequency(sections: int, data: st.DataObject) -> None:
    """A rarer word is never worth less, and no word is worth nothing or less."""
    containing = data.draw(st.integers(0, sections - 1))
    assert idf(sections, containing) > idf(sections, containing + 1) > 0


@given(st.text(max_size=200))
def test_any_text_splits_into_plain_words(text: str) -> None:
    """Words hold letters and digits only, so that none can be read as query syntax."""
    assert all(word.isalnum() for word in split_words(text))


@given(st.text(st.characters(max_codepoint=127), max_size=200))
def test_plain_ascii_is_folded_as_any_text_is(text: str) -> None:
    """The short way for ASCII gives what Unicode's rules give."""
    assert searchable(text) == unicodedata.normalize("NFKC", text).casefold()
