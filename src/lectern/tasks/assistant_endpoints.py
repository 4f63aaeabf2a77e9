"""`POST /api/{user_id}/chat` and `/api/conversation/clarify`: the assistant that manages a reader's tasks."""

from typing import get_args
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from lectern.errors import (
    ConversationNotFound,
    Forbidden,
    IdempotencyMismatch,
    InvalidRequest,
    ShuttingDown,
    TurnRunning,
    Unauthorized,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from lectern.formats import sse
from lectern.limits.budgets import payer_of
from lectern.principal import Principal
from lectern.tasks.access import AssistantDep, ConfigDep, KeyDep, OwnerDep, TaskConfig, require_subject
from lectern.tasks.assistant import TaskRequest
from lectern.tasks.assistant_schemas import EXTRACTED, NOBODY, ClarifyAnswer, ClarifyRequest, TaskAnswer, TaskMessage
from lectern.tasks.events import Event
from lectern.tasks.turns import collected, frames
from lectern.web.access import OPERATOR, CertainCallerDep
from lectern.web.openapi import problems
from lectern.web.rates import ASSISTANT_RATED
from lectern.web.reading import while_reading
from lectern.web.streaming import StreamingFrames

router = APIRouter(prefix="/api", tags=["tasks"], dependencies=[ASSISTANT_RATED])

_PROBLEMS = problems(
    ConversationNotFound,
    Forbidden,
    IdempotencyMismatch,
    ShuttingDown,
    TurnRunning,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
_EVENTS = sorted(kind.__dataclass_fields__["name"].default for kind in get_args(Event))


@router.post(
    "/{user_id}/chat",  # noqa: FAST003 - OwnerDep takes it
    response_model=TaskAnswer,
    responses={200: {"content": {sse.MEDIA_TYPE: sse.media(_EVENTS)}, "description": "The answer"}, **_PROBLEMS},
)
async def task_chat(
    body: TaskMessage,
    request: Request,
    owner: OwnerDep,
    *,
    assistant: AssistantDep,
    config: ConfigDep,
    key: KeyDep = None,
) -> Response | TaskAnswer:
    """Do what a reader asks with its tasks: one JSON object, or events when the client takes an event stream."""
    events = assistant.turn(_asked("message", body.message, body.conversation_id, owner=owner, config=config, key=key))
    if sse.MEDIA_TYPE not in request.headers.get("accept", ""):
        return TaskAnswer.of(await while_reading(request, collected(events)))
    # Errors before the first event are still answers with their own status.
    first = await while_reading(request, anext(events))
    return StreamingFrames(
        frames(first, events),
        media_type=sse.MEDIA_TYPE,
        cut=lambda: sse.last_frame(ShuttingDown()),
        heartbeat=config.heartbeat,
    )


@router.post("/conversation/clarify", responses={**_PROBLEMS, **problems(Unauthorized)})
async def clarify(
    body: ClarifyRequest,
    request: Request,
    caller: CertainCallerDep,
    *,
    assistant: AssistantDep,
    config: ConfigDep,
    key: KeyDep = None,
) -> ClarifyAnswer:
    """The same assistant, for front ends that call it so; who is not signed in is asked to."""
    user_id = body.context.user_id or EXTRACTED
    if user_id == NOBODY or (caller.principal.is_anonymous and user_id == EXTRACTED):
        return ClarifyAnswer.to_sign_in()
    if caller.principal.is_anonymous:
        raise Unauthorized
    if caller.principal == OPERATOR:
        raise Forbidden("This is for readers who are signed in; the operator has nothing of its own.")
    if user_id != EXTRACTED:
        require_subject(caller.principal, user_id)
    conversation_id = body.context.conversation_id
    asked = _asked("input", body.input, conversation_id, owner=caller.principal, config=config, key=key)
    return ClarifyAnswer.of(await while_reading(request, collected(assistant.turn(asked))))


def _asked(
    field: str, text: str, conversation_id: UUID | None, *, owner: Principal, config: TaskConfig, key: str | None
) -> TaskRequest:
    longest = config.max_message_characters
    if len(text) > longest:
        message = f"{field}: must have at most {longest:,} characters"
        raise InvalidRequest(message, fields=((field, message),))
    return TaskRequest(
        text=text,
        principal=owner,
        conversation_id=str(conversation_id) if conversation_id else None,
        key=key,
        payer=payer_of(owner) if config.counts_costs else None,
    )
