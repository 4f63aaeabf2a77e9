"""What is kept of one person: how much, all of it, and none of it any more."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

from lectern.errors import NotFound
from lectern.ports import Person, Records, Store, Tasks

Export = Callable[[str], Awaitable[AsyncGenerator[bytes, None]]]
"""All that is kept of a principal, by its id, as the pieces of one JSON object; the first is read by the call."""

Forget = Callable[[str], Awaitable[None]]
"""Deletes a principal's account and profile, by its id; of who has none, nothing."""


@dataclass(frozen=True, slots=True)
class Erased:
    """How much there was of a person."""

    conversations: int = 0
    tasks: int = 0


@dataclass(frozen=True, slots=True)
class PeopleDesk:
    """Joins those who keep something of people.

    Attributes:
        export: Writes it all out; None where nobody does.
        forget: Deletes what is kept of people beside their conversations and tasks; None where nothing is.
    """

    export: Export | None = None
    forget: Forget | None = None

    async def held(self, principal_id: str, records: Records) -> Person:
        """How much is kept.

        Raises:
            NotFound: Nothing is.
            StoreUnavailable: It cannot be told now.
        """
        person = await records.person(principal_id)
        if not person.is_known:
            raise NotFound("Nothing is kept of this person.")
        return person

    async def erase(self, principal_id: str, store: Store, tasks: Tasks | None) -> Erased:
        """Delete everything, also what waits for the database; returns how much there was.

        The account goes first, so that nothing new comes from it. Doing it again finishes what failed half-way.

        Raises:
            StoreUnavailable: It cannot be done now; some of it may be done.
        """
        if "\x00" in principal_id:  # nobody's: no database keeps such an id, and Postgres refuses to look for one
            return Erased()
        if self.forget is not None:
            await self.forget(principal_id)
        gone = await tasks.delete_tasks_of(principal_id) if tasks is not None else 0
        return Erased(await store.delete_conversations_of(principal_id), gone)
