"""One of those that are compared."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from loadtests.services import Service
from loadtests.wire import Target

Start = Callable[[str, str], AbstractContextManager[Service]]
"""`(the provider's address, the model) → a running service with one worker`."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Something that answers readers before the same provider.

    Attributes:
        name: Its name in the record.
        title: Its name in the table.
        does: What it does beyond passing tokens on, and what it does not.
        health: The path of its health check.
        ready: The path that answers 200 once questions are welcome.
        failed: Bytes that only a failure told within a stream has.
        stand_in: Bytes of an answer that it made without the model; empty when it makes none.
        environment: Whether it has an environment that is weighed.
        package: The package whose version stands in the table.
    """

    name: str
    title: str
    does: str
    health: str
    ready: str
    failed: bytes
    start: Start
    target: Callable[[str], Target]
    stand_in: bytes = b""
    environment: bool = True
    package: str = ""
