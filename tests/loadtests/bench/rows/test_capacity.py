"""What one worker carries, with a tenth of the load, over real processes."""

import pytest
from loadtests.bench.row import Options
from loadtests.bench.rows import capacity

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.timeout(600)]


def test_every_part_is_measured() -> None:
    """Faster tokens cost more; a stream takes two descriptors or more; ten have a place, and others are told."""
    [repetition] = capacity.ROW.measure(Options(repeat=1, scale=0.05))
    values = repetition.values
    assert values.keys() == {figure.name for figure in capacity.ROW.figures}
    slow, fast = (values[f"CPU a stream-second, a token every {gap} ms"] for gap in (200, 20))
    assert 0 < slow < fast
    assert values["streams a core, a token every 20 ms"] == pytest.approx(1000 / fast)
    assert values["descriptors a stream"] >= 2
    assert values["database connections of 200 streams, in use"] == 0
    assert values["readers with a place when there is no other"] == 10
    assert repetition.detail["broke_first"]
