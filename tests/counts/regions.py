"""What is counted: each region is one kind of work, done often enough that its count is steady."""

import gc
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from tests.counts.service import TOKENS, Service


@dataclass(frozen=True, slots=True)
class Region:
    """One kind of work.

    Attributes:
        name: How it is called in reports.
        times: How often it is done while it is counted.
        work: Does it once, given the service and a conversation with a full history.
    """

    name: str
    times: int
    work: Callable[[Service, str], Awaitable[object]]


LONG_TOKENS: Final = TOKENS + 500
"""500 more than a turn has that is not long: the difference is the cost of 500 tokens."""


async def calibrate() -> None:
    """The same Python for ever, none of it ours: what differs here is the interpreter, not the code it runs."""
    kept: dict[str, list[int]] = {}
    for number in range(500):
        text = json.dumps({"number": number, "words": [f"word {number % 7}", "other"]})
        read = json.loads(text)
        words = re.findall(r"\w+", " ".join(read["words"]).upper())
        kept.setdefault(words[1], []).append(sum(len(word) for word in sorted(words)))


REGIONS: Final = (
    Region("python", 1, lambda _, __: calibrate()),
    Region("health", 20, lambda service, _: service.health()),
    Region("search", 5, lambda service, _: service.search()),
    Region("turn", 5, lambda service, _: service.streamed()),
    Region("follow_up", 5, lambda service, session: service.streamed(session=session)),
    Region("json", 5, lambda service, _: service.whole()),
    Region("long", 2, lambda service, _: service.streamed(tokens=LONG_TOKENS)),
    Region("peers", 5, lambda service, _: service.beside()),
    Region("peers_long", 2, lambda service, _: service.beside(tokens=LONG_TOKENS)),
)


async def warm(service: Service) -> str:
    """Do each kind of work before it is counted, so that caches, pools and threads are there.

    Returns:
        A conversation with as many turns as a follow-up looks at.
    """
    session = await service.streamed()
    for _ in range(6):
        await service.streamed(session=session)
    for region in REGIONS:
        await region.work(service, session)
    gc.collect()
    gc.freeze()  # as before a worker's fork
    return session


async def repeat(region: Region, service: Service, session: str) -> None:
    """Do a region's work as often as it is counted."""
    for _ in range(region.times):
        await region.work(service, session)
