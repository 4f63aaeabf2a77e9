"""Who asks. Settled once a request, before anything is read or written for it."""

from dataclasses import dataclass, field
from typing import Final, Literal, cast, get_args

from lectern.rate import Rate

Kind = Literal["account", "user", "integration", "visitor", "operator"]

VISITOR_PREFIX: Final = "visitor:"
"""What the id of each anonymous visitor begins with."""

MOST_SUBJECT_CHARACTERS: Final = 200
"""Longest subject; the database keeps ids of 255 characters."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: an account, a user of the site's login server, a program with a key, a visitor, or the operator.

    Attributes:
        kind: Which of these.
        subject: Its id, as whoever knows it gives it; unique among its kind.
        name: What to call it, or empty. Never logged, so not in its representation either.
        email: Its e-mail address, or empty. Never logged.
        rate: How often it may ask, where that was agreed with it alone; None for what all of its kind may.
    """

    kind: Kind
    subject: str
    name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    rate: Rate | None = None

    @property
    def id(self) -> str:
        """What its conversations are kept under: `user:42`."""
        return f"{self.kind}:{self.subject}"

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody knows who it is."""
        return self.kind == "visitor"


def principal_of(principal_id: str) -> Principal | None:
    """Who an id is of, without name and e-mail; None when it is no principal's id."""
    kind, _, subject = principal_id.partition(":")
    return Principal(cast("Kind", kind), subject) if kind in get_args(Kind) and subject else None


def is_anonymous(principal_id: str | None) -> bool:
    """Whether nobody who could sign in owns what is kept under this id: it is a visitor's, or, when None, nobody's."""
    return principal_id is None or principal_id.startswith(VISITOR_PREFIX)
