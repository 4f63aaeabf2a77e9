"""Memory of a service with every remote, over real processes."""

import pytest
from loadtests.bench.row import Options
from loadtests.bench.rows import memory

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(400)]


def test_every_remote_takes_part_in_every_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Model, embeddings, ranking, Qdrant and Postgres saw each turn; master and both workers make up the sum."""
    monkeypatch.setattr(memory, "_SETTLE_SECONDS", 1)
    [repetition] = memory.ROW.measure(Options(repeat=1, scale=0.1))
    values = repetition.values
    assert values.keys() == {figure.name for figure in memory.ROW.figures}
    assert values["errors"] == values["remotes that some turn went without"] == 0
    assert repetition.detail["asked"] == dict.fromkeys(("llm", "embeddings", "rerank", "qdrant", "postgres"), 6)
    processes = repetition.detail["processes"]
    assert isinstance(processes, list)
    assert len(processes) == 3
    assert values["PSS, idle"] == pytest.approx(sum(one["pss"] for one in processes) / 1e6, rel=0.1)
    assert all(one["uss"] < one["pss"] < one["rss"] for one in processes)
