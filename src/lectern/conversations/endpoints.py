"""`/api/chat/…`: a signed-in reader's kept conversations: list, read, name, export, delete."""

from collections.abc import Callable
from typing import Annotated, Final

import anyio.to_thread
from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel

from lectern.conversations.export import exported
from lectern.conversations.schemas import (
    Export,
    ExportFormat,
    NewSession,
    NewTitle,
    Notice,
    Session,
    SessionList,
    SessionMessages,
)
from lectern.errors import ConversationNotFound, NotFound
from lectern.ports import Conversations
from lectern.web.access import SignedInDep
from lectern.web.deps import PortsDep
from lectern.web.openapi import problems

MOST_TURNS: Final = 200
"""Turns that are read at once: 400 messages, more than a chat panel shows."""

MOST_EXPORTED_TURNS: Final = 500
"""Turns in a file: 2 MB when answers are of 200 words."""

MOST_OFFSET: Final = 100_000
"""How far a list may be leafed through; the database steps over what comes before."""


async def _conversations(ports: PortsDep) -> Conversations:
    if ports.conversations is None:
        raise NotFound("This service keeps no conversations to list.")
    return ports.conversations


ConversationsDep = Annotated[Conversations, Depends(_conversations)]
SessionId = Annotated[str, Path(description="The conversation's id", json_schema_extra={"format": "uuid"})]
Offset = Annotated[int, Query(ge=0, le=MOST_OFFSET)]

router = APIRouter(prefix="/api/chat", tags=["conversations"])


@router.get("/sessions")
async def list_sessions(
    caller: SignedInDep,
    conversations: ConversationsDep,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    offset: Offset = 0,
) -> SessionList:
    """The reader's conversations, the last used first."""
    owned = await conversations.owned_by(caller.principal.id, limit=limit, offset=offset)
    return SessionList(sessions=[Session.of(conversation, caller.principal) for conversation in owned])


@router.post("/sessions")
async def create_session(
    caller: SignedInDep, conversations: ConversationsDep, body: NewSession | None = None
) -> Session:
    """Begin a conversation."""
    title = (body.title if body else None) or ""
    return Session.of(await conversations.start(caller.principal.id, title), caller.principal)


@router.get("/sessions/{session_id}", response_model=SessionMessages, responses=problems(ConversationNotFound))
async def read_session(
    session_id: SessionId,
    caller: SignedInDep,
    conversations: ConversationsDep,
    limit: Annotated[int, Query(ge=1, le=MOST_TURNS, description="Most turns, of two messages each")] = MOST_TURNS,
    offset: Offset = 0,
) -> Response:
    """A conversation with its last messages; `offset` leaves the last turns out, to read what came before."""
    conversation, turns = await conversations.read(
        session_id, principal_id=caller.principal.id, limit=limit, offset=offset
    )
    return await _written(lambda: SessionMessages.of(conversation, turns, caller.principal, offset))


@router.delete("/sessions/{session_id}", responses=problems(ConversationNotFound))
async def delete_session(session_id: SessionId, caller: SignedInDep, ports: PortsDep) -> Notice:
    """Delete a conversation and all its turns."""
    await ports.store.delete_conversation(session_id, principal_id=caller.principal.id)
    return Notice(message="The conversation was deleted.")


@router.get("/sessions/{session_id}/export", response_model=Export, responses=problems(ConversationNotFound))
async def export_session(
    session_id: SessionId,
    caller: SignedInDep,
    conversations: ConversationsDep,
    format: ExportFormat = "text",  # noqa: A002 - the API's name
) -> Response:
    """A conversation as a file's content."""
    conversation, turns = await conversations.read(
        session_id, principal_id=caller.principal.id, limit=MOST_EXPORTED_TURNS
    )
    return await _written(lambda: exported(conversation, turns, caller.principal, format))


@router.patch("/sessions/{session_id}/title", responses=problems(ConversationNotFound))
async def rename_session(
    session_id: SessionId, body: NewTitle, caller: SignedInDep, conversations: ConversationsDep
) -> Notice:
    """Give a conversation another title."""
    await conversations.rename(session_id, body.title, principal_id=caller.principal.id)
    return Notice(message="The title was changed.")


@router.delete("/history")
async def delete_history(caller: SignedInDep, ports: PortsDep) -> Notice:
    """Delete all of the reader's conversations."""
    deleted = await ports.store.delete_conversations_of(caller.principal.id)
    return Notice(message=f"{deleted} {'conversation was' if deleted == 1 else 'conversations were'} deleted.")


async def _written(make: Callable[[], BaseModel]) -> Response:
    """A body of megabytes, made and written in a thread: the loop has streams to send meanwhile."""
    content = await anyio.to_thread.run_sync(lambda: make().model_dump_json().encode())
    return Response(content, media_type="application/json")
