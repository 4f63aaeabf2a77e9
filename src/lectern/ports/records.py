"""What operators ask of all that is kept: how much, what went unanswered, what was thought of it, what of whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from lectern.ports.llm import Usage


@dataclass(frozen=True, slots=True)
class DayUsage:
    """One UTC day.

    Attributes:
        day: Which.
        turns: How many ended how, by `Outcome`.
        usage: Tokens, where the provider counted them.
        principals: How many different ones asked, by `Principal.kind`; who was not kept does not count.
    """

    day: date
    turns: Mapping[str, int] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    principals: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent in a while: by those who spent most, and by all."""

    most: Sequence[tuple[str, Usage]]
    total: Usage


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A question that the site did not answer.

    Attributes:
        question: As it was asked, cut at `MOST_CHARACTERS`.
        asked_at: When, UTC.
        score: Of the best passage; None when there was none.
        title: The nearest page's title, or empty.
        href: The link to its section, or empty.
    """

    question: str
    asked_at: datetime
    score: float | None = None
    title: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Rated:
    """An answer and what its reader thought of it; texts are cut at `MOST_CHARACTERS`."""

    turn_id: str
    question: str
    answer: str
    rating: int
    comment: str
    rated_at: datetime


@dataclass(frozen=True, slots=True)
class Person:
    """How much is kept of a principal; the moments are of its first conversation and its last question, UTC.

    `remembered` are the entries of `Tasks.remembered`, `live_turns` those of `Journal.held`; who has a task list
    has had tasks, be none left.
    """

    principal_id: str
    conversations: int = 0
    turns: int = 0
    feedback: int = 0
    has_profile: bool = False
    has_account: bool = False
    first_at: datetime | None = None
    last_at: datetime | None = None
    tasks: int = 0
    remembered: int = 0
    has_task_list: bool = False
    live_turns: int = 0

    @property
    def is_known(self) -> bool:
        """Whether anything is kept of it."""
        doing = (self.has_task_list, self.remembered, self.live_turns)
        return any((self.conversations, self.has_profile, self.has_account, *doing))


MOST_CHARACTERS = 500
"""Longest text of a list; a question that is longer is known by its beginning."""


class Records(Protocol):
    """Sums and lists over all that is kept. Every verb raises `StoreUnavailable` when it cannot be done now."""

    async def usage(self, since: datetime) -> list[DayUsage]:
        """Every day with a turn from then on, oldest first."""
        ...

    async def spent(self, since: datetime, until: datetime, *, most: int) -> Spent:
        """The tokens of turns that were asked from `since` on and before `until`, and of the `most` who spent most."""
        ...

    async def unanswered(self, since: datetime, *, most: int) -> list[Unanswered]:
        """The newest questions that found nothing, newest first."""
        ...

    async def feedback(self, since: datetime, *, most: int) -> list[Rated]:
        """The newest feedback, newest first."""
        ...

    async def person(self, principal_id: str) -> Person:
        """How much is kept of a principal, whatever text the id is."""
        ...
