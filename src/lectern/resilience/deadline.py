"""One monotonic deadline a request, known to every hop without being handed through every signature.

It lives in a context variable, so tasks and threads that a request starts know it too. Outside of a request there is
none, and every hop has its own limits only.
"""

import time
from contextvars import ContextVar, Token

RESERVE_SECONDS = 5.0
"""What is kept of a request's time for saving its turn and telling its end."""

_at: ContextVar[float | None] = ContextVar("deadline", default=None)


def start(seconds: float) -> Token[float | None]:
    """Give the request that runs now this long; the token is for `end`."""
    return _at.set(time.monotonic() + seconds)


def end(token: Token[float | None]) -> None:
    """Forget the deadline that `start` set."""
    _at.reset(token)


def left() -> float | None:
    """Seconds that a hop may still use, the reserve taken off; may be negative. None outside of a request."""
    at = _at.get()
    return None if at is None else at - RESERVE_SECONDS - time.monotonic()


def within(cap_seconds: float) -> float:
    """Seconds for one hop: its own limit, or less when the request has less; never negative."""
    seconds = left()
    return cap_seconds if seconds is None else max(0.0, min(cap_seconds, seconds))
