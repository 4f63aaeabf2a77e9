"""Readers who all ask in the same moment: what each of them waits for, and what it costs the service.

A service is asked by itself, while the others idle: a slow one would take the processor from all. The order in which
they are asked changes from repetition to repetition.
"""

import asyncio
import os
import signal
import time
from dataclasses import dataclass
from typing import Any

import httpx2

from loadtests.openloop import Schedule, drive, figures, spread
from loadtests.peers.reply import Reply, ask
from loadtests.services import Service
from loadtests.stub_model import parse
from loadtests.wire import Target

_PATIENCE_SECONDS = 60
_SETTLE_SECONDS = 0.3
_READERS = 10


@dataclass(frozen=True, slots=True)
class Wave(Schedule):
    """So many arrivals of each target at once."""

    readers: int = 0

    @classmethod
    def of(cls, readers: int) -> "Wave":
        """A wave of so many readers, each of whom waits a minute at most."""
        return cls(rate=readers, seconds=0, patience_seconds=_PATIENCE_SECONDS, readers=readers)

    def arrivals(self, targets: int) -> list[tuple[float, int]]:
        """`(seconds since the start, target)`; targets take turns."""
        return [(0.0, number % targets) for number in range(self.readers * targets)]


@dataclass(frozen=True, slots=True)
class Running:
    """A service that runs, how it is asked, and the URL of its health check."""

    service: Service
    target: Target
    health: str

    def asked(self, readers: int, model: str) -> dict[str, Any]:
        """The figures of one wave: `openloop.figures`, `/health` meanwhile, and microseconds of processor a token.

        Tokens are counted as the provider sends them; a service may put several into a frame.
        """
        time.sleep(_SETTLE_SECONDS)
        before = self.service.cpu_seconds()
        run = asyncio.run(drive([self.target], Wave.of(readers), self.health))
        used = self.service.cpu_seconds() - before
        found = figures(run.traces[self.target.name])
        found["cpu_us_a_token"] = round(used / max(1, found["answered"] * parse(model).length) * 1e6, 1)
        return found | {"health": {"ms": spread(run.health_seconds), "failures": run.health_failures}}

    def left(self, provider: str) -> dict[str, int]:
        """Readers leave at their first token: how many of the provider's answers are given up, not made to their end.

        On a busy machine a reader may find the whole answer at its first look; that one has not left.

        Args:
            provider: The stub's address.
        """

        async def leave() -> list[Reply]:
            return await asyncio.gather(*(ask(self.target, _PATIENCE_SECONDS, leave=True) for _ in range(_READERS)))

        before = provider_counts(provider)
        readers = sum(not reply.whole(self.target) for reply in asyncio.run(leave()))
        until = time.monotonic() + _PATIENCE_SECONDS
        while (after := provider_counts(provider))["open"] and time.monotonic() < until:
            time.sleep(_SETTLE_SECONDS)
        return {"readers": readers, "closed": after["abandoned"] - before["abandoned"]}

    def stopped(self) -> dict[str, int]:
        """SIGTERM when all readers have their first token: how many answers come whole. It is gone afterwards."""

        async def stop() -> list[bool]:
            begun = [asyncio.Event() for _ in range(_READERS)]
            asked = [asyncio.create_task(ask(self.target, _PATIENCE_SECONDS, begun=event)) for event in begun]
            await asyncio.wait([asyncio.create_task(event.wait()) for event in begun], timeout=_PATIENCE_SECONDS)
            os.kill(self.service.pid, signal.SIGTERM)
            return [(await task).whole(self.target) for task in asked]

        return {"readers": _READERS, "whole": sum(asyncio.run(stop()))}


def provider_counts(provider: str) -> dict[str, Any]:
    """What the stub counted so far."""
    counts: dict[str, Any] = httpx2.get(f"{provider.removesuffix('/v1')}/stats").json()
    return counts
