"""The sensor on a real event loop."""

import asyncio
import time

from lectern.resilience import sensor
from lectern.resilience.pressure import SAMPLES, Pressure
from lectern.resilience.sensor import SAMPLE_SECONDS, Sensor


class Heard:
    """Notes what a listener is told."""

    def __init__(self) -> None:
        self.verdicts: list[str] = []

    def __call__(self, now: float, pressure: Pressure) -> None:
        """Note it."""
        assert now <= time.monotonic()
        self.verdicts.append(pressure.verdict)


async def spin(rounds: int, seconds: float) -> None:
    """Keep the loop from being in time."""
    for _ in range(rounds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            pass
        await asyncio.sleep(0)


async def test_a_loop_that_works_without_a_pause_is_under_pressure() -> None:
    """Rounds of 0.2 s are seen, whatever else the machine does; after the work, and a moment, there is none."""
    felt, heard = Sensor(), Heard()
    felt.listen(heard)
    assert not felt.under_pressure
    await spin(SAMPLES * 2 + 4, 0.2)
    assert felt.under_pressure
    assert heard.verdicts[-1] == "pressed"
    async with asyncio.timeout(30):
        while felt.under_pressure:  # noqa: ASYNC110 - it has no event for it
            await asyncio.sleep(SAMPLE_SECONDS)
    felt.ignore(heard)


async def test_who_does_not_listen_costs_nothing() -> None:
    """No timer is left, and no pressure; what listens again starts anew."""
    felt, heard = Sensor(), Heard()
    felt.listen(heard)
    await spin(SAMPLES * 2 + 4, 0.2)
    felt.ignore(heard)
    assert not felt.under_pressure
    count = len(heard.verdicts)
    await asyncio.sleep(SAMPLE_SECONDS * 4)
    assert len(heard.verdicts) == count
    felt.listen(heard)
    await asyncio.sleep(SAMPLE_SECONDS * 4)
    assert len(heard.verdicts) > count
    felt.ignore(heard)


def test_another_loop_starts_anew() -> None:
    """A listener of a loop that has ended is not heard of again."""
    felt, before, after = Sensor(), Heard(), Heard()

    async def listen(heard: Heard) -> None:
        felt.listen(heard)
        await asyncio.sleep(SAMPLE_SECONDS * 4)

    asyncio.run(listen(before))
    count = len(before.verdicts)
    asyncio.run(listen(after))
    assert after.verdicts
    assert len(before.verdicts) == count


def test_a_process_has_one_sensor() -> None:
    """What asks for pressure finds none while nobody has turns under way."""
    assert sensor.here() is sensor.here()
    assert not sensor.under_pressure()
