"""From a worker's start to its end: prepare, serve, warm up, report, refresh; then close what was opened."""

import asyncio
import logging
import logging.config
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI

import lectern
from lectern.config import Settings
from lectern.errors import LecternError
from lectern.lifecycle.preparation import prepare
from lectern.lifecycle.refreshing import refresh
from lectern.ops import logs
from lectern.ops.report import BootReport
from lectern.ports import Ports
from lectern.serving import process

logger = logging.getLogger("lectern")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
    """What the app runs in.

    Reads `app.state.settings`, `ports`, `readiness`, and `owns_data`: whether what is missing may be made.
    """
    settings: Settings = app.state.settings
    ports: Ports = app.state.ports
    log_format = logs.choose_format(settings.log_format)
    logging.config.dictConfig(logs.dict_config(settings.log_level, log_format))
    if process.setup() is None:  # a host that is not ours says itself where it listens
        logging.getLogger("uvicorn.error").setLevel(settings.log_level.upper())
    process.startup().mark("imports")  # under a host that is not ours nobody has noted it
    if app.state.owns_data:
        await prepare(settings)
    process.startup().mark("prepared")
    background = asyncio.create_task(_follow_up(app))
    try:
        yield
    finally:
        background.cancel()
        await asyncio.wait({background})
        parts = (ports.llm, *ports.fallback_llms, ports.reranker, ports.embeddings, ports.index, *ports.identities)
        for part in (*parts, ports.store):
            if part is not None:
                await part.close()


async def _follow_up(app: FastAPI) -> None:
    """What nobody waits for."""
    settings: Settings = app.state.settings
    ports: Ports = app.state.ports
    await _warm_up(ports)
    process.startup().mark("warm")
    app.state.readiness.warm = True
    if process.worker_number() == 1:
        _announce(settings, ports)
    if app.state.owns_data:
        try:
            await refresh(settings, ports.embeddings.model if ports.embeddings else None)
        except Exception:  # nothing that is done in the background may go unseen, or end the worker
            logger.exception("The index could not be refreshed")


async def _warm_up(ports: Ports) -> None:
    """Make the first request as fast as the second; what fails here is tried again by the request that needs it."""
    models = (ports.llm, *ports.fallback_llms, ports.embeddings, ports.reranker)
    for part in (*ports.identities, ports.index, ports.store, *models):
        if part is not None:
            try:
                await part.warm()
            except LecternError as error:  # the adapter has logged its cause
                logger.warning("%s is not ready yet: %s", part.describe().name, error.code)
            except Exception:  # nothing a part raises may end the worker
                logger.exception("%s could not be warmed up", part.describe().name)


def _address(settings: Settings) -> str:
    """Where a person opens it: the Space's own host, or what the server is bound to."""
    if settings.space_host:
        return f"https://{settings.space_host[0]}"
    setup = process.setup()
    if setup is None:
        return f"http://localhost:{settings.port}"
    return re.sub(r"//(0\.0\.0\.0|\[::\])", "//localhost", setup.address)


def _lexical_only(settings: Settings, ports: Ports) -> list[tuple[str, str]]:
    """That nobody makes vectors, as a missing setting, unless that was chosen."""
    if ports.embeddings is not None or settings.embedder == "none":
        return []
    note = "retrieval is by words only: the local model's weights are not here; ./entrypoint.sh ingest fetches them"
    return [("EMBEDDING_MODEL", note)]


def _announce(settings: Settings, ports: Ports) -> None:
    misspelt = [str(misspelling) for misspelling in settings.misspellings()]
    report = BootReport(
        address=_address(settings),
        version=lectern.__version__,
        plan=process.plan().sentences,
        parts=ports.parts(),
        missing=[*settings.missing_for_production(), *_lexical_only(settings, ports)],
        misspelt=misspelt,
        startup=process.startup().seconds,
    )
    if logs.choose_format(settings.log_format) == "text":
        with suppress(OSError):  # nobody reads it, or there is no room
            print(f"\n{report.text()}\n", flush=True)  # noqa: T201 - for the person who started it
    else:
        for sentence in misspelt:
            logger.warning("%s", sentence)
        logger.info("Lectern is up: %s", report.address, extra=report.fields())
