"""One turn for one key: of those who send it at once, one does it, and the others get what it answered."""

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lectern.errors import StoreUnavailable, TurnRunning
from lectern.ports import Tasks
from lectern.resilience import deadline
from lectern.tasks.draft import TaskRequest

logger = logging.getLogger(__name__)

_FIRST_LOOK_SECONDS: Final = 0.1
_LOOK_SECONDS: Final = 0.5
"""How often one who waits asks whether the turn is over: soon at first, then twice a second."""


@dataclass(frozen=True, slots=True)
class Claims:
    """Claims turns.

    Attributes:
        tasks: Keeps them.
        turn_seconds: When others may do a turn that neither ended nor was given up.
        waiting_seconds: How long one waits for a turn that somebody else does.
    """

    tasks: Tasks
    turn_seconds: float
    waiting_seconds: float

    async def claim(self, request: TaskRequest) -> Mapping[str, Any] | None:
        """Make the turn this caller's, which finishes or releases it; or get what was answered, if it is over.

        Raises:
            IdempotencyMismatch: The key was used for another message.
            TurnRunning: Somebody else does it, for longer than one waits.
            StoreUnavailable: It cannot be told now.
        """
        if request.key is None:
            return None
        until = time.monotonic() + deadline.within(self.waiting_seconds)
        pause = _FIRST_LOOK_SECONDS
        while True:
            claim = await self.tasks.begin_turn(
                request.principal.id, request.key, digest=digest_of(request), seconds=self.turn_seconds
            )
            if claim.state == "mine":
                return None
            if claim.state == "done":
                return claim.response
            if time.monotonic() + pause > until:
                raise TurnRunning(retry_after_seconds=1)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LOOK_SECONDS)

    async def finish(self, request: TaskRequest, response: Mapping[str, Any]) -> None:
        """Keep what was answered. That this cannot be done loses nothing: a retry writes nothing twice."""
        if request.key is None:
            return
        try:
            await self.tasks.finish_turn(request.principal.id, request.key, response)
        except StoreUnavailable:
            logger.warning("a turn's answer could not be kept for its key")

    async def release(self, request: TaskRequest) -> None:
        """Let the turn be tried again at once."""
        if request.key is None:
            return
        try:
            await self.tasks.release_turn(request.principal.id, request.key)
        except StoreUnavailable:
            logger.warning("a turn could not be given up; it can be tried again when its time is over")


def digest_of(request: TaskRequest) -> str:
    """What tells a request from others with the same key, in hexadecimal."""
    told = json.dumps([request.text, request.conversation_id], ensure_ascii=True)
    return hashlib.sha256(told.encode()).hexdigest()
