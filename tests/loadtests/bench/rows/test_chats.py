"""Fifty chats, as two, over real processes."""

import pytest
from loadtests.bench.record import RowRecord
from loadtests.bench.row import Options
from loadtests.bench.rows import chats

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]  # servers that start on a busy machine


def test_two_readers_are_measured_in_each_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody fails; Lectern is no faster than the model that it asks; every stage of both has answers."""
    monkeypatch.setattr(chats, "MODEL", "stub-ttft50-itl2-len10")
    [repetition] = chats.measure(Options(repeat=1, scale=0.04))
    record = RowRecord.of(chats.ROW, [repetition], 1)
    assert repetition.values["errors"] == 0
    ratios = {name: value for name, value in repetition.values.items() if name != "errors"}
    assert len(ratios) == 4
    assert all(value > 0.9 for value in ratios.values()), ratios
    for stage in repetition.detail.values():
        assert isinstance(stage, dict)
        assert stage["lectern"]["answered"] >= 2
        assert stage["stub"]["answered"] >= 2
        assert stage["stub"]["p50"] >= 50
    assert record.samples.keys() == {
        f"whole answer, {way}: {service}" for way in ("SSE", "JSON") for service in ("lectern", "stub")
    }
