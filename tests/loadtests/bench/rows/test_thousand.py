"""A thousand streams, as twenty, over real processes; and how gaps and overlaps are counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loadtests.bench.row import Options
from loadtests.bench.rows import thousand
from loadtests.wire import Trace

_Spans = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50)), max_size=30)


@pytest.mark.process
@pytest.mark.timeout(300)
def test_twenty_streams_are_all_open_at_once_and_none_fails() -> None:
    """Every figure is there; gaps are the model's 200 ms and something; the cost of all three processes is known."""
    [repetition] = thousand.ROW.measure(Options(repeat=1, scale=0.02))
    values = repetition.values
    assert values.keys() == {figure.name for figure in thousand.ROW.figures}
    assert values["errors"] == values["`/health`, failures"] == 0
    assert values["open at once, of all"] == 1
    assert values["added gap p99"] > -20
    assert len(repetition.samples["gap between two tokens: stub"]) == 20 * 5
    spent = repetition.detail["processor_seconds"]
    assert isinstance(spent, dict)
    assert spent.keys() == {"stub", "lectern", "driver", "wall"}
    assert spent["wall"] > spent["driver"] > 0


@given(_Spans)
def test_the_most_at_once_is_the_highest_of_all_moments(spans: list[tuple[int, int]]) -> None:
    """As counted at each beginning; one that ends where another begins does not overlap it."""
    traces = [Trace(0, headed=begin, ended=begin + length) for begin, length in spans]
    expected = max(
        (sum(one <= begin < one + length for one, length in spans) for begin, _ in spans),
        default=0,
    )
    assert thousand.most_at_once(traces) == expected


def test_what_never_began_or_ended_is_not_at_once() -> None:
    """A refused connection and a stream that hangs are no answers that were open."""
    assert thousand.most_at_once([Trace(0), Trace(0, headed=1.0), Trace(0, headed=1.0, ended=2.0)]) == 1


def test_gaps_are_within_one_whole_answer() -> None:
    """Never from one answer to the next, and none of a broken one."""
    traces = [Trace(0, tokens=[1.0, 1.2, 1.5]), Trace(0, tokens=[9.0]), Trace(0, tokens=[1.0, 7.0], error="truncated")]
    assert thousand.gaps_ms(traces) == [pytest.approx(200), pytest.approx(300)]
