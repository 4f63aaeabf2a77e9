"""What is kept of a turn with the assistant, and what it costs, however it ends."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import anyio

from lectern.errors import ConversationNotFound, Forbidden, InternalError, LecternError, NotFound, StoreUnavailable
from lectern.limits.budgets import Budgets
from lectern.ports import Confirmation, Conversations, Outcome, Store, Tasks
from lectern.tasks.claims import Claims
from lectern.tasks.draft import Draft
from lectern.tasks.events import Event, Failed

logger = logging.getLogger(__name__)

SAVE_SECONDS: Final = 5
"""How long the saving of a turn that was cut off may take; a stopping worker waits for it."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """Keeps turns.

    Attributes:
        store: Where conversations are kept.
        tasks: Where it is kept what was asked.
        claims: Whose turn it is.
        conversations: Knows what conversations are called; None where no list of them is kept.
        budgets: What may be spent a day; None where nothing is counted.
    """

    store: Store
    tasks: Tasks
    claims: Claims
    conversations: Conversations | None
    budgets: Budgets | None

    async def ended(self, draft: Draft, asked: Confirmation | None) -> Sequence[Event]:
        """Keep a turn that came to its end; its last events."""
        await self._charge(draft)
        unsaved = await self._save(draft, "answered")
        done = draft.done(await self._title(draft))
        await self.claims.finish(draft.request, draft.response())
        if asked is not None:
            # At last: a retry of a yes that broke off has to find what it was about.
            with suppress(StoreUnavailable):
                await self.tasks.settle(draft.request.principal.id, draft.conversation_id, asked.id)
        return [unsaved, done] if unsaved else [done]

    async def _title(self, draft: Draft) -> str:
        """What the conversation is called; empty when that cannot be told now."""
        if self.conversations is None:
            return ""
        with suppress(StoreUnavailable, NotFound, Forbidden):
            conversation, _ = await self.conversations.read(
                draft.conversation_id, principal_id=draft.request.principal.id, limit=1
            )
            return conversation.title
        return ""

    async def _charge(self, draft: Draft) -> None:
        """Count what the turn cost, once."""
        payer = draft.request.payer
        if self.budgets is None or payer is None or draft.charged:
            return
        draft.charged = True
        with anyio.move_on_after(SAVE_SECONDS, shield=True):  # it was spent, whoever leaves meanwhile
            await self.budgets.charge(payer, draft.cost)

    async def _save(self, draft: Draft, outcome: Outcome) -> Event | None:
        """Keep the turn, once; when that cannot be done now, what was done still stands, and this says so."""
        if draft.saved:
            return None
        draft.saved = True
        try:
            await self.store.save_turn(draft.turn(outcome))
        except StoreUnavailable as error:
            return draft.degrade("store", error)
        return None

    async def _save_cut_off(self, draft: Draft, outcome: Outcome) -> None:
        """Keep what was said and done, unless its conversation was deleted or claimed."""
        with suppress(ConversationNotFound, Forbidden):
            await self._save(draft, outcome)

    async def cut_off(self, draft: Draft) -> None:
        """Keep what was done of a turn that its reader left, and let it be tried again."""
        await self._charge(draft)
        if draft.started:
            await self._save_cut_off(draft, "cancelled")
        await self.claims.release(draft.request)

    async def failed(self, error: Exception, draft: Draft) -> Event:
        """Keep a turn that failed, and let it be tried again; its last event."""
        failure = error if isinstance(error, LecternError) else InternalError()
        defect = error if isinstance(failure, InternalError) else None
        logger.warning("turn %s failed: %s (%s)", draft.turn_id, failure.code, type(error).__name__, exc_info=defect)
        await self._charge(draft)
        if not isinstance(failure, ConversationNotFound | Forbidden):  # there is no conversation to keep it in
            await self._save_cut_off(draft, "failed")
        await self.claims.release(draft.request)
        return Failed.of(failure)
