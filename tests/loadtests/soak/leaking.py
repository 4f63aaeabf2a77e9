"""A service that answers as Lectern does, and keeps something of each answer for ever.

python -m tests.loadtests.soak.leaking memory|descriptors|threads|nothing
"""

import os
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import uvicorn

KEPT: list[object] = []
_FRAMES = b'event: delta\ndata: {"text":"a"}\n\nevent: done\ndata: {}\n\n"href" "results"'


def _thread() -> threading.Thread:
    thread = threading.Thread(target=threading.Event().wait, daemon=True)
    thread.start()
    return thread


# Memory that was written to: pages that were only asked for are in nobody's set.
_LEAKS: dict[str, Callable[[], object]] = {
    "memory": lambda: bytearray(os.urandom(1) * 300_000),
    "descriptors": Path(os.devnull).open,
    "threads": _thread,
    "nothing": lambda: None,
}


class App:
    """The ASGI application."""

    def __init__(self, leak: Callable[[], object]) -> None:
        self._leak = leak

    async def __call__(
        self,
        _scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        """Answer, and leak."""
        await receive()
        KEPT.append(self._leak())
        headers = [(b"content-type", b"text/event-stream"), (b"content-length", b"%d" % len(_FRAMES))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": _FRAMES})


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    config = uvicorn.Config(App(_LEAKS[sys.argv[1]]), lifespan="off", log_level="warning")
    uvicorn.Server(config).run(sockets=[listener])
