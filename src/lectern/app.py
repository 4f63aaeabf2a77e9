"""`create_app`: ports, middleware, error handlers, routers.

Importing and creating do no I/O, so gunicorn's master can build the app before it forks: no socket, thread or loop.
A remote part that is down never fails the start: warm-up is a background task, and each part is opened on first use.
"""

from functools import partial

from fastapi import FastAPI

import lectern
from lectern.admin.endpoints import AdminConfig
from lectern.admin.ingesting import IngestDesk
from lectern.api import GUARDED, MCP, METERED, OPERATED, ROUTERS, SHAPES
from lectern.chat.chat_ids import ChatIds
from lectern.chat.deps import ChatConfig
from lectern.chat.live_turn import Patience
from lectern.chat.pipeline import Knobs, load_rules
from lectern.chat.turn_ids import TurnIds
from lectern.chat.turns import Turns
from lectern.config import Settings
from lectern.formats import sse
from lectern.keyring import Keyring
from lectern.lifecycle.lifespan import lifespan
from lectern.lifecycle.refreshing import ingest_content
from lectern.limits.rates import Rates
from lectern.limits.rules import Rules
from lectern.ops.health import Readiness
from lectern.ops.report_desk import ReportDesk
from lectern.ports import Ports
from lectern.resilience import sensor
from lectern.resilience.admission import Limiter
from lectern.resilience.door import Door
from lectern.serving import process
from lectern.serving.proxies import ProxyHeadersMiddleware
from lectern.study.endpoints import StudyConfig
from lectern.tasks.access import TaskConfig
from lectern.web import openapi, problems
from lectern.web.access import Access
from lectern.web.admission import AdmissionMiddleware
from lectern.web.cross_origin import CrossOriginMiddleware, OriginGuardMiddleware
from lectern.web.middleware import BodyGuardMiddleware, DefectMiddleware, RequestContextMiddleware
from lectern.web.policy import SPACE_ANCESTORS, BrowserPolicyMiddleware
from lectern.web.streaming import Heartbeat
from lectern.web.visitors import Visitors
from lectern.wiring import (
    build_account_desk,
    build_assistant,
    build_assistant_rules,
    build_budgets,
    build_key_desk,
    build_keyring,
    build_mcp,
    build_neighbours,
    build_origin_rules,
    build_people_desk,
    build_ports,
    build_rules,
    build_study_desk,
    examine,
)


def create_app(settings: Settings | None = None, ports: Ports | None = None) -> FastAPI:
    """Build the app.

    Args:
        settings: Read from the environment when left out.
        ports: Made from the settings when left out; tests hand in their own.

    Raises:
        ConfigError: A setting is wrong, or missing on a Space; the message names all that are.
    """
    # What a caller brings along, a test or another app, is prepared by that caller.
    owns_data = settings is None and ports is None
    settings = settings or Settings.load_for_serving()
    keyring = build_keyring(settings)
    if ports is None:
        plan = process.plan()
        ports = build_ports(
            settings,
            database_connections=plan.database_connections,
            search_threads=plan.search_threads,
            shared=process.circuits(),
            numbers=process.numbers(),
            keyring=keyring,
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
    app.state.keyring = keyring
    _give_features_their_state(app, settings, ports, keyring)
    app.state.door = Door(Limiter(settings.max_turns), sensor.here())
    problems.install(app, SHAPES)
    _add_middleware(app, settings)
    for router in ROUTERS:
        app.include_router(router)
    app.state.mcp = build_mcp(settings, ports)
    if app.state.mcp is not None:
        app.include_router(MCP)
    openapi.install(app, openapi.Doors(guarded=GUARDED, metered=METERED, operated=OPERATED), SHAPES)
    return app


def _give_features_their_state(app: FastAPI, settings: Settings, ports: Ports, keyring: Keyring) -> None:
    """What the endpoints of each feature are configured with, where its dependencies look for it."""
    app.state.report_desk = ReportDesk(partial(examine, settings))
    app.state.access = Access(
        visitors=Visitors(keyring),
        operator_token=settings.admin_token.get_secret_value() if settings.admin_token else None,
        on_space=settings.space_id is not None,
    )
    app.state.admin = AdminConfig(
        ingests=IngestDesk(settings.data_dir, ingest_content),
        people=build_people_desk(ports),
        prices=settings.token_prices,
        currency=next((budget.unit for budget in settings.budgets if budget.is_money), None),
    )
    app.state.chat_ids = ChatIds(keyring)
    app.state.chat = _chat_config(settings, ports, keyring)
    app.state.study = StudyConfig(
        desk=build_study_desk(settings, ports, app.state.chat.budgets),
        heartbeat=app.state.chat.heartbeat,
        patience_seconds=settings.waking_seconds,
        counts_costs=app.state.chat.budgets is not None,
    )
    rules = build_rules(settings)
    # Also without rules: an integration may have a rate of its own.
    app.state.rates = Rates(rules or Rules(), ports.counters) if ports.counters else None
    budgets = app.state.chat.budgets
    app.state.tasks = TaskConfig(
        assistant=build_assistant(settings, ports, budgets),
        most_tasks=settings.max_tasks,
        max_message_characters=settings.task_message_characters,
        heartbeat=app.state.chat.heartbeat,
        counts_costs=budgets is not None,
    )
    assistant_rules = build_assistant_rules(settings)
    app.state.assistant_rates = app.state.rates
    if assistant_rules and ports.counters:
        app.state.assistant_rates = Rates(rules or Rules(), ports.counters, also=assistant_rules)
    app.state.accounts = build_account_desk(settings, ports, keyring)
    app.state.keys = build_key_desk(ports)


def _chat_config(settings: Settings, ports: Ports, keyring: Keyring) -> ChatConfig:
    budgets = build_budgets(settings, ports.counters)
    knobs = Knobs(
        passages=settings.passages,
        history_turns=settings.history_turns,
        prompt_tokens=settings.prompt_tokens,
        min_confidence=settings.min_confidence,
        waking_seconds=settings.waking_seconds,
        rules=load_rules(),
    )
    ids = TurnIds(keyring, process.instance)
    patience = Patience(settings.abandon_seconds, settings.max_followers)
    return ChatConfig(
        knobs=knobs,
        max_message_characters=settings.max_message_characters,
        heartbeat=Heartbeat(sse.PING, settings.heartbeat_seconds),
        turns=Turns(
            ports,
            knobs,
            budgets,
            patience=patience,
            ids=ids,
            others=build_neighbours(settings, ports, ids),
        ),
        budgets=budgets,
    )


def _add_middleware(app: FastAPI, settings: Settings) -> None:
    """Outermost last: each request has an id, each answer what a browser wants, also a refusal and a defect."""
    rules = build_origin_rules(settings)
    app.add_middleware(DefectMiddleware)
    app.add_middleware(BodyGuardMiddleware, max_body_bytes=settings.max_body_bytes)
    app.add_middleware(AdmissionMiddleware, door=app.state.door, metered=METERED, shapes=SHAPES)
    app.add_middleware(CrossOriginMiddleware, rules=rules)
    app.add_middleware(OriginGuardMiddleware, rules=rules, guarded=GUARDED)
    app.add_middleware(
        BrowserPolicyMiddleware,
        origins=(*settings.cors_allowed_origins, *(SPACE_ANCESTORS if settings.space_id else ())),
        allows=lambda origin: rules.judge(origin).allowed,
    )
    app.add_middleware(RequestContextMiddleware, seconds=settings.request_timeout_seconds)
    if process.setup() is None:  # our own worker does this for any app; another server does not
        app.add_middleware(ProxyHeadersMiddleware, trusted=settings.trusted_proxies, https_hosts=settings.space_host)
