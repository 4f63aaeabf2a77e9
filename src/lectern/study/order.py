"""One request of the study API: what is written anew, and how that is told, as one object or as events."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from lectern.errors import InternalError, LecternError
from lectern.study.events import Done, Event, Failed, Section, Started
from lectern.study.rewriting import Purpose, Rewritten, SectionReady
from lectern.study.segments import CutText

logger = logging.getLogger(__name__)

Items = AsyncGenerator[SectionReady | Rewritten, None]


@dataclass(frozen=True, slots=True)
class Order:
    """What a request wants.

    Attributes:
        texts: What is written anew.
        body: Which of them is streamed, section by section.
        purpose: What for; None leaves them as they are.
        opening: The fields of `started`.
        answer: Makes the answer of what was written and how long it took, in milliseconds.
        content: The answer's field that the sections are.
        is_page: Whether the texts are a page's, so that many ask for them.
    """

    texts: Sequence[CutText]
    purpose: Purpose | None
    answer: Callable[[Rewritten, float], BaseModel]
    body: int = 0
    opening: Mapping[str, Any] = field(default_factory=dict)
    content: str = ""
    is_page: bool = False

    def finish(self, rewritten: Rewritten, began: float) -> BaseModel:
        """The answer.

        Args:
            rewritten: What was written.
            began: When the request came, by the performance counter.
        """
        return self.answer(rewritten, round((time.perf_counter() - began) * 1000, 1))


async def collect(order: Order, items: Items, *, began: float) -> BaseModel:
    """The whole answer.

    Raises:
        LecternError: Nothing of it could be had.
    """
    async with aclosing(items):
        async for item in items:
            if isinstance(item, Rewritten):
                return order.finish(item, began)
    raise InternalError


async def events(order: Order, items: Items, *, began: float, patience_seconds: float) -> AsyncGenerator[Event, None]:
    """The events of a stream; the work ends when this is closed.

    Args:
        order: What is written.
        items: Writes it. It runs in a task of its own: it may hold scopes open where this has to be left to be read.
        began: As in `Order.finish`.
        patience_seconds: A stream begins with its first section, but not later than this; then errors are events.

    Raises:
        LecternError: Nothing of it could be had, before the stream began.
    """
    news: asyncio.Queue[SectionReady | Rewritten | Exception] = asyncio.Queue()
    work = asyncio.create_task(_work(items, news))
    try:
        first: SectionReady | Rewritten | Exception | None = None
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_seconds):
                first = await news.get()
        if isinstance(first, Exception):
            raise first
        yield Started({**order.opening, "sections": order.texts[order.body].section_count})
        while True:
            item = first or await news.get()
            first = None
            if isinstance(item, SectionReady):
                if item.text == order.body:
                    of = order.texts[order.body].section_count
                    yield Section(item.section, of, item.markdown, item.done, item.total)
                continue
            yield _last(order, item, began)
            return
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


async def _work(items: Items, news: "asyncio.Queue[SectionReady | Rewritten | Exception]") -> None:
    try:
        async with aclosing(items):
            async for item in items:
                news.put_nowait(item)
    except Exception as error:  # noqa: BLE001 - whoever reads the news raises or tells it
        news.put_nowait(error)
    else:
        news.put_nowait(InternalError())  # nobody reads it where the work was told to be done


def _last(order: Order, item: Rewritten | Exception, began: float) -> Event:
    """The event that ends a stream."""
    if isinstance(item, Rewritten):
        return Done(order.finish(item, began).model_dump(mode="json", exclude={order.content}))
    if isinstance(item, LecternError):
        return Failed.of(item)
    logger.error("A stream of study broke", exc_info=item)
    return Failed.of(InternalError())
