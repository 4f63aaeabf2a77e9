"""How often somebody may ask: one rate, and any way to write it → one. Pure."""

import re
from dataclasses import dataclass
from typing import Final

UNITS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
MOST: Final = 100_000
"""Largest number in a rate; more a second than a server answers."""

WANTED: Final = f"NUMBER/second, minute, hour or day, with a number from 1 to {MOST}"
"""How one is written, as a message to people says it."""

_RATE: Final = re.compile(r"(\d{1,9})\s*/\s*([a-z]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` in `seconds`, refilled evenly (a token bucket of `count`)."""

    count: int
    seconds: float


def parsed(text: str) -> Rate | None:
    """The rate that is written `60/minute`, with a number from 1 to `MOST`; None when it is none."""
    found = _RATE.fullmatch(text.strip().lower())
    if found is None or found[2] not in UNITS or not 1 <= int(found[1]) <= MOST:
        return None
    return Rate(int(found[1]), UNITS[found[2]])


def written(rate: Rate) -> str:
    """The rate as `parsed` reads it; its seconds are those of a unit."""
    unit = next(unit for unit, seconds in UNITS.items() if seconds == rate.seconds)
    return f"{rate.count}/{unit}"
