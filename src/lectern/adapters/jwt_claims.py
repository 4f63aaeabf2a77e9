"""What a login server's token says of a user, made into a `Principal`."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from lectern.principal import MOST_SUBJECT_CHARACTERS, Principal

SIGNED: Final = ("sub", "id")
SHARED: Final = ("sub", "user_id", "id")
"""Claims that name the user, in the order in which they count."""

_MOST_NAME_CHARACTERS: Final = 200
_MOST_EMAIL_CHARACTERS: Final = 254
"""RFC 5321, 4.5.3.1.3."""


def user_of(claims: Mapping[str, Any], names: Sequence[str]) -> Principal | None:
    """The user whom the first of these claims names; None when none does."""
    held = next((claims[name] for name in names if claims.get(name) is not None), None)
    return user(held, claims.get("name"), claims.get("email"))


def user(subject: object, name: object, email: object) -> Principal | None:
    """A user of the login server; None when the subject is no id. A whole number and a UUID are, for databases."""
    if isinstance(subject, int | UUID) and not isinstance(subject, bool):
        subject = str(subject)
    if not isinstance(subject, str) or not 0 < len(subject) <= MOST_SUBJECT_CHARACTERS or not subject.isprintable():
        return None
    return Principal("user", subject, _text(name, _MOST_NAME_CHARACTERS), _text(email, _MOST_EMAIL_CHARACTERS))


def _text(value: object, most: int) -> str:
    """A text of at most so many characters; empty when it is none."""
    return value[:most] if isinstance(value, str) else ""
