"""OpenAI's API, the site being the model: `POST /v1/chat/completions`, `POST /v1/responses`, `GET /v1/models`."""

import time
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from lectern.chat.deps import ChatConfig, ConfigDep, KeyDep
from lectern.chat.draft import Question
from lectern.chat.following import Following
from lectern.chat.streaming import stream
from lectern.chat.whole import Answer, collect_begun
from lectern.errors import (
    ConversationNotFound,
    Forbidden,
    IdempotencyMismatch,
    LecternError,
    ModelNotFound,
    ShuttingDown,
    TooManyFollowers,
    TurnLost,
    TurnNotFound,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from lectern.formats import openai_chat, openai_responses, sse
from lectern.formats.format import Encoder
from lectern.limits.budgets import payer_of
from lectern.openai_api.answers import ChatCompletion, ResponseBody
from lectern.openai_api.problems import OPENAI
from lectern.openai_api.reading import Asked, chain, models, read, site_of
from lectern.openai_api.schemas import ChatCompletionRequest, ModelBody, ModelList, ResponseRequest
from lectern.web.access import Caller, CallerDep
from lectern.web.deps import PortsDep
from lectern.web.openapi import problems
from lectern.web.rates import RATED
from lectern.web.reading import while_reading

router = APIRouter(prefix="/v1", tags=["openai"])

_ERRORS: Final[tuple[type[LecternError], ...]] = (
    *(IdempotencyMismatch, ModelNotFound, ShuttingDown, TooManyFollowers, TurnLost),
    *(UpstreamRejected, UpstreamTimeout, UpstreamUnavailable),
)
_PROBLEMS: Final = problems(*_ERRORS, shape=OPENAI)
_RESPONSE_PROBLEMS: Final = problems(*_ERRORS, ConversationNotFound, TurnNotFound, Forbidden, shape=OPENAI)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and what its request is answered with.

    Attributes:
        request: As it came.
        caller: Who it is.
        config: The chat API's.
        key: The request's `Idempotency-Key`.
        created: When it came, in seconds since 1970.
    """

    request: Request
    caller: Caller
    config: ChatConfig
    key: str | None
    created: int

    @property
    def here(self) -> str:
        """The address at which this service was asked."""
        return str(self.request.base_url)

    def question(self, asked: Asked, site: str | None) -> Question:
        """What is asked, by whom."""
        caller = self.caller
        counts_costs = self.config.budgets is not None
        return Question(
            text=asked.text,
            site=site,
            principal=caller.principal,
            trouble=caller.trouble,
            payer=payer_of(caller.principal, address=caller.address, is_new=caller.is_new) if counts_costs else None,
            history=asked.history,
            instructions=asked.instructions,
        )

    async def collected(self, question: Question) -> Answer:
        """The whole answer."""
        return await while_reading(self.request, collect_begun(self._begin(question)))

    async def streamed(self, question: Question, encoder: Encoder) -> Response:
        """The answer while it is made. Errors before its first event are still answers with their own status."""
        following = await while_reading(self.request, self._begin(question))
        return stream(following, encoder, self.config.heartbeat, media_type=sse.MEDIA_TYPE)

    def _begin(self, question: Question) -> Awaitable[Following]:
        return self.config.turns.begin(question, key=self.key, address=self.caller.address)


async def _asker(request: Request, caller: CallerDep, config: ConfigDep, key: KeyDep = None) -> Asker:
    return Asker(request, caller, config, key, int(time.time()))


AskerDep = Annotated[Asker, Depends(_asker)]


def _answered(media: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {sse.MEDIA_TYPE: media}, "description": "The answer, or its stream"}}


@router.post(
    "/chat/completions",
    dependencies=[RATED],
    response_model=ChatCompletion,
    response_model_exclude_unset=True,
    responses=_answered(openai_chat.MEDIA) | _PROBLEMS,
)
async def create_chat_completion(
    body: ChatCompletionRequest, asker: AskerDep, ports: PortsDep
) -> Response | dict[str, Any]:
    """Answer the last question of a conversation, which its client sends along: one object, or its chunks."""
    asked = read(body.messages, field="messages", most_characters=asker.config.max_message_characters)
    question = asker.question(asked, await site_of(body.model, ports.index))
    if not body.stream:
        answer = await asker.collected(question)
        return openai_chat.chat_completion(answer, model=body.model, created=asker.created, here=asker.here)
    encoder = openai_chat.ChatCompletionEncoder(
        model=body.model, created=asker.created, here=asker.here, include_usage=body.include_usage
    )
    return await asker.streamed(question, encoder)


@router.post(
    "/responses",
    dependencies=[RATED],
    response_model=ResponseBody,
    response_model_exclude_unset=True,
    responses=_answered(openai_responses.MEDIA) | _RESPONSE_PROBLEMS,
)
async def create_response(body: ResponseRequest, asker: AskerDep, ports: PortsDep) -> Response | dict[str, Any]:
    """Answer a question, going on from an earlier response when one is named: one object, or its events."""
    config = asker.config
    asked = read(
        body.input, field="input", most_characters=config.max_message_characters, instructions=body.instructions
    )
    question = asker.question(asked, await site_of(body.model, ports.index))
    if (previous := body.previous_response_id) is not None:
        conversation_id, earlier = await chain(
            previous, ports.store, principal_id=asker.caller.principal.id, most_turns=config.knobs.history_turns
        )
        question = replace(question, conversation_id=conversation_id, history=[*earlier, *asked.history])
    head = openai_responses.ResponseHead(
        model=body.model,
        created_at=asker.created,
        here=asker.here,
        instructions=body.instructions,
        previous_response_id=previous,
    )
    if body.stream:
        return await asker.streamed(question, openai_responses.ResponseEncoder(head))
    return openai_responses.response(await asker.collected(question), head)


@router.get("/models")
async def list_models(_caller: CallerDep, ports: PortsDep) -> ModelList:
    """List what may be asked: all sites together, and each by itself where there are several."""
    return ModelList(data=[ModelBody(id=name) for name in await models(ports.index)])


@router.get("/models/{model:path}", responses=problems(ModelNotFound, shape=OPENAI))
async def retrieve_model(model: str, _caller: CallerDep, ports: PortsDep) -> ModelBody:
    """Tell whether a model is there."""
    await site_of(model, ports.index)
    return ModelBody(id=model)
