"""`create_app`: ports, middleware, error handlers, routers.

Importing and creating do no I/O, so gunicorn's master can build the app before it forks: no socket, thread or loop.
A remote part that is down never fails the start: warm-up is a background task, and each part is opened on first use.
"""

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

import lectern
from lectern.api import ROUTERS
from lectern.chat.endpoints import ChatConfig
from lectern.chat.pipeline import Knobs, load_rules
from lectern.config import Settings
from lectern.formats import sse
from lectern.lifecycle.lifespan import lifespan
from lectern.ops.health import Readiness
from lectern.ports import Ports
from lectern.serving import process
from lectern.web import problems
from lectern.web.middleware import BodyGuardMiddleware, DefectMiddleware, RequestContextMiddleware
from lectern.web.streaming import Heartbeat
from lectern.wiring import build_ports


def create_app(settings: Settings | None = None, ports: Ports | None = None) -> FastAPI:
    """Build the app.

    Args:
        settings: Read from the environment when left out.
        ports: Made from the settings when left out; tests hand in their own.

    Raises:
        ConfigError: A setting is wrong; the message names all that are.
    """
    # What a caller brings along, a test or another app, is prepared by that caller.
    owns_data = settings is None and ports is None
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
        lifespan=lifespan,
        redirect_slashes=False,  # a redirect behind a TLS-ending proxy would point at http://
    )
    app.state.settings = settings
    app.state.ports = ports
    app.state.after_fork = ports.store.forget_connections
    app.state.reports_itself = True
    app.state.readiness = Readiness()
    app.state.owns_data = owns_data
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
    app.add_middleware(RequestContextMiddleware, seconds=settings.request_timeout_seconds)
    for router in ROUTERS:
        app.include_router(router)
    return app
