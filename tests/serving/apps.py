"""Small ASGI apps for the process tests. Each notes what happens to it, one line each, in the file `NOTES`."""

import asyncio
import atexit
import gc
import importlib
import os
import time
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from lectern.config import ConfigError
from lectern.serving import process


class Ring:
    """Holds itself, so only the collector can free it."""

    def __init__(self) -> None:
        self.itself = self


_ring_of_the_import = weakref.ref(Ring())


def note(what: str) -> None:
    """Append one line to `NOTES`; one short write, so that processes do not mix."""
    if "NOTES" in os.environ:
        with Path(os.environ["NOTES"]).open("a", encoding="utf-8") as notes:
            notes.write(f"{os.getpid()} {what}\n")


async def pid(request: Request) -> Response:
    """Answer with the worker's process id."""
    return PlainTextResponse(str(os.getpid()))


async def state(request: Request) -> Response:
    """Answer with what the process knows about itself."""
    setup = process.setup()
    return PlainTextResponse(
        f"worker={process.worker_number()} workers={process.plan().workers} frozen={gc.get_freeze_count()}"
        f" unsearched={_ring_of_the_import() is not None} draining={process.draining()}"
        f" address={setup.address if setup else None}"
    )


async def client(request: Request) -> Response:
    """Answer with the scheme and the address that the server takes for the reader's."""
    return PlainTextResponse(f"{request.url.scheme} {request.client.host if request.client else ''}")


async def block(request: Request) -> Response:
    """Block the event loop."""
    note("blocked")
    time.sleep(float(request.query_params["seconds"]))  # noqa: ASYNC251 - blocking the loop is the fault under test
    return PlainTextResponse("unblocked")


async def busy(request: Request) -> Response:
    """Make every round of the event loop a long one, `n` of them."""
    for _ in range(int(request.query_params["n"])):
        note("round")
        time.sleep(0.05)  # noqa: ASYNC251 - as above
        await asyncio.sleep(0)
    return PlainTextResponse("idle")


async def stream(request: Request) -> Response:
    """Send `n` chunks, one every `every` seconds; with `polite`, finish at the last call."""
    count, every = int(request.query_params["n"]), float(request.query_params["every"])
    call = asyncio.create_task(process.wait_for_last_call()) if "polite" in request.query_params else None

    async def chunks() -> AsyncIterator[str]:
        try:
            for number in range(count):
                yield f"chunk {number}\n"
                if call is None:
                    await asyncio.sleep(every)
                elif (await asyncio.wait({call}, timeout=every))[0]:
                    yield "last words\n"
                    return
            yield "end\n"
        except asyncio.CancelledError:
            note("cancelled")
            raise
        finally:
            with anyio.CancelScope(shield=True):
                await asyncio.sleep(0.05)  # what saving a half answer takes
            note("finally")

    return StreamingResponse(chunks(), media_type="text/plain", headers={"X-Pid": str(os.getpid())})


async def flood(request: Request) -> Response:
    """Send more than a client that does not read can take."""

    async def chunks() -> AsyncIterator[bytes]:
        for number in range(1000):
            yield b"x" * 1_000_000
            if number == 0:
                note("flooding")

    return StreamingResponse(chunks())


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Start, unless the file `DOWN` exists; then stop."""
    if _down():
        note("startup failed")
        raise RuntimeError("a part is down")
    atexit.register(note, "atexit")
    note("startup")
    if "SLOW_STARTUP" in os.environ:
        await asyncio.sleep(float(os.environ["SLOW_STARTUP"]))
        note("started")
    yield
    note("shutdown")
    if "SLOW_SHUTDOWN" in os.environ:
        await asyncio.sleep(60)


def make() -> Starlette:
    """Build the app."""
    views = (pid, state, client, block, busy, stream, flood)
    app = Starlette(routes=[Route(f"/{view.__name__}", view) for view in views], lifespan=lifespan)
    app.state.after_fork = lambda: note(f"after_fork {_running_loop()}")
    return app


def _down() -> bool:
    return Path(os.environ.get("DOWN", "/nonexistent")).exists()


def _running_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def slow_to_import() -> Starlette:
    """Take a while, as an app with many imports does."""
    time.sleep(2)
    return two_lines


def misconfigured() -> Starlette:
    """Refuse the settings, as Lectern does."""
    raise ConfigError("COLOUR held 'loud'.")


def defective() -> Starlette:
    """Fail as a program with a defect does."""
    importlib.import_module("tests.no_such_module")
    return app


app = make()
two_lines = Starlette(routes=[Route("/pid", pid)])
