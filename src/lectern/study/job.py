"""The work of one request: take what is kept, ask the model for the rest in batches, wait for what others do."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lectern.resilience import deadline
from lectern.study.batches import batched
from lectern.study.calls import TIMEOUT, Answer, Calls, out_of_time
from lectern.study.checks import ADVICE
from lectern.study.flights import Landing
from lectern.study.framing import Framing
from lectern.study.judging import Fit, Item
from lectern.study.keeping import Keeping
from lectern.study.outcomes import Outcomes
from lectern.study.prompts import Purpose, build_prompt

_TRIES: Final = 2
"""A segment is asked for once more, and told what was wrong; a model that fails twice mostly fails again."""

_UNFIT_KEPT: Final = 3
"""So many keys are tried of a segment whose kept texts are not fit to be used."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 2.0
"""Seconds between looks whether another replica has finished: a call takes some seconds."""


@dataclass(frozen=True, slots=True)
class Knobs:
    """The rewriter's settings; `config/study.py` has their units, defaults and reasons."""

    batch_tokens: int
    calls: int
    lease_seconds: float


class Job:
    """Rewrites the segments of a request.

    Args:
        items: What to rewrite.
        purpose: What for.
        calls: Asks the model.
        keeping: The store.
        outcomes: Has what becomes of each item.
        knobs: Settings.
    """

    def __init__(
        self,
        items: Sequence[Item],
        purpose: Purpose,
        *,
        calls: Calls,
        keeping: Keeping,
        outcomes: Outcomes,
        knobs: Knobs,
    ) -> None:
        self._items = items
        self._purpose = purpose
        self._calls = calls
        self._keeping = keeping
        self._outcomes = outcomes
        self._knobs = knobs
        self._awaited: list[tuple[Item, asyncio.Future[Landing | None] | None]] = []
        self._over: Answer | None = None

    async def run(self) -> None:
        """Do it all; what was begun and not done is given up at the end, however it comes."""
        try:
            todo = await self._look_up()
            pause = _FIRST_PAUSE
            while todo or self._awaited:
                await self._work(todo)
                todo = await self._wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
        finally:
            self._outcomes.give_up()
            await self._keeping.release()

    async def _look_up(self) -> list[Item]:
        """Use what is kept; return the rest that is worth asking for, in order."""
        missing: set[str] = set()
        wanted: Sequence[Item] = self._items
        for _ in range(_UNFIT_KEPT):
            kept = await self._keeping.kept([item.key for item in wanted])
            missing.update(item.key for item in wanted if item.key not in kept)
            wanted = await self._outcomes.use_kept(wanted, kept)
        missing.update(item.key for item in wanted)
        return self._outcomes.leave_failed([item for item in self._items if item.key in missing])

    async def _work(self, items: Sequence[Item]) -> None:
        """Ask for what nobody else works on, a few batches at once and the first ones first."""
        queue = deque(batched(items, lambda item: item.text, most_tokens=self._knobs.batch_tokens))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._knobs.calls, len(queue))):
                    group.create_task(self._drain(queue))
        except BaseExceptionGroup as errors:  # a defect; the first one says what it is
            raise errors.exceptions[0] from None

    async def _drain(self, queue: deque[list[Item]]) -> None:
        while queue:
            await self._batch(queue.popleft())

    async def _batch(self, items: Sequence[Item]) -> None:
        """Bring a batch to its end, as far as others do not work on it."""
        todo = await self._claimed(items)
        answer, refused = Answer(""), dict[str, str]()
        for _ in range(_TRIES):
            if todo and self._over is None:
                answer, refused = await self._ask(todo, refused)
                todo = [item for item in todo if item.key in refused]
        for item in todo:
            ended = self._over or answer
            self._outcomes.leave(item, Landing(None, refused.get(item.key, ended.reason), ended.error))

    async def _claimed(self, items: Sequence[Item]) -> list[Item]:
        """Those of the items that this request may ask for now; the others are kept, or awaited."""
        flights = [(item, self._outcomes.take(item)) for item in items]
        self._awaited += [(item, flight) for item, flight in flights if flight is not None]
        mine = [item for item, flight in flights if flight is None]
        if self._over is not None:  # nothing more is asked for, so nothing needs to be claimed
            return mine
        claim = await self._keeping.claim([item.key for item in mine])
        todo = [item for item in mine if item.key in claim.mine]
        elsewhere = [item for item in mine if item.key not in claim.mine and item.key not in claim.kept]
        unfit = await self._outcomes.use_kept(mine, claim.kept)
        self._awaited += [(item, None) for item in (*elsewhere, *unfit)]
        return todo

    async def _ask(self, items: Sequence[Item], refused: Mapping[str, str]) -> tuple[Answer, dict[str, str]]:
        """Make one call and use what is good of it; return the answer, and `key → reason` of what is not."""
        framing = Framing([item.text for item in items])
        reasons = enumerate((refused.get(item.key, "") for item in items), start=1)
        notes = {number: reason for number, reason in reasons if reason in ADVICE}
        answer = await self._calls.ask(build_prompt(self._purpose, framing.message, notes))
        if answer.error is not None and (answer.reason == TIMEOUT or not answer.error.retryable):
            self._over = answer
        reply = framing.read(answer.text)
        failed = {items[position].key: answer.reason or reason for position, reason in reply.faults.items()}
        fit = []
        for item, verdict in await self._outcomes.judged(
            items, {items[at].key: text for at, text in reply.texts.items()}
        ):
            if isinstance(verdict, Fit):
                fit.append((item, verdict))
            else:
                failed[item.key] = verdict
        await self._keeping.keep({item.key: verdict.text for item, verdict in fit})
        for item, verdict in fit:
            self._outcomes.use(item, verdict, cached=False)
        return answer, failed

    async def _wait(self, pause: float) -> list[Item]:
        """Wait for something of what others do; return what is to be asked for, as they gave it up or may have ended.

        Args:
            pause: Seconds after which to look at what another replica does.
        """
        awaited, self._awaited = self._awaited, []
        flights = [flight for _, flight in awaited if flight is not None]
        seconds = deadline.within(pause) if len(flights) < len(awaited) else deadline.left()
        if flights:
            await asyncio.wait(flights, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        elif awaited:
            await asyncio.sleep(seconds or 0)
        again = []
        for item, flight in awaited:
            if flight is not None and flight.done() and (landing := flight.result()) is not None:
                await self._outcomes.use_landing(item, landing)
            elif (left := deadline.left()) is not None and left <= 0:
                self._outcomes.leave(item, Landing(None, TIMEOUT, out_of_time()))
            elif flight is None or flight.done():
                again.append(item)
            else:
                self._awaited.append((item, flight))
        return again
