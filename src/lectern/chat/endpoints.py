"""`POST /chat` (JSON and SSE), `POST /search`, `DELETE /chat/sessions/{id}`."""

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from lectern.chat.draft import Question
from lectern.chat.pipeline import Knobs, answer
from lectern.chat.retrieval import retrieve
from lectern.chat.schemas import (
    ChatAnswer,
    ChatMetadata,
    ChatRequest,
    Deleted,
    SearchAnswer,
    SearchRequest,
    SearchResult,
)
from lectern.errors import (
    ConversationNotFound,
    Forbidden,
    InvalidRequest,
    LecternError,
    ShuttingDown,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
    error_of,
)
from lectern.events import Degraded, Delta, Done, Event, Failed, Source, Sources, Started
from lectern.formats import sse
from lectern.formats.sources import source_body
from lectern.limits.budgets import Budgets, payer_of
from lectern.web.access import Caller, CallerDep, CertainCallerDep
from lectern.web.deps import PortsDep
from lectern.web.openapi import problems
from lectern.web.rates import RATED
from lectern.web.reading import while_reading
from lectern.web.streaming import Heartbeat, StreamingFrames

logger = logging.getLogger(__name__)

router = APIRouter(tags=["chat"])

_SESSION_ID = "$response.body#/session_id"
"""Where OpenAPI finds the id with which an answer's conversation is deleted."""


@dataclass(frozen=True, slots=True)
class ChatConfig:
    """What the chat API is configured with.

    Attributes:
        knobs: The pipeline's.
        max_message_characters: Longest question, and longest highlighted text.
        heartbeat: How silent streams are watched.
        budgets: What may be spent a day; None means that nothing is counted.
    """

    knobs: Knobs
    max_message_characters: int
    heartbeat: Heartbeat
    budgets: Budgets | None = None


async def _config(request: Request) -> ChatConfig:  # a plain function would be run in a thread
    config: ChatConfig = request.app.state.chat
    return config


ConfigDep = Annotated[ChatConfig, Depends(_config)]


@router.post(
    "/chat",
    dependencies=[RATED],
    response_model=ChatAnswer,
    responses={
        200: {
            "content": {sse.MEDIA_TYPE: sse.MEDIA},
            "description": "The answer",
            "links": {"delete": {"operationId": "delete_session", "parameters": {"session_id": _SESSION_ID}}},
        },
        **problems(
            ConversationNotFound, Forbidden, ShuttingDown, UpstreamRejected, UpstreamTimeout, UpstreamUnavailable
        ),
    },
)
async def chat(
    body: ChatRequest, request: Request, caller: CallerDep, ports: PortsDep, config: ConfigDep
) -> Response | ChatAnswer:
    """Answer a question from the site: one JSON object, or its events when the client takes an event stream."""
    question = _question(body, caller, config)
    events = answer(question, ports, config.knobs, config.budgets)
    if not (body.stream or sse.MEDIA_TYPE in request.headers.get("accept", "")):
        return await while_reading(request, collect(events))
    # Errors before the first event are still answers with their own status.
    first = await while_reading(request, anext(events))
    return StreamingFrames(
        _frames(first, events),
        media_type=sse.MEDIA_TYPE,
        cut_frame=sse.last_frame(ShuttingDown()),
        heartbeat=config.heartbeat,
    )


@router.post("/search", dependencies=[RATED])
async def search(body: SearchRequest, ports: PortsDep, config: ConfigDep) -> SearchAnswer:
    """Find the sections that match, without an answer."""
    check_length("query", body.query, config)
    hits = await retrieve(body.query, ports, limit=body.top_k, site=body.site, trouble=_unsaid)
    return SearchAnswer(
        query=body.query,
        results=[
            SearchResult(
                chunk_id=source.id,
                title=source.title,
                slug=source.slug,
                snippet=source.quote,
                score=source.score,
                heading_path=list(source.heading_path),
                href=source.href,
            )
            for source in map(Source.of, hits.passages)
        ],
    )


@router.delete(
    "/chat/sessions/{session_id}", operation_id="delete_session", responses=problems(ConversationNotFound, Forbidden)
)
async def delete_session(session_id: UUID, caller: CertainCallerDep, ports: PortsDep) -> Deleted:
    """Delete a conversation and all its turns."""
    await ports.store.delete_conversation(str(session_id), principal_id=caller.principal.id)
    return Deleted(session_id=session_id)


def check_length(field: str, text: str, config: ChatConfig) -> None:
    """Refuse a text that is longer than a question may be.

    Raises:
        InvalidRequest: It is.
    """
    longest = config.max_message_characters
    if len(text) > longest:
        message = f"{field}: must have at most {longest} characters"
        raise InvalidRequest(message, fields=((field, message),))


def _question(body: ChatRequest, caller: Caller, config: ChatConfig) -> Question:
    check_length("message", body.message, config)
    check_length("context", body.context or "", config)
    return Question(
        text=body.message,
        context=body.context or "",
        conversation_id=str(body.session_id) if body.session_id else None,
        site=body.site or None,
        principal=caller.principal,
        trouble=caller.trouble,
        payer=payer_of(caller.principal, address=caller.address, is_new=caller.is_new) if config.budgets else None,
    )


def _unsaid(part: str, error: LecternError) -> None:
    """A search has no place to say what it went without; the log has."""
    logger.warning("search without %s: %s", part, error.code)


async def _frames(first: Event, rest: AsyncGenerator[Event, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(rest):
        number = 1
        yield sse.frame(number, first)
        async for event in rest:
            number += 1
            yield sse.frame(number, event)


async def collect(events: AsyncGenerator[Event, None]) -> ChatAnswer:
    """The whole turn as one object.

    Raises:
        LecternError: The turn failed; the error of its `failed` event.
    """
    text: list[str] = []
    degraded: dict[str, str] = {}
    async with aclosing(events):
        async for event in events:
            match event:
                case Started():
                    started = event
                case Sources(sources=sources):
                    shown = [source_body(source.json()) for source in sources]
                case Delta():
                    text.append(event.text)
                case Degraded():
                    degraded[event.part] = event.reason
                case Failed():
                    raise error_of(event.code, event.message)
                case Done():
                    done = event
    joined = "".join(text)
    return ChatAnswer(
        session_id=UUID(started.conversation_id),
        turn_id=UUID(started.turn_id),
        message=joined,
        response=joined,
        sources=shown,
        metadata=ChatMetadata(
            response_time_ms=done.timings["total"],
            tokens_used=sum(done.usage.values()),
            context_chunks=len(shown),
            outcome=done.outcome,
            finish=done.finish,
            degraded=degraded,
        ),
    )
