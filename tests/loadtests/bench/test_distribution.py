"""Thinned times: what a curve needs stays, whatever was counted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loadtests.bench.distribution import SHARES, Distribution, by_kind, pooled
from loadtests.bench.row import Repetition


def test_the_shares_rise_from_the_first_to_the_last() -> None:
    """From the fastest to the slowest, closer together where the slow ones are, none twice."""
    assert (SHARES[0], SHARES[-1]) == (0, 1)
    assert list(SHARES) == sorted(set(SHARES))
    assert {0.5, 0.95, 0.99, 0.999, 0.9999} <= set(SHARES)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_quantiles_lie_in_order_within_what_was_measured(times: list[float]) -> None:
    """The ends are the fastest and the slowest, and nothing is made up beyond them."""
    distribution = Distribution.of(times)
    assert distribution.count == len(times)
    assert len(distribution.milliseconds) == len(SHARES)
    assert list(distribution.milliseconds) == sorted(distribution.milliseconds)
    assert distribution.milliseconds[0] == pytest.approx(min(times), abs=0.001)
    assert distribution.milliseconds[-1] == pytest.approx(max(times), abs=0.001)


def test_repetitions_are_pooled() -> None:
    """All times of one name count together; a name without a time is no distribution."""
    repetitions = [Repetition({}, {"gap: a": [1.0, 2.0], "gap: b": []}), Repetition({}, {"gap: a": [3.0]})]
    found = pooled(repetitions)
    assert found.keys() == {"gap: a"}
    assert found["gap: a"].count == 3
    assert found["gap: a"].milliseconds[SHARES.index(0.5)] == 2


def test_services_stand_together_by_kind() -> None:
    """What a chart holds side by side: the last colon parts the kind from the service."""
    one = Distribution.of([1.0])
    kinds = by_kind({"first token: lectern": one, "gap, SSE: all: stub": one, "first token: stub": one})
    assert {kind: set(services) for kind, services in kinds.items()} == {
        "first token": {"lectern", "stub"},
        "gap, SSE: all": {"stub"},
    }
