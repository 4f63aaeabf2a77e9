"""`POST /chat` (JSON and SSE), `POST /search`, `DELETE /chat/sessions/{id}`."""

import logging
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from lectern.chat.deps import ChatConfig, ConfigDep, KeyDep, check_length
from lectern.chat.draft import Question
from lectern.chat.retrieval import retrieve
from lectern.chat.schemas import (
    ChatAnswer,
    ChatRequest,
    Deleted,
    SearchAnswer,
    SearchRequest,
    SearchResult,
)
from lectern.chat.streaming import stream
from lectern.chat.whole import collect_begun
from lectern.errors import (
    ConversationNotFound,
    Forbidden,
    IdempotencyMismatch,
    IndexUnavailable,
    LecternError,
    ShuttingDown,
    StoreUnavailable,
    TooManyFollowers,
    TurnLost,
    TurnRunning,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from lectern.events import Source
from lectern.formats import sse
from lectern.limits.budgets import payer_of
from lectern.web.access import Caller, CallerDep, CertainCallerDep
from lectern.web.deps import PortsDep
from lectern.web.openapi import problems
from lectern.web.rates import RATED
from lectern.web.reading import while_reading

logger = logging.getLogger(__name__)

router = APIRouter(tags=["chat"])

_SESSION_ID = "$response.body#/session_id"
"""Where OpenAPI finds the id with which an answer's conversation is deleted."""


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
            ConversationNotFound,
            Forbidden,
            IdempotencyMismatch,
            IndexUnavailable,
            ShuttingDown,
            StoreUnavailable,
            TooManyFollowers,
            TurnLost,
            TurnRunning,
            UpstreamRejected,
            UpstreamTimeout,
            UpstreamUnavailable,
        ),
    },
)
async def chat(
    body: ChatRequest, request: Request, caller: CallerDep, config: ConfigDep, key: KeyDep = None
) -> Response | ChatAnswer:
    """Answer a question from the site: one JSON object, or its events when the client takes an event stream."""
    begun = config.turns.begin(_question(body, caller, config), key=key, address=caller.address)
    if not (body.stream or sse.MEDIA_TYPE in request.headers.get("accept", "")):
        return ChatAnswer.of(await while_reading(request, collect_begun(begun)))
    # Errors before the first event are still answers with their own status.
    following = await while_reading(request, begun)
    return stream(following, sse.SseEncoder(), config.heartbeat, media_type=sse.MEDIA_TYPE)


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
