"""Who asks while the API is fuzzed. Another kind of credentials is one more line of `CALLERS`."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import jwt

OPERATOR_TOKEN: Final = "operator-token-0123456789"
LOGIN_SECRET: Final = "the-login-server-s-own-secret-of-fifty-characters!"
SETTINGS: Final = {"ADMIN_TOKEN": OPERATOR_TOKEN, "BETTER_AUTH_SECRET": LOGIN_SECRET}
"""What a service is told so that all of these are known to it."""

Headers = dict[str, str]


def _user_token() -> str:
    """A user's token as the site's login server signs it, good for an hour."""
    now = int(time.time())
    return jwt.encode({"sub": "reader-1", "iat": now, "exp": now + 3600}, LOGIN_SECRET, algorithm="HS256")


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who asks.

    Attributes:
        name: What the report calls it.
        headers: Makes what it sends with each request.
    """

    name: str
    headers: Callable[[], Headers]


CALLERS: Final = (
    Caller("nobody", dict),
    Caller("user", lambda: {"Authorization": f"Bearer {_user_token()}"}),
    Caller("operator", lambda: {"Authorization": f"Bearer {OPERATOR_TOKEN}"}),
)
