"""The floor to compare with: FastAPI and AsyncOpenAI, nothing else. One worker.

`POST /chat` `{message, stream?, retrieve?}` relays the model's answer, as frames or as one object; with `retrieve` it
makes one embedding call and one search over 1,000 vectors before, as a retrieval service must.

    python -m loadtests.baseline_relay --port 9100        # --port 0 takes a free one; the first line is the address
"""

import argparse
import json
import os
import socket
from collections.abc import AsyncGenerator
from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from openai import AsyncOpenAI
from pydantic import BaseModel

app = FastAPI()
_client = AsyncOpenAI(max_retries=0)  # address and key from the environment
_vectors = np.random.default_rng(1).standard_normal((1000, 256)).astype(np.float32)


class Question(BaseModel):
    """What is asked."""

    message: str
    stream: bool = True
    retrieve: bool = False


@app.post("/chat", response_model=None)
async def chat(question: Question) -> StreamingResponse | dict[str, Any]:
    """Relay an answer."""
    if question.retrieve:
        found = await _client.embeddings.create(model="stub-embed", input=question.message)
        scores = _vectors @ np.asarray(found.data[0].embedding, dtype=np.float32)
        np.argpartition(-scores, 5)[:5].tolist()
    messages: Any = [{"role": "user", "content": question.message}]
    model = os.environ["OPENAI_MODEL"]
    if not question.stream:
        whole = await _client.chat.completions.create(model=model, messages=messages)
        return {"message": whole.choices[0].message.content}
    return StreamingResponse(_frames(model, messages), media_type="text/event-stream")


@app.get("/health")
async def health() -> dict[str, str]:
    """Be there."""
    return {"status": "healthy"}


async def _frames(model: str, messages: Any) -> AsyncGenerator[str, None]:  # noqa: ANN401 - the SDK's own type is private
    async with await _client.chat.completions.create(model=model, messages=messages, stream=True) as chunks:
        async for chunk in chunks:
            if chunk.choices and chunk.choices[0].delta.content:
                yield f"event: delta\ndata: {json.dumps({'text': chunk.choices[0].delta.content})}\n\n"
    yield "event: done\ndata: {}\n\n"


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=9100)
    listener = socket.create_server(("127.0.0.1", parser.parse_args().port), backlog=2048)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(app, loop="uvloop", http="httptools", access_log=False, log_level="warning")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
