"""`create_app`: ports, middleware, error handlers, routers, and what a worker does when it starts and stops.

Importing and creating do no I/O, so gunicorn's master can build the app before it forks: no socket, thread or loop.
A remote part that is down never fails the start: warm-up is a background task, and each part is opened on first use.
"""

import asyncio
import logging
import logging.config
import os
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

import lectern
from lectern.api import ROUTERS
from lectern.chat.endpoints import ChatConfig
from lectern.chat.pipeline import Knobs, load_rules
from lectern.config import Settings
from lectern.errors import LecternError
from lectern.formats import sse
from lectern.ops import logs
from lectern.ops.health import Readiness
from lectern.ops.report import BootReport
from lectern.ports import Ports
from lectern.serving import process
from lectern.web import problems
from lectern.web.middleware import BodyGuardMiddleware, DefectMiddleware, RequestContextMiddleware
from lectern.web.policy import SPACE_ANCESTORS, BrowserPolicyMiddleware
from lectern.web.streaming import Heartbeat
from lectern.wiring import build_ports

logger = logging.getLogger("lectern")


def create_app(settings: Settings | None = None, ports: Ports | None = None) -> FastAPI:
    """Build the app.

    Args:
        settings: Read from the environment when left out.
        ports: Made from the settings when left out; tests hand in their own.

    Raises:
        ConfigError: A setting is wrong; the message names all that are.
    """
    settings = settings or Settings.load()
    if ports is None:
        plan = process.plan()
        ports = build_ports(
            settings,
            database_connections=plan.database_connections,
            search_threads=plan.search_threads,
            shared=process.circuits(),
        )
    app = FastAPI(
        title="Lectern",
        version=lectern.__version__,
        summary="Cited, streamed answers from a site's own pages",
        lifespan=_lifespan,
        redirect_slashes=False,  # a redirect behind a TLS-ending proxy would point at http://
    )
    app.state.settings = settings
    app.state.ports = ports
    app.state.after_fork = ports.store.forget_connections
    app.state.reports_itself = True
    app.state.readiness = Readiness()
    app.state.chat = ChatConfig(
        knobs=Knobs(
            passages=settings.passages,
            history_turns=settings.history_turns,
            prompt_tokens=settings.prompt_tokens,
            min_confidence=settings.min_confidence,
            rules=load_rules(),
        ),
        max_message_characters=settings.max_message_characters,
        heartbeat=Heartbeat(sse.PING, settings.heartbeat_seconds),
    )
    problems.install(app)
    # Outermost last: each request has an id, each answer what a browser wants, also when it is a refusal or a defect.
    app.add_middleware(DefectMiddleware)
    app.add_middleware(BodyGuardMiddleware, max_body_bytes=settings.max_body_bytes)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_allowed_origins,
        allow_credentials=True,
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Last-Event-ID", "Idempotency-Key"],
        expose_headers=["X-Request-ID", "Retry-After"],
        max_age=600,
    )
    app.add_middleware(
        BrowserPolicyMiddleware,
        origins=(*settings.cors_allowed_origins, *(SPACE_ANCESTORS if settings.space_id else ())),
        allows=frozenset(settings.cors_allowed_origins).__contains__,
    )
    app.add_middleware(RequestContextMiddleware, seconds=settings.request_timeout_seconds)
    for router in ROUTERS:
        app.include_router(router)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
    settings: Settings = app.state.settings
    ports: Ports = app.state.ports
    log_format = logs.choose_format(settings.log_format)
    logging.config.dictConfig(logs.dict_config(settings.log_level, log_format))
    warming = asyncio.create_task(_warm_up(app))
    try:
        yield
    finally:
        warming.cancel()
        for part in (ports.llm, *ports.fallback_llms, ports.reranker, ports.embeddings, ports.index, ports.store):
            if part is not None:
                await part.close()


async def _warm_up(app: FastAPI) -> None:
    """Make the first request as fast as the second; what fails here is tried again by the request that needs it."""
    ports: Ports = app.state.ports
    for part in (ports.index, ports.store, ports.llm, *ports.fallback_llms, ports.embeddings, ports.reranker):
        if part is not None:
            try:
                await part.warm()
            except LecternError as error:  # the adapter has logged its cause
                logger.warning("%s is not ready yet: %s", part.describe().name, error.code)
            except Exception:  # nothing a part raises may end the worker
                logger.exception("%s could not be warmed up", part.describe().name)
    app.state.readiness.warm = True
    if process.worker_number() == 1:
        _announce(app.state.settings, ports)


def _address(settings: Settings) -> str:
    """Where a person opens it: the Space's own host, or what the server is bound to."""
    if hosts := os.environ.get("SPACE_HOST"):
        return f"https://{hosts.split(',')[0]}"
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
    report = BootReport(
        address=_address(settings),
        version=lectern.__version__,
        plan=process.plan().sentences,
        parts=ports.parts(),
        missing=[*settings.missing_for_production(), *_lexical_only(settings, ports)],
    )
    if logs.choose_format(settings.log_format) == "text":
        with suppress(OSError):  # nobody reads it, or there is no room
            print(f"\n{report.text()}\n", flush=True)  # noqa: T201 - for the person who started it
    else:
        logger.info("Lectern is up: %s", report.address, extra=report.fields())
