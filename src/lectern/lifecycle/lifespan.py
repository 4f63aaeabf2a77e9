"""From a worker's start to its end: prepare, serve, warm up, report, refresh; then close what was opened."""

import asyncio
import logging
import logging.config
import re
from collections.abc import AsyncGenerator, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI

import lectern
from lectern.config import Settings
from lectern.errors import LecternError
from lectern.lifecycle.preparation import prepare
from lectern.lifecycle.refreshing import refresh
from lectern.lifecycle.restoring import restore
from lectern.lifecycle.retention import retain
from lectern.limits.budgets import Budgets
from lectern.ops import logs
from lectern.ops.report import BootReport
from lectern.ports import Ports
from lectern.serving import process
from lectern.wiring import ENDS_WITH_CONTAINER

logger = logging.getLogger("lectern")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
    """What the app runs in.

    Reads `app.state.settings`, `ports`, `keyring`, `readiness`, and `owns_data`: whether what is missing may be made.
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
    await asyncio.to_thread(app.state.keyring.load)  # it may be kept in a file
    process.startup().mark("prepared")
    background = asyncio.create_task(_follow_up(app))
    try:
        yield
    finally:
        background.cancel()
        await asyncio.wait({background})
        await app.state.chat.turns.close()
        await app.state.admin.ingests.close()
        if app.state.mcp is not None:
            await app.state.mcp.close()
        models = (ports.llm, *ports.fallback_llms, ports.study_llm, ports.reranker, ports.embeddings)
        for part in (*models, ports.index, *ports.identities, ports.store, ports.counters):
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
    async with asyncio.TaskGroup() as group:
        for work, failure in _background(app):
            group.create_task(_unless_defect(work, failure))


def _background(app: FastAPI) -> Iterator[tuple[Coroutine[Any, Any, None], str]]:
    """What goes on beside the requests, each with what to say when it ends by a defect."""
    settings: Settings = app.state.settings
    ports: Ports = app.state.ports
    budgets: Budgets | None = app.state.chat.budgets
    # The first worker of all, or the one process of another host: their memory is one.
    if budgets and ports.records and not budgets.outlive_restarts and process.worker_number() <= 1:
        yield restore(budgets, ports.records), "Today's budgets begin anew"
    if app.state.owns_data:
        yield refresh(settings, ports.embeddings.model if ports.embeddings else None), "The index is not refreshed"
        if ports.retention:
            yield retain(settings, ports.retention), "Nothing is deleted for its age any more"


async def _unless_defect(work: Coroutine[Any, Any, None], failure: str) -> None:
    """Nothing that is done in the background may go unseen, or end the worker."""
    try:
        await work
    except Exception:
        logger.exception("%s", failure)


async def _warm_up(ports: Ports) -> None:
    """Make the first request as fast as the second; what fails here is tried again by the request that needs it."""
    models = (ports.llm, *ports.fallback_llms, ports.study_llm, ports.embeddings, ports.reranker)
    for part in (*ports.identities, ports.index, ports.store, *models, ports.counters):
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


def _passing_secret(settings: Settings) -> list[tuple[str, str]]:
    """That what is signed ends with the container, as a missing setting."""
    return [] if settings.has_durable_secret else [("SECRET_KEY", ENDS_WITH_CONTAINER)]


def _announce(settings: Settings, ports: Ports) -> None:
    misspelt = [str(misspelling) for misspelling in settings.misspellings()]
    report = BootReport(
        address=_address(settings),
        version=lectern.__version__,
        plan=process.plan().sentences,
        parts=ports.parts(),
        missing=[
            *settings.missing_for_production(),
            *_passing_secret(settings),
            *_lexical_only(settings, ports),
        ],
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
