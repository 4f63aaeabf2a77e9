"""`POST /chat` (JSON and SSE), its turns' streams, `POST /search`, `DELETE /chat/sessions/{id}`."""

import logging
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import Response

from lectern.chat.draft import Question
from lectern.chat.pipeline import Knobs
from lectern.chat.retrieval import retrieve
from lectern.chat.schemas import (
    ChatAnswer,
    ChatRequest,
    Deleted,
    SearchAnswer,
    SearchRequest,
    SearchResult,
    Stopped,
)
from lectern.chat.streaming import stream
from lectern.chat.turns import Turns
from lectern.chat.whole import collect_begun
from lectern.errors import (
    ConversationNotFound,
    Forbidden,
    IdempotencyMismatch,
    IndexUnavailable,
    InvalidRequest,
    LecternError,
    ShuttingDown,
    StoreUnavailable,
    TooManyFollowers,
    TurnLost,
    TurnNotFound,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from lectern.events import Source
from lectern.formats import sse
from lectern.limits.budgets import Budgets, payer_of
from lectern.web.access import Caller, CallerDep, CertainCallerDep
from lectern.web.deps import PortsDep
from lectern.web.openapi import problems
from lectern.web.rates import RATED
from lectern.web.reading import while_reading
from lectern.web.streaming import Heartbeat

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
        turns: The live turns of this worker.
        budgets: What may be spent a day; None means that nothing is counted.
    """

    knobs: Knobs
    max_message_characters: int
    heartbeat: Heartbeat
    turns: Turns
    budgets: Budgets | None = None


async def _config(request: Request) -> ChatConfig:  # a plain function would be run in a thread
    config: ChatConfig = request.app.state.chat
    return config


ConfigDep = Annotated[ChatConfig, Depends(_config)]

KeyDep = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=200,
        pattern=r"^[!-~]([ -~]*[!-~])?$",
        description="What is sent again with the same key is not asked again, and answered the same",
    ),
]
PositionDep = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        pattern="^[0-9]{1,15}$",
        description="The `id` of the last frame that came; left out, the stream begins at its beginning",
    ),
]

_STREAM: Final[dict[int | str, dict[str, object]]] = {
    200: {"content": {sse.MEDIA_TYPE: sse.MEDIA}, "description": "The answer"}
}


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


@router.get(
    "/chat/turns/{turn_id}/stream",
    dependencies=[RATED],
    response_class=Response,
    responses=_STREAM | problems(TurnNotFound, TooManyFollowers, ShuttingDown, StoreUnavailable, TurnLost),
)
async def follow_turn(
    turn_id: UUID, request: Request, caller: CertainCallerDep, config: ConfigDep, position: PositionDep = None
) -> Response:
    """Go on with a turn's events where a stream broke off, while it is under way and when it is over."""
    follow = config.turns.follow(str(turn_id), caller.principal, position=int(position or 0))
    following = await while_reading(request, follow)
    return stream(following, sse.SseEncoder(), config.heartbeat, media_type=sse.MEDIA_TYPE)


@router.delete("/chat/turns/{turn_id}", responses=problems(TurnNotFound, StoreUnavailable))
async def stop_turn(turn_id: UUID, caller: CertainCallerDep, config: ConfigDep) -> Stopped:
    """Stop a turn that is under way, whoever follows it; what was said is kept."""
    await config.turns.stop(str(turn_id), caller.principal)
    return Stopped(turn_id=turn_id)


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
