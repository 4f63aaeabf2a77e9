"""The Vercel AI SDK's chat: `POST /api/chat`, and `GET` and `DELETE /api/chat/{id}/stream`."""

from contextlib import suppress
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.responses import Response

from lectern.ai_sdk.problems import AI_SDK
from lectern.ai_sdk.reading import Asked, read, read_again
from lectern.ai_sdk.schemas import ChatBody
from lectern.chat.chat_ids import LONGEST, ChatIds
from lectern.chat.deps import ChatConfig, ConfigDep, KeyDep, check_length
from lectern.chat.draft import Question
from lectern.chat.following import Following
from lectern.chat.streaming import stream
from lectern.chat.turns import Turns
from lectern.errors import (
    ConversationNotFound,
    Forbidden,
    IdempotencyMismatch,
    ShuttingDown,
    TooManyFollowers,
    TurnLost,
    TurnNotFound,
    TurnRunning,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from lectern.formats import ai_sdk, sse
from lectern.formats.ai_sdk import AiSdkEncoder, version_of
from lectern.limits.budgets import payer_of
from lectern.web.access import Caller, CallerDep, CertainCallerDep
from lectern.web.deps import PortsDep
from lectern.web.openapi import problems
from lectern.web.rates import RATED
from lectern.web.reading import while_reading

_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {sse.MEDIA_TYPE: ai_sdk.MEDIA}, "description": "The answer's parts"}
}
_NOTHING: Final[dict[int | str, dict[str, Any]]] = {204: {"description": "Nothing is under way"}}

router = APIRouter(prefix="/api/chat", tags=["ai-sdk"])


async def _ids(request: Request) -> ChatIds:
    ids: ChatIds = request.app.state.chat_ids
    return ids


async def _encoder(
    request: Request,
    version: Annotated[
        str | None,
        Header(
            alias="X-AI-SDK-Version",
            max_length=100,
            description="The client's version of `ai`, like `7` or `5.0.92`; left out, it gets what 5.0.0 knows",
        ),
    ] = None,
) -> AiSdkEncoder:
    return AiSdkEncoder(version_of(version), here=str(request.base_url))


IdsDep = Annotated[ChatIds, Depends(_ids)]
EncoderDep = Annotated[AiSdkEncoder, Depends(_encoder)]
ChatIdPath = Annotated[str, Path(min_length=1, max_length=LONGEST, description="The chat's id, as the client made it")]


@router.post(
    "",
    dependencies=[RATED],
    response_class=Response,
    responses=_STREAM
    | problems(
        *(ConversationNotFound, Forbidden, IdempotencyMismatch, ShuttingDown, TooManyFollowers, TurnLost, TurnNotFound),
        *(TurnRunning, UpstreamRejected, UpstreamTimeout, UpstreamUnavailable),
        shape=AI_SDK,
    ),
)
async def chat(
    body: ChatBody,
    request: Request,
    caller: CallerDep,
    ports: PortsDep,
    config: ConfigDep,
    *,
    ids: IdsDep,
    encoder: EncoderDep,
    key: KeyDep = None,
) -> Response:
    """Answer a chat's last question, as a UI message stream."""
    conversation_id = _conversation_of(body.id, caller, ids)
    check_length("context", body.context or "", config)
    longest = config.max_message_characters
    if body.messages is None and body.trigger == "regenerate-message" and conversation_id is not None:
        asked = await read_again(
            body,
            ports.store,
            conversation_id=conversation_id,
            principal_id=caller.principal.id,
            most_turns=config.knobs.history_turns,
            most_characters=longest,
        )
    else:
        asked = read(body, most_characters=longest)
    question = _question(
        asked, conversation_id, body.site or None, caller=caller, counts_costs=config.budgets is not None
    )
    # Errors before the first event are still answers with their own status.
    following = await while_reading(request, config.turns.begin(question, key=key, address=caller.address))
    return _streamed(following, encoder, config)


@router.get(
    "/{chat_id}/stream",
    dependencies=[RATED],
    response_class=Response,
    responses=_STREAM | _NOTHING | problems(TooManyFollowers, ShuttingDown, shape=AI_SDK),
)
async def resume_chat(
    chat_id: ChatIdPath,
    request: Request,
    caller: CertainCallerDep,
    config: ConfigDep,
    *,
    ids: IdsDep,
    encoder: EncoderDep,
    turn_id: Annotated[
        UUID | None, Query(description="The id of the answer's message: also replays one that is over meanwhile")
    ] = None,
) -> Response:
    """What is under way in a chat, from its first part; 204 when nothing is, also when it is another's."""
    finding = _under_way(chat_id, turn_id, caller, config.turns, ids)
    following = await while_reading(request, finding)
    return _streamed(following, encoder, config) if following else Response(status_code=204)


@router.delete(
    "/{chat_id}/stream",
    status_code=204,
    response_class=Response,
    responses=problems(TurnRunning, shape=AI_SDK),
)
async def stop_chat(chat_id: ChatIdPath, caller: CertainCallerDep, config: ConfigDep, ids: IdsDep) -> Response:
    """Stop what is under way in a chat, whoever follows it; what was said is kept. 204 when nothing is, too."""
    if conversation_id := _conversation_of(chat_id, caller, ids):
        with suppress(TurnNotFound):  # it has ended meanwhile
            await config.turns.stop_conversation(conversation_id, caller.principal)
    return Response(status_code=204)


def _conversation_of(chat_id: str | None, caller: Caller, ids: ChatIds) -> str | None:
    """The conversation of a chat; None for one that is not to be found again."""
    # Who shows no id of an earlier request may show none next time either.
    return ids.conversation_of(chat_id, None if caller.is_new else caller.principal) if chat_id else None


def _question(
    asked: Asked, conversation_id: str | None, site: str | None, *, caller: Caller, counts_costs: bool
) -> Question:
    return Question(
        text=asked.text,
        context=asked.context,
        conversation_id=conversation_id,
        site=site,
        principal=caller.principal,
        trouble=caller.trouble,
        payer=payer_of(caller.principal, address=caller.address, is_new=caller.is_new) if counts_costs else None,
        opens=conversation_id is not None,
        history=asked.history,
        instructions=asked.instructions,
    )


async def _under_way(
    chat_id: str, turn_id: UUID | None, caller: Caller, turns: Turns, ids: ChatIds
) -> Following | None:
    """The turn that is named, or else what is under way in a chat; None when there is none for this caller."""
    with suppress(TurnNotFound):
        if turn_id is not None:
            return await turns.follow(str(turn_id), caller.principal)
        if conversation_id := _conversation_of(chat_id, caller, ids):
            return await turns.follow_conversation(conversation_id, caller.principal)
    return None


def _streamed(following: Following, encoder: AiSdkEncoder, config: ChatConfig) -> Response:
    return stream(following, encoder, config.heartbeat, media_type=sse.MEDIA_TYPE, headers=ai_sdk.HEADERS)
