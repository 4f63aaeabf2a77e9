"""The verdict on an event loop, from samples."""

import pytest

from lectern.resilience.pressure import CALM, LATE_SECONDS, LONG_QUEUE, SAMPLES, STARVED_SECONDS, Pressure

BUSY, SHARED = 0.98, 0.4


def after(*samples: tuple[float, float]) -> Pressure:
    """The pressure that these samples make, each `(late, share)`."""
    pressure = Pressure()
    for late, share in samples:
        pressure.note(late, share)
    return pressure


def test_a_loop_that_is_late_throughout_is_pressed() -> None:
    """As soon as there are samples enough, and not before."""
    late = (LATE_SECONDS * 2, BUSY)
    assert not after(*[late] * (SAMPLES - 1)).under
    assert after(*[late] * SAMPLES).under


def test_one_long_step_is_no_pressure() -> None:
    """A second in which the loop was blocked, once or twice within a quarter of a second."""
    assert not after((0, BUSY), (1, BUSY), (0, BUSY), (1, BUSY), (0, BUSY)).under


def test_what_others_do_to_the_machine_is_pressure_only_when_it_is_much() -> None:
    """A loop that is late while its process has idle moments is late for somebody else's work."""
    assert not after(*[(LATE_SECONDS * 3, SHARED)] * SAMPLES).under
    assert after(*[(STARVED_SECONDS * 1.1, SHARED)] * SAMPLES).under


def test_a_standing_queue_for_the_threads_is_pressure() -> None:
    """The loop may be in time, as the work is done beside it; what comes and goes is none."""
    pressure = Pressure()
    for waiting in (LONG_QUEUE * 2, 0, LONG_QUEUE * 2, 0, 0):
        pressure.note(0, BUSY, waiting)
    assert pressure.verdict == "calm"
    for _ in range(SAMPLES):
        pressure.note(0, SHARED, LONG_QUEUE + 1)
    assert pressure.under


def test_pressure_ends_lower_than_it_begins() -> None:
    """At one value between it neither comes nor goes."""
    between = (LATE_SECONDS * (1 + CALM) / 2, BUSY)
    assert not after(*[between] * SAMPLES).under
    pressure = after(*[(LATE_SECONDS * 2, BUSY)] * SAMPLES, *[between] * SAMPLES)
    assert (pressure.under, pressure.verdict) == (True, "between")
    for _ in range(SAMPLES):
        pressure.note(0, BUSY)
    assert (pressure.under, pressure.verdict) == (False, "calm")


@pytest.mark.parametrize("share", [BUSY, SHARED])
def test_a_loop_in_time_is_calm(share: float) -> None:
    """However much of the processor it uses."""
    assert after(*[(0.001, share)] * SAMPLES).verdict == "calm"
