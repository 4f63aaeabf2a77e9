"""Promises from a file, and whether a load test kept them."""

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DEFAULT: Final = Path(__file__).with_name("slo.toml")

Percentile = Callable[[str, float], float | None]
"""`(name, percentile) → milliseconds` of a line of the report; None for a line that has nothing."""


@dataclass(frozen=True, slots=True)
class Promise:
    """So many percent of the requests named so are answered within so many milliseconds."""

    name: str
    percentile: float
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Slo:
    """What a run must show: at most this many errors, and these promises."""

    errors: int
    promises: tuple[Promise, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One promise, what was measured, and whether it was kept."""

    text: str
    measured: str
    kept: bool


def load(path: Path = DEFAULT) -> Slo:
    """Read a file of promises.

    Raises:
        ValueError: It is not one; the message says where.
    """
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    try:
        promises = tuple(Promise(**promise) for promise in content["promise"])
        slo = Slo(int(content["errors"]), promises)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path.name}: wants `errors` and [[promise]] of name, percentile, milliseconds") from error
    for promise in promises:
        if not 0 < promise.percentile <= 100:  # noqa: PLR2004 - percent
            raise ValueError(f"{path.name}: {promise.name}: no such percentile")
    return slo


def judge(slo: Slo, errors: int, percentile: Percentile) -> Sequence[Verdict]:
    """Compare a run with its promises. A promise about what was never asked is not kept."""
    verdicts = [Verdict(f"at most {slo.errors} errors", str(errors), errors <= slo.errors)]
    for promise in slo.promises:
        measured = percentile(promise.name, promise.percentile)
        text = f"{promise.name}: p{promise.percentile:g} ≤ {promise.milliseconds:g} ms"
        if measured is None:
            verdicts.append(Verdict(text, "not asked", kept=False))
        else:
            verdicts.append(Verdict(text, f"{measured:.0f} ms", measured <= promise.milliseconds))
    return verdicts
