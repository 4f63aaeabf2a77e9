"""`POST /translate`, `/adjust-content` and `/personalize`: pages and texts for other readers."""

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel

from lectern.errors import (
    BudgetSpent,
    ChapterNotFound,
    IndexUnavailable,
    LecternError,
    NoModel,
    ShuttingDown,
    UpstreamRejected,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from lectern.formats import sse
from lectern.limits.budgets import payer_of
from lectern.ports import Ports
from lectern.study.adaptations import batch_adaptation, personalization, text_adaptation
from lectern.study.desk import StudyDesk
from lectern.study.events import MEDIA, Event, frame
from lectern.study.order import Items, Order, collect, events
from lectern.study.profiles import Told
from lectern.study.schemas import (
    AdjustBatch,
    AdjustedBatch,
    AdjustedText,
    AdjustText,
    BatchTranslation,
    ChapterTranslation,
    Personalize,
    PersonalizedChapter,
    TextTranslation,
    TranslateBatch,
    TranslateChapter,
    TranslateRequest,
)
from lectern.study.translations import batch_translation, chapter_translation, text_translation
from lectern.web.access import Caller, CallerDep
from lectern.web.deps import PortsDep
from lectern.web.openapi import problems
from lectern.web.rates import RATED
from lectern.web.reading import while_reading
from lectern.web.streaming import Heartbeat, StreamingFrames

router = APIRouter(tags=["study"])


@dataclass(frozen=True, slots=True)
class StudyConfig:
    """What the study API is configured with.

    Attributes:
        desk: Does the work.
        heartbeat: How silent streams are watched.
        patience_seconds: When a stream begins, also without a section.
        counts_costs: Whether somebody has to pay.
    """

    desk: StudyDesk
    heartbeat: Heartbeat
    patience_seconds: float
    counts_costs: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and what it is answered with.

    Attributes:
        request: As it came.
        caller: Who asks.
        config: The API's.
        began: When it did, by the performance counter.
    """

    request: Request
    caller: Caller
    config: StudyConfig
    began: float


async def _asked(request: Request, caller: CallerDep) -> Asked:  # a plain function would be run in a thread
    return Asked(request, caller, request.app.state.study, time.perf_counter())


AskedDep = Annotated[Asked, Depends(_asked)]

_ERRORS: Final[tuple[type[LecternError], ...]] = (
    *(BudgetSpent, NoModel, ShuttingDown, UpstreamRejected, UpstreamTimeout, UpstreamUnavailable),
)
_STREAMED: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {sse.MEDIA_TYPE: MEDIA}, "description": "All of it, or section by section"}
}


@router.post(
    "/translate",
    dependencies=[RATED],
    response_model=ChapterTranslation | TextTranslation,
    responses=_STREAMED | problems(*_ERRORS, ChapterNotFound, IndexUnavailable),
)
async def translate(body: TranslateRequest, asked: AskedDep) -> Response | BaseModel:
    """Translate a page of the site, or a text: one JSON object, or its sections when an event stream is asked for."""
    if isinstance(body, TranslateChapter):
        order = await chapter_translation(body, asked.config.desk)
    else:
        order = await text_translation(body, asked.config.desk)
    return await _respond(order, asked, stream=body.stream)


@router.post(
    "/translate/batch",
    dependencies=[RATED],
    response_model=BatchTranslation,
    responses=problems(*_ERRORS),
)
async def translate_batch(body: TranslateBatch, asked: AskedDep) -> BaseModel:
    """Translate texts, each in the place of its original."""
    return await _collected(await batch_translation(body, asked.config.desk), asked)


@router.post(
    "/adjust-content",
    dependencies=[RATED],
    response_model=AdjustedText,
    responses=_STREAMED | problems(*_ERRORS),
)
async def adjust(body: AdjustText, asked: AskedDep) -> Response | BaseModel:
    """Adapt a text to a level: one JSON object, or its sections when an event stream is asked for."""
    order = await text_adaptation(body, asked.config.desk)
    return await _respond(order, asked, stream=body.stream)


@router.post("/adjust-content/batch", dependencies=[RATED], response_model=AdjustedBatch, responses=problems(*_ERRORS))
async def adjust_batch(body: AdjustBatch, asked: AskedDep) -> BaseModel:
    """Adapt texts to a level, each in the place of its original."""
    return await _collected(await batch_adaptation(body, asked.config.desk), asked)


@router.post(
    "/personalize",
    dependencies=[RATED],
    response_model=PersonalizedChapter,
    responses=_STREAMED | problems(*_ERRORS, ChapterNotFound, IndexUnavailable),
)
async def personalize(body: Personalize, asked: AskedDep, ports: PortsDep) -> Response | BaseModel:
    """Adapt a page of the site to its reader: one JSON object, or its sections when an event stream is asked for."""
    order = await personalization(body, await _told(body, asked.caller, ports), asked.config.desk)
    return await _respond(order, asked, stream=body.stream)


async def _told(body: Personalize, caller: Caller, ports: Ports) -> Mapping[str, Told | None]:
    """What the reader tells of itself here; else what is kept of one who is signed in.

    Raises:
        LecternError: It cannot be told now who is signed in.
    """
    if body.user_profile is not None:
        return body.user_profile.model_dump()
    if caller.trouble is not None:
        raise caller.trouble
    if ports.accounts is None or caller.principal.is_anonymous:
        return {}
    return await ports.accounts.profile(caller.principal.id)


async def _respond(order: Order, asked: Asked, *, stream: bool) -> Response | BaseModel:
    """One object; or events: the first is waited for, as errors before it are answers with their own status."""
    if not (stream or sse.MEDIA_TYPE in asked.request.headers.get("accept", "")):
        return await _collected(order, asked)
    config = asked.config
    told = events(order, _written(order, asked), began=asked.began, patience_seconds=config.patience_seconds)
    first = await while_reading(asked.request, anext(told))
    return StreamingFrames(
        _frames(first, told),
        media_type=sse.MEDIA_TYPE,
        cut=lambda: sse.last_frame(ShuttingDown()),
        heartbeat=config.heartbeat,
    )


async def _collected(order: Order, asked: Asked) -> BaseModel:
    return await while_reading(asked.request, collect(order, _written(order, asked), began=asked.began))


def _written(order: Order, asked: Asked) -> Items:
    caller, config = asked.caller, asked.config
    payer = payer_of(caller.principal, address=caller.address, is_new=caller.is_new) if config.counts_costs else None
    return config.desk.write(order.texts, order.purpose, payer=payer, is_page=order.is_page)


async def _frames(first: Event, rest: AsyncGenerator[Event, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(rest):
        number = 1
        yield frame(number, first)
        async for event in rest:
            number += 1
            yield frame(number, event)
