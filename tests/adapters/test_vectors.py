"""What is promised of rows that come back and of how texts are packed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lectern.adapters.no_answer import NoAnswer
from lectern.adapters.vectors import BYTES_A_TOKEN, batches, unit_rows


@given(st.lists(st.text(max_size=40), max_size=40), st.integers(1, 8), st.integers(1, 30))
def test_batches_hold_every_text_once_and_keep_the_limits(texts: list[str], most: int, tokens: int) -> None:
    """In order, none empty, never too many; too heavy only when a single text is."""
    packed = list(batches(texts, most=most, tokens=tokens))
    assert [text for batch in packed for text in batch] == texts
    for batch in packed:
        assert 1 <= len(batch) <= most
        assert len(batch) == 1 or sum(len(text.encode()) for text in batch) <= tokens * BYTES_A_TOKEN


def test_batches_are_as_full_as_they_may_be() -> None:
    """What fits goes together: requests cost."""
    assert [len(batch) for batch in batches(["abc"] * 10, most=4, tokens=1000)] == [4, 4, 2]
    assert [len(batch) for batch in batches(["abc"] * 10, most=100, tokens=3)] == [3, 3, 3, 1]
    assert [len(batch) for batch in batches(["a" * 900, "abc", "abc", "a" * 900], most=9, tokens=10)] == [1, 2, 1]


def test_half_a_character_weighs_too() -> None:
    """A lone half of a surrogate pair does not stop the packing."""
    assert list(batches(["\ud800", "b"], most=1, tokens=10)) == [["\ud800"], ["b"]]


def test_rows_are_made_unit_length() -> None:
    """Direction counts, length does not."""
    assert unit_rows([[3, 4], [0, 2]], 2).tolist() == [pytest.approx([0.6, 0.8]), [0.0, 1.0]]


@pytest.mark.parametrize(
    "rows", [[], [[1, 0]], [[1, 0]] * 3, [[1, 0], [0, 0]], [[1, 0], [np.nan, 1]], [[1e30, 1e30], [1, 0]]]
)
def test_rows_that_point_nowhere_are_refused(rows: list[list[float]]) -> None:
    """Too few, too many, zero, not finite, or too long to measure."""
    with pytest.raises(NoAnswer):
        unit_rows(rows, 2)


@pytest.mark.parametrize("rows", [[[1, 0], [1]], [[1, 0], "ab"], [[1, 0], None]])
def test_rows_that_are_none_are_refused(rows: list[object]) -> None:
    """Uneven or no numbers at all."""
    with pytest.raises((ValueError, TypeError)):
        unit_rows(rows, 2)
