"""How psycopg2 connects, and that no wait of it lasts for ever: also not for a server that accepts and never answers.

libpq's own limits cover connecting and a network that is gone, but not a pooler or proxy that holds the line. psycopg2
lets a callback do its waiting (https://www.psycopg.org/docs/advanced.html#support-for-coroutine-libraries); when that
raises, it closes the connection.
"""

import math
import select
import time
from collections.abc import Container
from typing import Any, ClassVar

from psycopg2 import OperationalError, extensions

_EVENTS = {extensions.POLL_READ: select.POLLIN, extensions.POLL_WRITE: select.POLLOUT}


# A dead peer is noticed after 30 + 3 x 10 s of silence, and after 10 s when something was sent to it.
_KEEPALIVES = {
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


class PatientConnection(extensions.connection):
    """A connection whose connect and statements have `patience_seconds` each."""

    patience_seconds: ClassVar[float]


def arguments(given: Container[str], *, connect_seconds: float, patience_seconds: float) -> dict[str, Any]:
    """What psycopg2 is told to connect with.

    Args:
        given: Names of the options that the address gives itself; it wins.
        connect_seconds: How long a connection may take.
        patience_seconds: How long a statement may take.
    """
    extensions.set_wait_callback(_wait)
    # The server ends a statement first and says so; the client's own limit is for a server that says nothing.
    longest = max(connect_seconds, patience_seconds + 1)
    wanted = {"connect_timeout": math.ceil(connect_seconds), "application_name": "lectern", **_KEEPALIVES}
    kind = type("PatientConnection", (PatientConnection,), {"patience_seconds": longest})
    return {"connection_factory": kind, **{name: value for name, value in wanted.items() if name not in given}}


def _wait(connection: extensions.connection) -> None:
    """Wait until the connection has what it waits for.

    Raises:
        OperationalError: It has not in time.
    """
    seconds = getattr(connection, "patience_seconds", float("inf"))
    deadline = time.monotonic() + seconds
    while (state := connection.poll()) != extensions.POLL_OK:
        poller = select.poll()
        poller.register(connection.fileno(), _EVENTS[state])
        left = deadline - time.monotonic()
        if left <= 0 or not poller.poll(min(left, 3600) * 1000):
            raise OperationalError(f"no answer for {seconds:g} s")
