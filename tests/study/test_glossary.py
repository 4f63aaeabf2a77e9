"""The glossary's file, read."""

import pytest

from lectern.study.glossary import BrokenGlossary, Term, TermFinder, parse_glossary

BROKEN = {
    "no header": ("Store,x", "line 1: the header starts with “term”, then has a language code a column"),
    "no code": ("term,Urdu language", "line 1: “urdu language” is no language code"),
    "a code twice": ("term,ur,UR", "line 1: “ur” stands there twice"),
    "too many cells": ("term,ur\na,b\nc,d,e", "line 3: 3 cells, but the header has 2"),
    "no term": ("term,ur\n,b", "line 2: no term"),
    "punctuation": ("term,ur\n--,b", "line 2: no term"),
    "a term twice": ("term\nStore\n\nStore", "line 4: “Store” stands there twice"),
    "markup": ("term,ur\nStore,<b>x</b>", "line 2: “<b>x</b>” has a character that is markup"),
    "too long": ("term\n" + "a" * 201, "line 2: a cell is longer than 200 characters or cannot be printed"),
    "a control character": ("term\na\x07", "line 2: a cell is longer than 200 characters or cannot be printed"),
    "an open quote": ('term\n"a', "line 2: unexpected end of data"),
    "too many": ("term\n" + "\n".join(f"a{n}" for n in range(5001)), "line 5002: more than 5000 terms"),
}  # fmt: skip


def test_a_glossary() -> None:
    """Cells are trimmed, empty ones keep the term, a byte order mark and Windows' line ends do not matter."""
    text = '\ufeffTerm,UR,de\r\n Store ,اسٹور,\r\n"Redux  Toolkit",,\r\n\r\n,,\r\nC++\r\n'
    assert parse_glossary(text) == (Term("Store", {"ur": "اسٹور"}), Term("Redux Toolkit"), Term("C++"))
    assert parse_glossary("") == parse_glossary("term,ur\n") == ()


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_errors_name_the_line(text: str, message: str) -> None:
    """A glossary that cannot be read says where and why."""
    with pytest.raises(BrokenGlossary) as caught:
        parse_glossary(text)
    assert str(caught.value) == message


def test_a_region_takes_its_languages_rendering() -> None:
    """`ur-PK` is `ur` unless the glossary has a column for it."""
    term = Term("a", {"ur": "b", "pt-br": "c"})
    assert (term.rendered("ur-PK"), term.rendered("pt-BR"), term.rendered("pt")) == ("b", "c", None)


def test_terms_are_whole_words_in_their_case() -> None:
    """A term is not found in a longer word or in another case; the longest wins; blanks may be line ends."""
    finder = TermFinder(parse_glossary("term\nStore\nStore Enhancer\n.NET\nC#"))
    text = "Store Stores myStore store Store\n Enhancer ASP.NET .NET C# C#x"
    assert [text[start:end] for start, end, _ in finder.find(text, 0, len(text))] == [
        "Store", "Store\n Enhancer", ".NET", "C#",
    ]  # fmt: skip


def test_a_large_glossary_is_not_tried_term_by_term() -> None:
    """Only terms that begin with the word at hand are compared."""
    finder = TermFinder([Term(f"term{number}") for number in range(5000)])
    assert max(len(patterns) for patterns in finder._by_first_word.values()) == 1
