"""The citation filter."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lectern.chat.citations import CitationFilter


def whole(text: str, sources: int) -> str:
    """Filter a text in one piece."""
    citations = CitationFilter(sources)
    return citations.feed(text) + citations.flush()


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("Use it [1].", "Use it [1]."),
        ("Use it [4].", "Use it ."),
        ("Use it [0].", "Use it ."),
        ("Both [1][9].", "Both [1]."),
        ("Both [1, 9; 3].", "Both [1, 3]."),
        ("See [the docs](x) [2]", "See [the docs](x) [2]"),
        ("An open [ bracket", "An open [ bracket"),
        ("An end [1", "An end [1"),
        ("In `items[9]` it stays [9]", "In `items[9]` it stays "),
        ("```js\nitems[9]\n```\nout [9]", "```js\nitems[9]\n```\nout "),
        ("A lone ` tick\nthen [9]", "A lone ` tick\nthen "),
        ("``a ` b[9]`` [9]", "``a ` b[9]`` "),
        ("[[9]]", "[]"),
        ("no citation at all", "no citation at all"),
        ("", ""),
    ],
)
def test_only_numbers_of_sources_are_sent(text: str, sent: str) -> None:
    """A citation that names no source is dropped; everything else is sent as it came, code above all."""
    assert whole(text, sources=3) == sent


@given(
    text=st.text(alphabet="a[]`1,9 \n", max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=20),
    sources=st.integers(0, 9),
)
def test_where_the_pieces_are_cut_makes_no_difference(text: str, cuts: list[int], sources: int) -> None:
    """The same text comes out however the model's tokens cut it."""
    citations = CitationFilter(sources)
    bounds = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[start:end] for start, end in itertools.pairwise(bounds)]
    sent = "".join(citations.feed(piece) for piece in pieces) + citations.flush()
    assert sent == whole(text, sources)


@given(text=st.text(alphabet="a[]19, ", max_size=60))
def test_outside_code_no_false_number_is_left(text: str) -> None:
    """Whatever the model writes, a lone bracketed number that is sent names a source."""
    assert all(number == "1" for number in re.findall(r"(?<!\[)\[(\d)\](?!\])", whole(text, sources=1)))


def test_plain_text_is_not_held_back() -> None:
    """A piece without special characters leaves at once, unchanged."""
    piece = "nothing special here"
    assert CitationFilter(3).feed(piece) is piece
