"""Processor time of those who take part."""

import time

from loadtests.bench.cost import processor_seconds
from loadtests.services import stub


def test_work_is_booked_to_who_did_it() -> None:
    """This process works and the stub idles; the wall clock runs for both."""
    with stub() as idle, processor_seconds({"stub": idle}) as spent:
        assert spent == {}
        until = time.process_time() + 0.3
        while time.process_time() < until:
            pass
    assert spent["driver"] >= 0.3
    assert spent["wall"] >= spent["driver"] - 0.05
    assert 0 <= spent["stub"] < 0.3
