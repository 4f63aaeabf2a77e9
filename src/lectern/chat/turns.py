"""The live turns of a worker: begun, followed and stopped here, or wherever else they are."""

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing

from lectern.chat.draft import Draft, Question
from lectern.chat.follower import Follower
from lectern.chat.following import Distant, Following
from lectern.chat.live_turn import LiveTurn, Patience
from lectern.chat.others import Alone, Ids, Others, RandomIds
from lectern.chat.pipeline import Knobs, answer
from lectern.errors import IdempotencyMismatch, TurnNotFound
from lectern.events import Event
from lectern.limits.budgets import Budgets
from lectern.ports import JournalHead, Ports
from lectern.principal import Principal


class Turns:
    """The live turns of a worker.

    Args:
        ports: Whom the pipeline asks.
        knobs: The pipeline's.
        budgets: What turns are counted in, if anything.
        patience: How long turns wait for readers.
        ids: Makes their ids.
        others: What others know of turns; nobody, when left out.
    """

    def __init__(
        self,
        ports: Ports,
        knobs: Knobs,
        budgets: Budgets | None = None,
        *,
        patience: Patience,
        ids: Ids | None = None,
        others: Others | None = None,
    ) -> None:
        self._ports = ports
        self._knobs = knobs
        self._budgets = budgets
        self._patience = patience
        self._ids: Ids = ids or RandomIds()
        self._others: Others = others or Alone()
        self._live: dict[str, LiveTurn] = {}

    async def begin(self, question: Question, *, key: str | None = None, address: str = "") -> Following:
        """Begin a turn and follow it, or follow the one that was begun with this key.

        Args:
            question: What is asked.
            key: The client's `Idempotency-Key`; None begins one each time.
            address: From where it is asked: keys of visitors are those of an address, as the first has no id yet.

        Raises:
            LecternError: Whatever ended the turn before its first event.
            IdempotencyMismatch: The key was used for another request.
            TooManyFollowers: As many follow it as may.
        """
        if key is None:
            return await _begun(Follower(self._start(Draft(question, turn_id=self._ids.new())), lingers=True))
        turn_id, digest = self._ids.keyed(_scope(question, address), key), _digest(question)
        known = self._live.get(turn_id)
        if known is not None and known.digest != digest:
            raise IdempotencyMismatch
        turn = known or self._start(Draft(question, turn_id=turn_id), digest)
        try:
            return await _begun(Follower(turn, lingers=known is None))
        except _NotMine:
            assert question.principal is not None
            return await self._follow_elsewhere(turn_id, question.principal, 0)

    async def follow(self, turn_id: str, principal: Principal, *, position: int = 0) -> Following:
        """Follow a turn from where a reader was.

        Raises:
            TurnNotFound: There is none, or it is another's.
            InvalidRequest: The position lies in the future.
            TooManyFollowers: As many follow it as may.
        """
        turn = self._live.get(turn_id)
        if turn is None:
            return await self._follow_elsewhere(turn_id, principal, position)
        if not turn.is_for(principal):
            raise TurnNotFound
        return await _begun(Follower(turn, position))

    async def follow_conversation(self, conversation_id: str, principal: Principal) -> Following | None:
        """Follow what is under way in a conversation from its first event; None when nothing is."""
        turn_id = await self._in(conversation_id, principal)
        return None if turn_id is None else await self.follow(turn_id, principal)

    async def stop(self, turn_id: str, principal: Principal) -> None:
        """End a turn early; returns when what was said is kept, as far as it is live here.

        Raises:
            TurnNotFound: There is none, or it is another's.
        """
        turn = self._live.get(turn_id)
        if turn is not None and turn.is_for(principal):
            turn.end("stopped")
            await turn.wait()
        elif turn is not None or not await self._others.stop(turn_id, principal):
            raise TurnNotFound

    async def stop_conversation(self, conversation_id: str, principal: Principal) -> bool:
        """End what is under way in a conversation; False when nothing is."""
        turn_id = await self._in(conversation_id, principal)
        if turn_id is not None:
            await self.stop(turn_id, principal)
        return turn_id is not None

    async def close(self) -> None:
        """End what is under way, and return when it is kept."""
        turns = list(self._live.values())
        for turn in turns:
            turn.end("shutting_down")
        await asyncio.gather(*(turn.wait() for turn in turns))

    def missed(self, turn: LiveTurn) -> None:
        """A live turn's last follower has left."""
        self._others.missed(turn)

    def ended(self, turn: LiveTurn) -> None:
        """A live turn is over."""
        del self._live[turn.id]
        self._others.ended(turn)

    def _start(self, draft: Draft, digest: str = "") -> LiveTurn:
        events = self._claimed(draft, digest) if digest else self._answer(draft)
        turn = LiveTurn(draft, events, patience=self._patience, witness=self, digest=digest)
        self._live[turn.id] = turn
        self._others.began(turn)
        return turn

    def _answer(self, draft: Draft) -> AsyncGenerator[Event, None]:
        return answer(draft, self._ports, self._knobs, self._budgets)

    async def _claimed(self, draft: Draft, digest: str) -> AsyncGenerator[Event, None]:
        """The events of a turn with a key, if it is this worker's to answer."""
        question = draft.question
        head = JournalHead(draft.turn_id, draft.conversation_id, question.principal_id, question.text, digest)
        if not await self._others.claim(head):
            raise _NotMine
        async with aclosing(self._answer(draft)) as events:
            async for event in events:
                yield event

    async def _in(self, conversation_id: str, principal: Principal) -> str | None:
        """The newest turn that is under way in a conversation, as far as the principal may follow it."""
        for turn in reversed(self._live.values()):
            if turn.conversation_id == conversation_id and turn.is_for(principal):
                return turn.id
        return await self._others.find(conversation_id, principal)

    async def _follow_elsewhere(self, turn_id: str, principal: Principal, position: int) -> Following:
        batches = await self._others.follow(turn_id, principal, position=position)
        return await Distant.of(turn_id, batches)


class _NotMine(Exception):
    """A turn with a key is under way elsewhere, or was answered already."""


async def _begun(follower: Follower) -> Following:
    await follower.begin()
    return follower


def _scope(question: Question, address: str) -> str:
    principal = question.principal
    return address if principal is None or principal.is_anonymous else principal.id


def _digest(question: Question) -> str:
    """What tells a request from others with the same key, in hexadecimal."""
    earlier = None if question.history is None else [(turn.question, turn.answer) for turn in question.history]
    told = [question.text, question.context, question.conversation_id, question.site, question.instructions, earlier]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()
