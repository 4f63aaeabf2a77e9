"""Ends workers and instances while clients read, each time when so much of the answers has come."""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Literal

from tests.chaos.instances import Instance, listens, sockets

Act = Literal["SIGTERM of a worker", "SIGKILL of a worker", "SIGTERM of an instance and its restart"]
RECYCLED = "workers that retired after MAX_REQUESTS"
_LOOK_SECONDS = 0.2


class Havoc:
    """What is done to the instances, and what was done.

    Args:
        instances: To whom.
        acts: What, in this order, spread evenly over the answers.
        progress: How much of all answers has come or will not come any more, from 0 to 1.
        dice: Chooses the instance.

    Attributes:
        done: How often each act was done, and how many workers retired by themselves.
        faults: What must not be.
    """

    def __init__(
        self, instances: Sequence[Instance], acts: Sequence[Act], progress: Callable[[], float], dice: random.Random
    ) -> None:
        self.done: Counter[str] = Counter()
        self.faults: list[str] = []
        self._instances, self._acts, self._progress, self._dice = instances, acts, progress, dice
        self._ended: set[int] = set()
        self._retired: set[int] = set()

    async def run(self) -> None:
        """Do it all, and look until all answers are over."""
        for number, act in enumerate(self._acts, start=1):
            while self._progress() < number / (len(self._acts) + 1):
                self.look()
                await asyncio.sleep(_LOOK_SECONDS)
            instance = self._dice.choice(self._instances)
            if act == "SIGTERM of an instance and its restart":
                await self._restart(instance)
            else:
                await self._end_worker(instance, signal.SIGTERM if act == "SIGTERM of a worker" else signal.SIGKILL)
            self.done[act] += 1
        while self._progress() < 1:
            self.look()
            await asyncio.sleep(_LOOK_SECONDS)

    def look(self) -> None:
        """Note which workers have closed their door by themselves; they may go on for as long as their streams do."""
        here = {pid for instance in self._instances for pid in instance.workers()}
        self._retired |= {pid for pid in here - self._ended - self._retired if not listens(pid)}
        self.done[RECYCLED] = len(self._retired)

    async def _restart(self, instance: Instance) -> None:
        """Its workers of now all end with it."""
        self.look()
        self._ended |= set(instance.workers())
        code = await asyncio.to_thread(instance.restart)
        self.faults += [f"an instance ended with exit code {code}"] if code else []

    async def _end_worker(self, instance: Instance, number: signal.Signals) -> None:
        """The one with most connections: it is the one that hurts."""
        while not (there := set(instance.workers()) - self._ended):  # noqa: ASYNC110 - a fork has no event
            await asyncio.sleep(_LOOK_SECONDS)
        victim = max(there, key=sockets)
        self.look()
        self._ended.add(victim)
        with suppress(ProcessLookupError):
            os.kill(victim, number)
