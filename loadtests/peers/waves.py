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
from loadtests.services import Service
from loadtests.stub_model import parse
from loadtests.wire import Target, exchange

_PATIENCE_SECONDS = 60
_SETTLE_SECONDS = 0.3
_LEAVERS = 10
_LEAVE_SECONDS, _SEEN_SECONDS = 0.6, 0.2
"""Readers leave after the first token and before the last one; the provider is asked soon after, when its answer, were
it still read, would not be over."""


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
        """Readers leave in the middle of their answers: of how many the provider was told so.

        Args:
            provider: The stub's address.
        """

        async def leave() -> None:
            due = asyncio.get_running_loop().time()
            await asyncio.gather(*(exchange(self.target, due, _LEAVE_SECONDS) for _ in range(_LEAVERS)))

        before = provider_counts(provider)
        asyncio.run(leave())
        time.sleep(_SEEN_SECONDS)
        after = provider_counts(provider)
        return {"readers": _LEAVERS, "closed": after["abandoned"] - before["abandoned"]}

    def stopped(self) -> dict[str, Any]:
        """SIGTERM in the middle of answers: how many of them came whole all the same. It is gone afterwards."""

        async def stop() -> list[str]:
            due = asyncio.get_running_loop().time()
            asked = [asyncio.create_task(exchange(self.target, due, _PATIENCE_SECONDS)) for _ in range(_LEAVERS)]
            await asyncio.sleep(_LEAVE_SECONDS)
            os.kill(self.service.pid, signal.SIGTERM)
            return [(await task).error for task in asked]

        errors = asyncio.run(stop())
        return {"readers": _LEAVERS, "whole": errors.count(""), "errors": sorted({error for error in errors if error})}


def provider_counts(provider: str) -> dict[str, Any]:
    """What the stub counted so far."""
    counts: dict[str, Any] = httpx2.get(f"{provider.removesuffix('/v1')}/stats").json()
    return counts
