"""Lectern's own accounts, their logins, and what people told of themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from lectern.ports.store import Turn

Profile = Mapping[str, str | list[str]]
"""What somebody told of itself: a word, a text or a list of them, by its name."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account. Its `repr` tells nothing of the person.

    Attributes:
        id: UUID, as text; the subject of its principal.
        email: Normalised; unique among accounts.
        name: What to call its owner, or empty.
        password_hash: As `accounts.passwords` makes it.
        created_at: UTC.
        updated_at: When something of it changed last, UTC.
    """

    id: str
    email: str = field(repr=False)
    name: str = field(repr=False)
    password_hash: str = field(repr=False)
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Login:
    """One sign-in of an account; it ends by itself at `expires_at`, or when it is taken away.

    Attributes:
        id: UUID, as text.
        account_id: Whose.
        created_at: UTC.
        expires_at: UTC.
    """

    id: str
    account_id: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """A turn as it is held for its owner, with what surrounds it.

    Attributes:
        conversation_id: UUID of its conversation, as text.
        title: The conversation's.
        created_at: When the conversation began, UTC.
        updated_at: When its last question came, UTC.
        turn: None in the one entry of a conversation that has none.
        rating: What the owner thought of the answer, 1 or -1; None when that was not told.
        comment: What the owner said about it, or empty.
    """

    conversation_id: str
    title: str
    created_at: datetime
    updated_at: datetime
    turn: Turn | None
    rating: int | None = None
    comment: str = ""


class Accounts(Protocol):
    """Keeps accounts. Every verb is one short transaction, and raises `StoreUnavailable` when it cannot be done now."""

    async def sign_up(self, account: Account, profile: Profile, login: Login) -> None:
        """Keep a new account with its profile and first login: all of it or nothing.

        Raises:
            EmailTaken: There is one with its e-mail; of those who try at once, one wins.
        """
        ...

    async def by_email(self, email: str) -> Account | None:
        """The account of a normalised e-mail address; None when there is none."""
        ...

    async def by_id(self, account_id: str) -> Account | None:
        """The account of this id; None when there is none, whatever text it is."""
        ...

    async def by_login(self, login_id: str, account_id: str) -> Account | None:
        """The account of a login that has neither ended nor expired; else None."""
        ...

    async def begin(self, login: Login) -> None:
        """Keep a login; those of the same account that have expired go.

        Raises:
            InvalidCredentials: The account has been deleted meanwhile.
        """
        ...

    async def end(self, login_id: str) -> None:
        """End a login, for every worker, at once; one that is gone already is ended."""
        ...

    async def logins_of(self, account_id: str) -> Sequence[Login]:
        """An account's logins, the newest first, at most 1,000."""
        ...

    async def rehash(self, account: Account, password_hash: str) -> None:
        """Keep another hash of the same password, unless the password was changed meanwhile."""
        ...

    async def profile(self, principal_id: str) -> Profile:
        """What a principal told of itself; empty when it told nothing."""
        ...

    async def tell(self, principal_id: str, told: Mapping[str, str | list[str] | None]) -> None:
        """Keep what a principal tells of itself; None forgets a field, and fields that are not named stay.

        Raises:
            Unauthorized: It is an account that has been deleted meanwhile.
        """
        ...

    async def held(self, principal_id: str, *, after: Held | None, limit: int) -> Sequence[Held]:
        """A page of all that is kept of a principal's conversations, each conversation's turns together, oldest first.

        Args:
            principal_id: Whose.
            after: The last entry of the page before; None for the first page.
            limit: Most entries; fewer come only at the end.
        """
        ...

    async def forget(self, principal_id: str) -> None:
        """Delete a principal's profile and, when it is an account, the account with its logins, for good."""
        ...
