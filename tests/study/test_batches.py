from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lectern.study.batches import batched, tokens_of

TEXTS = st.lists(st.text(max_size=400), max_size=40)
LIMITS = st.integers(min_value=1, max_value=300)


@given(TEXTS, LIMITS)
def test_nothing_is_lost_and_nothing_too_large(texts: list[str], limit: int) -> None:
    """All texts stand in the batches once and in order; only a text that is alone goes over the limit."""
    batches = batched(texts, str, most_tokens=limit)
    assert [text for batch in batches for text in batch] == texts
    assert all(batches)
    assert all(len(batch) == 1 or sum(map(tokens_of, batch)) <= limit for batch in batches)


@given(TEXTS, LIMITS)
def test_no_two_neighbours_would_fit_into_one(texts: list[str], limit: int) -> None:
    """A batch ends only where the next text has no room in it."""
    batches = batched(texts, str, most_tokens=limit)
    for batch, following in pairwise(batches):
        assert sum(map(tokens_of, [*batch, following[0]])) > limit


def test_a_token_is_about_four_characters() -> None:
    """The estimate counts the text and its frame."""
    assert tokens_of("x" * 400) == 100 + tokens_of("")
