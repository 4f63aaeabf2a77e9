"""When a series counts as rising: a leak does, however noisy; noise, a step and a burst do not."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loadtests.soak.judgement import LEAST_SAMPLES, Allowance, Series, judge, slope

ALLOWED = Allowance(share_an_hour=0.05, rise=3.0)
MOMENTS = [10.0 * number for number in range(145)]
"""24 minutes, the part of half an hour that is judged."""


def noisy(value: float, spread: float, seed: int = 7) -> float:
    """A value somewhere about another one."""
    return value + random.Random(seed).uniform(-spread, spread)


SERIES: dict[str, tuple[list[float], bool]] = {
    "flat": ([150.0 for _ in MOMENTS], True),
    "noisy": ([noisy(150, 20, seed) for seed, _ in enumerate(MOMENTS)], True),
    "falling": ([200 - at / 100 for at in MOMENTS], True),
    "a step": ([150.0 if at < 500 else 165.0 for at in MOMENTS], True),
    "a step in the middle": ([150.0 if at < 720 else 165.0 for at in MOMENTS], True),
    "replaced workers": ([150 - 50 * (at % 480 < 20) for at in MOMENTS], True),
    "a cache that fills": ([150 + min(at, 600) * 6 / 600 for at in MOMENTS], True),
    "one burst": ([150 + 300 * (700 < at < 900) for at in MOMENTS], True),
    "slower than allowed": ([150 + at * 0.9 / 600 for at in MOMENTS], True),
    "leaking": ([150 + at * 3 / 600 for at in MOMENTS], False),
    "leaking and noisy": ([noisy(150 + at * 6 / 600, 10, seed) for seed, at in enumerate(MOMENTS)], False),
    "leaking between replacements": ([150 + at * 6 / 600 - 50 * (at % 480 < 20) for at in MOMENTS], False),
    "leaking from the middle on": ([150 + max(0, at - 500) * 6 / 600 for at in MOMENTS], False),
}  # fmt: skip


@pytest.mark.parametrize("name", SERIES)
def test_only_what_keeps_rising_is_a_leak(name: str) -> None:
    """Each kind of line is told for what it is."""
    values, flat = SERIES[name]
    verdict = judge(Series(name, list(zip(MOMENTS, values, strict=True))), ALLOWED)
    assert verdict.flat is flat, verdict
    assert str(verdict).startswith("flat " if flat else "RISES ")


def test_a_steep_rise_of_next_to_nothing_is_none() -> None:
    """In a short run two more descriptors are a steep line; only their number tells."""
    points = [(float(second), 60 + second / 10) for second in range(20)]
    assert judge(Series("descriptors", points), ALLOWED).flat
    assert not judge(Series("descriptors", points), Allowance(0.05, 1.0)).flat


def test_too_few_samples_are_not_green() -> None:
    """A soak that saw nothing proves nothing."""
    verdict = judge(Series("memory", [(float(second), 1.0) for second in range(LEAST_SAMPLES - 1)]), ALLOWED)
    assert not verdict.flat
    assert str(verdict).startswith("TOO SHORT")


def test_what_is_before_a_moment_is_left_out() -> None:
    """The warm-up is not judged."""
    climbing = [(float(second), min(second, 80.0)) for second in range(100)]
    assert not judge(Series("memory", climbing), ALLOWED).flat
    assert judge(Series("memory", climbing).after(80), ALLOWED).flat


@given(
    st.lists(st.floats(0, 1e5), min_size=2, max_size=40, unique=True).map(sorted),
    st.floats(-1e3, 1e3),
    st.floats(-1e6, 1e6),
)
def test_the_slope_of_a_straight_line_is_its_own(moments: list[float], steep: float, start: float) -> None:
    """Whenever the samples were taken."""
    gap = min(late - early for early, late in pairwise(moments))
    points = [(moment, start + steep * moment) for moment in moments]
    assert slope(points) == pytest.approx(steep, rel=1e-6, abs=max(1e-6, 1e-7 / gap))
