"""The cost of one more token, over real processes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loadtests.bench.record import RowRecord
from loadtests.bench.row import Options
from loadtests.bench.rows import tokens


@settings(deadline=None)
@given(st.floats(0, 1e3), st.floats(0, 1e5), st.integers(1, 100), st.integers(101, 1000))
def test_a_turn_and_its_tokens_are_told_apart(token: float, turn: float, short: int, long: int) -> None:
    """Whatever both cost, and however long the two answers are."""
    found = tokens.cost((short, turn + short * token), (long, turn + long * token))
    assert found.token == pytest.approx(token, abs=1e-6 * (1 + turn))
    assert found.turn == pytest.approx(turn, rel=1e-6, abs=1e-4 * (1 + turn))


@pytest.mark.process
@pytest.mark.timeout(300)  # four servers that start on a busy machine
def test_short_and_long_answers_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody fails, and every figure of the row is there; so few answers tell no more than that."""
    monkeypatch.setattr(tokens, "SHORT", "stub-ttft20-itl1-len10")
    monkeypatch.setattr(tokens, "LONG", "stub-ttft20-itl1-len200")
    [repetition] = tokens.measure(Options(repeat=1, scale=0.1))
    RowRecord.of(tokens.ROW, [repetition], 1)
    assert repetition.values["errors"] == 0
    assert repetition.values["one more token: Lectern"] > 0
    assert repetition.values["one more token: relay"] > 0
