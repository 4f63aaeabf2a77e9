"""First tokens and their cost, for a few streams, over real processes."""

import os

import pytest
from loadtests.bench.record import RowRecord
from loadtests.bench.row import Options
from loadtests.bench.rows import first_token
from loadtests.openloop import NobodyAnsweredError, Run, Schedule
from loadtests.services import Service
from loadtests.wire import Target, Trace

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]  # servers that start on a busy machine


def test_a_few_streams_are_measured_beside_relay_and_stub() -> None:
    """Nobody fails; the embedding is taken off what is added; processor time and `/health` were measured."""
    [repetition] = first_token.measure(Options(repeat=1, scale=0.05))
    values = repetition.values
    RowRecord.of(first_token.ROW, [repetition], 1)
    assert values["errors"] == values["`/health`, failures"] == 0
    found = repetition.detail["lectern"]
    assert isinstance(found, dict)
    for percentile in ("p50", "p99"):
        included = values[f"added first token, embedding included, {percentile}"]
        times = {name: found[name]["first_token_ms"][percentile] for name in ("lectern", "stub", "embedding")}
        assert included == pytest.approx(times["lectern"] - times["stub"])
        assert values[f"added first token, {percentile}"] == pytest.approx(included - times["embedding"])
    assert found["stub"]["first_token_ms"]["p50"] >= 200
    assert values["CPU a token: Lectern"] > 0
    assert values["CPU a token: relay"] > 0
    assert values["CPU a token, of the relay's"] == pytest.approx(
        values["CPU a token: Lectern"] / values["CPU a token: relay"]
    )
    assert values["`/health`, p99"] > 0


def test_samples_are_times_of_single_tokens() -> None:
    """The model's own time is left out of first tokens, a broken answer of everything, and both phases' stub is one."""

    def phase(server: str) -> first_token._Phase:
        whole = Trace(1.0, 200, 1.1, [1.25, 1.27], 1.28)
        broken = Trace(1.0, 200, 1.1, [9.0, 19.0], error="truncated")
        traces = {server: [whole, broken], "stub": [whole], "embedding": [Trace(1.0, 200, 1.1, [1.002], 1.002)]}
        return first_token._Phase(Run(traces), {}, 1)

    samples = first_token._samples({"lectern": phase("lectern"), "relay": phase("relay")})
    first = "first token, beyond the model's own 200 ms"
    assert samples[f"{first}: lectern"] == [pytest.approx(50)]
    assert samples[f"{first}: stub"] == [pytest.approx(50), pytest.approx(50)]
    assert samples[f"{first}: embedding"] == [pytest.approx(2)]
    assert samples["gap between two tokens: relay"] == [pytest.approx(20)]
    assert samples["gap between two tokens: stub"] == [pytest.approx(20), pytest.approx(20)]
    assert "gap between two tokens: embedding" not in samples


def test_a_server_that_answers_nobody_breaks_the_row_off_and_says_why() -> None:
    """Its errors, and not a division by nothing."""
    gone = Target.of("relay", "http://127.0.0.1:9/chat", b"{}", b"x", b"y")
    served = first_token._Served(Service("http://127.0.0.1:9", os.getpid()), [gone])
    with pytest.raises(NobodyAnsweredError, match=r"relay answered nobody: \d+ times not reached: ConnectionRefused"):
        first_token._phase(served, Schedule(rate=20, seconds=0.5))
