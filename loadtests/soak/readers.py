"""Steady readers who come on a schedule, some of whom leave half-way, and a provider that fails now and then."""

import asyncio
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import httpx2

from loadtests import reading
from loadtests.wire import Target, exchange

PATIENCE_SECONDS: Final = 60.0
LEAVES_AFTER_SECONDS: Final = (0.1, 0.8)
"""Within the stub's answer of a second: before its first word, and half-way through it."""

_KINDS: Final = {"read": 55, "leave": 25, "strange": 10, "search": 10}
"""Of a hundred readers: who reads to the end, leaves half-way, asks what no page tells, only searches."""

_DICE: Final = random.Random(5)


@dataclass(frozen=True, slots=True)
class Load:
    """What the service is put under.

    Attributes:
        rate: Arrivals a second, of every kind.
        outage_every_seconds: The provider fails this often; 0 is never.
        outage_seconds: For how long.
    """

    rate: float = 5.0
    outage_every_seconds: float = 60.0
    outage_seconds: float = 5.0


@dataclass(slots=True)
class Outcomes:
    """How the readers fared.

    Attributes:
        answered: Whole answers.
        left: Readers who left, as they meant to.
        errors: Whatever else, by its name.
        outages: How often the provider failed.
    """

    answered: int = 0
    left: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    outages: int = 0


async def read(url: str, load: Load, seconds: float, outcomes: Outcomes) -> None:
    """Send readers for so many seconds, and wait until the last has gone."""
    loop = asyncio.get_running_loop()
    due, until = loop.time(), loop.time() + seconds
    async with asyncio.TaskGroup() as readers:
        while (due := due + _DICE.expovariate(load.rate)) < until:
            await asyncio.sleep(max(0.0, due - loop.time()))
            readers.create_task(_one(url, due, outcomes))


async def fail_now_and_then(provider: str, load: Load, outcomes: Outcomes) -> None:
    """Have the stub fail for a moment, again and again, until cancelled; `provider` ends in `/v1`."""
    async with httpx2.AsyncClient(timeout=10) as http:
        while load.outage_every_seconds:
            await asyncio.sleep(load.outage_every_seconds)
            asked = await http.post(f"{provider}/outage", params={"seconds": load.outage_seconds})
            outcomes.outages += asked.raise_for_status().is_success


async def _one(url: str, due: float, outcomes: Outcomes) -> None:
    [kind] = _DICE.choices(list(_KINDS), list(_KINDS.values()))
    question = f"{_DICE.choice(reading.QUESTIONS)} {_DICE.choice(reading.FOLLOW_UPS)}"
    if kind in {"strange", "search"}:
        # No two of these are the same: what a cache keeps of each would grow.
        question += f" {_DICE.getrandbits(64):x}"
    leaves = kind == "leave"
    patience = _DICE.uniform(*LEAVES_AFTER_SECONDS) if leaves else PATIENCE_SECONDS
    trace = await exchange(_search(url, question) if kind == "search" else _chat(url, question), due, patience)
    if not trace.error:
        outcomes.answered += 1
    elif leaves and trace.error == "not over in time":
        outcomes.left += 1
    else:
        outcomes.errors[trace.error] += 1


def _chat(url: str, question: str) -> Target:
    body = json.dumps(reading.chat(question)).encode()
    return Target.of("chat", f"{url}/chat", body, b"event: delta\n", b"event: done\n")


def _search(url: str, question: str) -> Target:
    return Target.of("search", f"{url}/search", json.dumps(reading.search(question)).encode(), b'"href"', b'"results"')
