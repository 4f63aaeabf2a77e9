"""One turn while it is under way: a task of its worker, not of a connection.

It drives the pipeline and notes each event in a list. Followers (`follower.py`) read the list, each from its own place
in a task of its own, and wait for news at its end: a reader who takes nothing slows nobody, and nothing is queued for
anyone. When all have left, the turn goes on for a while, as they may come back.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol

from lectern.chat.draft import Draft
from lectern.chat.following import Listener
from lectern.errors import InternalError, InvalidRequest, LecternError, ShuttingDown, TooManyFollowers
from lectern.events import Done, Event, Failed, after
from lectern.principal import Principal, is_anonymous
from lectern.serving import process

logger = logging.getLogger(__name__)

Ending = Literal["stopped", "abandoned", "shutting_down"]
"""Why a turn is ended early: by its reader, because all had left, or because its worker stops."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a turn waits for readers, and how many it takes.

    Attributes:
        abandon_seconds: How long it goes on when all have left.
        most_followers: How many may follow it at once.
    """

    abandon_seconds: float
    most_followers: int


class Witness(Protocol):
    """Who is told what becomes of a live turn."""

    def missed(self, turn: "LiveTurn") -> None:
        """Its last follower has left, and it goes on."""
        ...

    def ended(self, turn: "LiveTurn") -> None:
        """It is over, and kept."""
        ...


class LiveTurn:
    """A turn that is under way in this worker.

    Args:
        draft: What it grows in.
        events: The pipeline's; read to the end in a task that this starts, in a copy of the caller's context.
        patience: How long it waits for readers.
        witness: Who is told what becomes of it.
        digest: What tells its request from others with the same key; empty for one without a key.

    Attributes:
        draft: As given.
        digest: As given.
        events: What has happened, in order; the last one is `done` or `failed` when it is over.
        positions: The position after each of them.
        over: Whether nothing more will happen.
        failure: Why it failed before its first event, when it is over without any.
    """

    def __init__(
        self,
        draft: Draft,
        events: AsyncGenerator[Event, None],
        *,
        patience: Patience,
        witness: Witness,
        digest: str = "",
    ) -> None:
        self.draft = draft
        self.digest = digest
        self.events: list[Event] = []
        self.positions: list[int] = []
        self.over = False
        self.failure: BaseException | None = None
        self._patience = patience
        self._witness = witness
        self._loop = asyncio.get_running_loop()
        self._waiters: list[asyncio.Future[None]] = []
        self._listeners: dict[asyncio.Future[int], Listener] = {}
        self._followers = 0
        self._wanted_until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._ending: Ending | None = None
        self._task = self._loop.create_task(self._drive(events))
        self._task.add_done_callback(self._end)
        self._withdraw = process.on_last_call(partial(self.end, "shutting_down"))

    @property
    def id(self) -> str:
        """The turn's UUID, as text."""
        return self.draft.turn_id

    @property
    def conversation_id(self) -> str:
        """Its conversation's UUID, as text."""
        return self.draft.conversation_id

    @property
    def position(self) -> int:
        """The position after its last event."""
        return self.positions[-1] if self.positions else 0

    def is_for(self, principal: Principal) -> bool:
        """Whether somebody may follow and stop it, by the conversations' rule: a visitor's is for who knows its id."""
        owner = self.draft.question.principal_id
        return is_anonymous(owner) or owner == principal.id

    def join(self, position: int = 0) -> None:
        """Count one more follower, who is to `leave`.

        Args:
            position: Where it goes on from.

        Raises:
            InvalidRequest: The position lies in the future.
            TooManyFollowers: As many follow it as may.
        """
        if position > self.position:
            raise InvalidRequest("Last-Event-ID: this answer has not come so far yet")
        if self._followers >= self._patience.most_followers:
            raise TooManyFollowers(retry_after_seconds=5)
        self._followers += 1
        self._unset()

    def want(self, seconds: float) -> None:
        """Say that somebody elsewhere follows it, for so long at least."""
        self._wanted_until = self._loop.time() + seconds

    def end(self, why: Ending) -> None:
        """End it early and keep what was said, unless its end is being kept already. Returns before that is done."""
        if self._ending is not None or self.draft.settled or self._task.done():
            return
        self._ending = why
        self.draft.ended_by = why
        if why == "stopped" and not self.draft.started:
            self._note(self.draft.start())  # whoever waits for its first event is answered
        self._task.cancel()

    def news(self) -> asyncio.Future[None]:
        """Is done when something happens next, for one who waits."""
        waiter = self._loop.create_future()
        self._waiters.append(waiter)
        return waiter

    async def attend(self, listener: Listener) -> int:
        """Have a listener told of what happens, as it happens, until it takes no more or the turn is over.

        Returns:
            How many of the turn's events there were by then.
        """
        waiter: asyncio.Future[int] = self._loop.create_future()
        self._listeners[waiter] = listener
        try:
            return await waiter
        finally:
            self._listeners.pop(waiter, None)

    async def wait(self) -> None:
        """Return when it is over, and kept."""
        await asyncio.wait({self._task})

    def leave(self) -> None:
        """One follower less; called by each follower once."""
        self._followers -= 1
        if self._followers or self._task.done():
            return
        if self.events or self.digest:
            self._witness.missed(self)
            self._give_up_in(self._patience.abandon_seconds)
        else:
            self.end("abandoned")  # nobody knows it, so nobody can come back

    async def _drive(self, events: AsyncGenerator[Event, None]) -> None:
        async with aclosing(events):
            async for event in events:
                self._note(event)

    def _note(self, event: Event) -> None:
        positions = self.positions
        position = after(positions[-1] if positions else 0, event)
        positions.append(position)
        self.events.append(event)
        if self._listeners:
            self._tell(position, event)
        if self._waiters:
            self._wake()

    def _tell(self, position: int, event: Event) -> None:
        for waiter, listener in tuple(self._listeners.items()):
            try:
                if listener(position, event):
                    continue
            except Exception as error:  # noqa: BLE001 - its own reader's, and no other's
                if not waiter.done():
                    waiter.set_exception(error)
            else:
                if not waiter.done():
                    waiter.set_result(len(self.events))
            self._listeners.pop(waiter, None)

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._unset()
        self._withdraw()
        self.over = True
        self.failure = ShuttingDown() if task.cancelled() else task.exception()
        if self.events and self.failure is not None:
            self._note(self._last_event(self.failure))
        self._witness.ended(self)
        self._wake()
        for attending in tuple(self._listeners):
            if not attending.done():
                attending.set_result(len(self.events))

    def _last_event(self, failure: BaseException) -> Done | Failed:
        """What the pipeline, which was cancelled, could not say any more."""
        match self._ending:
            case "stopped" | "abandoned" as why:
                draft = self.draft
                return Done(outcome="cancelled", finish=why, usage=draft.usage, timings=draft.timings)
        if isinstance(failure, LecternError):
            return Failed.of(failure)
        logger.error("turn %s could not be ended", self.id, exc_info=failure)
        return Failed.of(InternalError())

    def _give_up_in(self, seconds: float) -> None:
        wait = max(seconds, self._wanted_until - self._loop.time())
        if wait > 0:
            self._timer = self._loop.call_later(wait, self._give_up_in, 0)
        else:
            self.end("abandoned")

    def _unset(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
