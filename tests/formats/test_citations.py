"""Where an answer cites."""

from hypothesis import given
from hypothesis import strategies as st

from lectern.chat.citations import CitationFilter
from lectern.formats.citations import Citation, citations

ANSWERS = st.text(alphabet=["[", "]", "1", "2", "9", ",", " ", "`", "\n", "a", "é", "😀"], max_size=60)


def found(text: str, sources: int = 3) -> list[tuple[str, int]]:
    """What stands at each citation, and which source it names."""
    return [(text[each.start : each.end], each.number) for each in citations(text, sources)]


def test_a_citation_is_where_its_brackets_are() -> None:
    """Counted in characters, also behind ones that take several bytes or two UTF-16 units."""
    assert list(citations("Né 😀 [2].", 2)) == [Citation(5, 8, 2)]
    assert found("One [1], two [2].") == [("[1]", 1), ("[2]", 2)]


def test_numbers_in_one_pair_of_brackets_share_their_place() -> None:
    """Each names a source of its own."""
    assert found("Both [1, 3].") == [("[1, 3]", 1), ("[1, 3]", 3)]


def test_code_cites_nothing() -> None:
    """Not in a span, not in a fence of several lines; a lone backtick ends with its line."""
    assert found("`items[1]` and\n```py\nitems[2]\n\nitems[2]\n```\nso [3]") == [("[3]", 3)]
    assert found("a ` lone [1]\nthen [2]") == [("[2]", 2)]


def test_what_names_no_source_is_no_citation() -> None:
    """As nobody could be linked to."""
    assert found("[0] [4] [x] [] [1,2]", sources=3) == []


@given(ANSWERS, st.integers(1, 9))
def test_whatever_a_model_says_what_is_left_cites_sources_only(text: str, sources: int) -> None:
    """What the filter lets through, and what is found in it, are told apart from code in the same way."""
    cleaner = CitationFilter(sources)
    sent = cleaner.feed(text) + cleaner.flush()
    for each in citations(sent, 10_000):
        assert 1 <= each.number <= sources
        assert sent[each.start] + sent[each.end - 1] == "[]"
