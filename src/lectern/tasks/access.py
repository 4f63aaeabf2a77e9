"""Whose tasks a request is about: the id in its path has to be that of who asks, and is for nothing else."""

import hashlib
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Header, Path, Request

from lectern.errors import Forbidden, NotFound
from lectern.ports import Tasks
from lectern.principal import Principal
from lectern.tasks.assistant import Assistant
from lectern.web.access import SignedInDep
from lectern.web.deps import PortsDep
from lectern.web.streaming import Heartbeat

MOST_KEY_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class TaskConfig:
    """What the endpoints of tasks are configured with.

    Attributes:
        assistant: Manages tasks by what readers say; None where no tasks are kept.
        most_tasks: How many tasks one reader may have.
        max_message_characters: Longest message to the assistant.
        heartbeat: How silent streams are watched.
        counts_costs: Whether there are daily budgets.
    """

    assistant: Assistant | None
    most_tasks: int
    max_message_characters: int
    heartbeat: Heartbeat
    counts_costs: bool


async def _config(request: Request) -> TaskConfig:  # a plain function would be run in a thread
    config: TaskConfig = request.app.state.tasks
    return config


async def _owner(
    caller: SignedInDep, user_id: Annotated[str, Path(description="The reader's own id, as its session names it")]
) -> Principal:
    require_subject(caller.principal, user_id)
    return caller.principal


async def _tasks(ports: PortsDep) -> Tasks:
    if ports.tasks is None:
        raise NotFound("This service keeps no tasks.")
    return ports.tasks


async def _assistant(config: "ConfigDep") -> Assistant:
    if config.assistant is None:
        raise NotFound("This service keeps no tasks.")
    return config.assistant


def require_subject(principal: Principal, user_id: str) -> None:
    """Check that an id is the principal's; before anything is read, so that it does not show who else there is.

    Args:
        principal: Who asks, by its token or cookie.
        user_id: Whom the request says to be about.

    Raises:
        Forbidden: It is another's.
    """
    if user_id != principal.subject:
        raise Forbidden("These tasks belong to somebody else.")


def write_key(key: str | None) -> str | None:
    """Under what a write of a client's is remembered: beside those of the assistant, whatever the client calls it.

    Args:
        key: Its `Idempotency-Key`; None does it each time.
    """
    return f"rest:{hashlib.sha256(key.encode()).hexdigest()}" if key is not None else None


ConfigDep = Annotated[TaskConfig, Depends(_config)]
OwnerDep = Annotated[Principal, Depends(_owner)]
"""Who is signed in, whose id stands in the path; 401 for a visitor, 403 for another's id, before anything is read."""

TasksDep = Annotated[Tasks, Depends(_tasks)]
AssistantDep = Annotated[Assistant, Depends(_assistant)]
KeyDep = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=MOST_KEY_CHARACTERS,
        description="What is sent again with the same key is not done again, and answered the same",
    ),
]
