"""A ChatKit server on its SDK, as its guide builds one, with AsyncOpenAI for the answers. One worker.

The model is PEER_MODEL, the provider OPENAI_BASE_URL. Conversations are kept in memory, as in the guide: the SDK has
the interface of a store and none that lasts. It has no `/health` either, so this one adds the plainest.

    python server.py --port 0       # 0 takes a free one; the first line is the address
"""

# ruff: noqa: ANN401, D102 - the SDK declares and documents these methods; its types are not installed here

import argparse
import os
import socket
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import uvicorn
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError, Store
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    Page,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
)
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from openai import AsyncOpenAI

_HISTORY = 20


class MemoryStore(Store[None]):  # type: ignore[misc] # the SDK lives in an environment of its own
    """Threads and their items, for as long as the process lives."""

    def __init__(self) -> None:
        self._threads: dict[str, Any] = {}
        self._items: defaultdict[str, dict[str, Any]] = defaultdict(dict)

    async def load_thread(self, thread_id: str, context: None) -> Any:
        del context
        if thread_id not in self._threads:
            raise NotFoundError(thread_id)
        return self._threads[thread_id]

    async def save_thread(self, thread: Any, context: None) -> None:
        del context
        self._threads[thread.id] = thread

    async def load_thread_items(self, thread_id: str, after: str | None, limit: int, order: str, context: None) -> Any:
        del after, context
        items = list(self._items[thread_id].values())
        if order == "desc":
            items.reverse()
        return Page(data=items[:limit], has_more=len(items) > limit)

    async def add_thread_item(self, thread_id: str, item: Any, context: None) -> None:
        await self.save_item(thread_id, item, context)

    async def save_item(self, thread_id: str, item: Any, context: None) -> None:
        del context
        self._items[thread_id][item.id] = item

    async def load_item(self, thread_id: str, item_id: str, context: None) -> Any:
        del context
        return self._items[thread_id][item_id]

    async def delete_thread_item(self, thread_id: str, item_id: str, context: None) -> None:
        del context
        self._items[thread_id].pop(item_id, None)

    async def delete_thread(self, thread_id: str, context: None) -> None:
        del context
        self._threads.pop(thread_id, None)
        self._items.pop(thread_id, None)

    async def load_threads(self, limit: int, after: str | None, order: str, context: None) -> Any:
        del after, order, context
        return Page(data=list(self._threads.values())[:limit])

    async def save_attachment(self, attachment: Any, context: None) -> None:
        raise NotImplementedError

    async def load_attachment(self, attachment_id: str, context: None) -> Any:
        raise NotImplementedError

    async def delete_attachment(self, attachment_id: str, context: None) -> None:
        raise NotImplementedError


class Server(ChatKitServer[None]):  # type: ignore[misc] # the same
    """Answers with what the model streams."""

    def __init__(self) -> None:
        super().__init__(MemoryStore())
        self._client = AsyncOpenAI()
        self._model = os.environ["PEER_MODEL"]

    async def respond(self, thread: Any, input_user_message: Any, context: None) -> AsyncIterator[Any]:
        """One assistant message, its text as it comes."""
        del input_user_message
        page = await self.store.load_thread_items(thread.id, None, _HISTORY, "desc", context)
        messages: Any = [_message(item) for item in reversed(page.data)]
        name, now = self.store.generate_item_id("message", thread, context), datetime.now(UTC)
        empty = AssistantMessageItem(id=name, thread_id=thread.id, created_at=now, content=[])
        text = ""
        chunks = await self._client.chat.completions.create(model=self._model, messages=messages, stream=True)
        yield ThreadItemAddedEvent(item=empty)
        opened = AssistantMessageContentPartAdded(content_index=0, content=AssistantMessageContent(text=""))
        yield ThreadItemUpdatedEvent(item_id=name, update=opened)
        async with chunks:
            async for chunk in chunks:
                if chunk.choices and (delta := chunk.choices[0].delta.content):
                    text += delta
                    part = AssistantMessageContentPartTextDelta(content_index=0, delta=delta)
                    yield ThreadItemUpdatedEvent(item_id=name, update=part)
        content = AssistantMessageContent(text=text)
        closed = AssistantMessageContentPartDone(content_index=0, content=content)
        yield ThreadItemUpdatedEvent(item_id=name, update=closed)
        yield ThreadItemDoneEvent(item=empty.model_copy(update={"content": [content]}))


def _message(item: Any) -> dict[str, str]:
    """An item of a thread in the shape of OpenAI's messages."""
    role = "user" if item.type == "user_message" else "assistant"
    return {"role": role, "content": "".join(part.text for part in item.content)}


app = FastAPI()
_server = Server()


@app.post("/chatkit", response_model=None)
async def chatkit(request: Request) -> Response:
    """The one address of ChatKit's protocol."""
    result = await _server.process(await request.body(), None)
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream")
    return Response(content=result.json, media_type="application/json")


@app.get("/health")
async def health() -> dict[str, str]:
    """Be there."""
    return {"status": "healthy"}


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=9200)
    listener = socket.create_server(("127.0.0.1", parser.parse_args().port), backlog=2048)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(app, access_log=False, log_level="warning")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
