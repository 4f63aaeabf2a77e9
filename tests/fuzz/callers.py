"""Who asks while the API is fuzzed. Another kind of credentials is one more line of `CALLERS`."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

import httpx2
import jwt

OPERATOR_TOKEN: Final = "operator-token-0123456789"
LOGIN_SECRET: Final = "the-login-server-s-own-secret-of-fifty-characters!"
SETTINGS: Final = {
    "ADMIN_TOKEN": OPERATOR_TOKEN,
    "BETTER_AUTH_SECRET": LOGIN_SECRET,
    "ACCOUNTS": "on",  # beside a login server they are off unless they are asked for
    "SECRET_KEY": "a-secret-of-the-tests-own-0123456789abcdef",
    "TASK_CHAT_LIMIT": "none",
}
"""What a service is told so that all of these are known to it."""

Headers = dict[str, str]


def _account_token(base_url: str) -> str:
    """The token of an account that has just signed up."""
    body = {"email": f"{uuid4().hex}@example.org", "password": uuid4().hex, "proficiency": "beginner"}
    answer = httpx2.post(f"{base_url}/api/auth/sign-up", json=body).raise_for_status().json()
    return str(answer["session"]["accessToken"])


def _user_token() -> str:
    """A user's token as the site's login server signs it, good for a day."""
    now = int(time.time())
    return jwt.encode({"sub": "reader-1", "iat": now, "exp": now + 86_400}, LOGIN_SECRET, algorithm="HS256")


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who asks.

    Attributes:
        name: What the report calls it.
        headers: Makes what it sends with each request to a service at an address.
        has_sessions: Whether it is a reader with conversations of its own.
        leaves_out: Paths that it does not ask, as it would be somebody else afterwards.
    """

    name: str
    headers: Callable[[str], Headers]
    has_sessions: bool = False
    leaves_out: tuple[str, ...] = ()


CALLERS: Final = (
    Caller("nobody", lambda _: {}),
    Caller("user", lambda _: {"Authorization": f"Bearer {_user_token()}"}, has_sessions=True),
    Caller("account", lambda url: {"Authorization": f"Bearer {_account_token(url)}"}, True, ("/api/auth/sign-out",)),
    Caller("operator", lambda _: {"Authorization": f"Bearer {OPERATOR_TOKEN}"}),
)
