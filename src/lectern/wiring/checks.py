"""Settings → the checks of a report: what is configured, each with what it is to be compared with."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Final

from lectern.config import Settings
from lectern.database_address import is_postgres
from lectern.ops.aside import run_aside
from lectern.ops.findings import Check, Finding, skipped
from lectern.ops.machine import (
    Folder,
    examine_descriptors,
    examine_disk,
    examine_folder,
    examine_memory,
    examine_plan,
)
from lectern.ops.network import STEP_SECONDS, examine_network
from lectern.ops.packages import examine_python
from lectern.ops.small_http import examine_server
from lectern.serving import process
from lectern.serving.limits import read_limits
from lectern.serving.plan import plan
from lectern.wiring.counters import build_redis
from lectern.wiring.keys import ENDS_WITH_CONTAINER
from lectern.wiring.model_checks import model_checks
from lectern.wiring.origins import build_origin_rules, explain_origin
from lectern.wiring.remotes import endpoints, through_proxy
from lectern.wiring.tls import shared_context

_PINS: Final = Path(__file__).parents[3] / "requirements.txt"
_INDEX_BYTES: Final = 64 << 20
"""Room for one more generation of the index beside the current one; 1,000 pages with vectors take half of it."""

_NETWORK_SECONDS: Final = 5 * STEP_SECONDS
_DATABASE_SECONDS: Final = 15.0


def build_checks(settings: Settings, origin: str | None, opened: AsyncExitStack) -> list[Check]:
    """All checks, in the order of the report; or the one of an origin.

    Args:
        settings: Read from the environment.
        origin: A site, or one of its pages, whose right to call is all that is asked.
        opened: Closes what the checks open.
    """
    if origin is not None:
        return [Check("origin", _at_once(_origin, settings, origin))]
    return [
        Check("server", partial(examine_server, settings.port)),
        Check("variables", _at_once(_variables, settings)),
        Check("origins", _at_once(_origins, settings)),
        Check("secret key", _at_once(_secret_key, settings)),
        Check("network", partial(_network, settings), _NETWORK_SECONDS),
        *_database(settings),
        *model_checks(settings, opened),
        *_login(settings),
        *_redis(settings, opened),
        *_machine(settings),
    ]


def _variables(settings: Settings) -> list[Finding]:
    """What a public service still needs."""
    missing = settings.missing_for_production()
    if not missing:
        return [Finding("variables", "ok", "all that a public service needs are set")]
    found = "not set: " + ", ".join(variable for variable, _ in missing)
    fix = "; ".join(f"{variable}: {consequence}" for variable, consequence in missing)
    if settings.space_id is None:
        return [Finding("variables", "skipped", f"{found}; a public service wants them", fix)]
    where = "Set them in the Space's Settings, Variables and secrets. "
    return [Finding("variables", "warn" if settings.lectern_demo else "fail", found, where + fix)]


def _origins(settings: Settings) -> list[Finding]:
    """Whose pages may call from a browser."""
    rules = build_origin_rules(settings).sentences
    if rules:
        return [Finding("origins", "ok", "; ".join(rules))]
    fix = "Set CORS_ALLOWED_ORIGINS to the sites whose readers ask."
    return [Finding("origins", "warn", "no page but the server's own may call", fix)]


def _secret_key(settings: Settings) -> list[Finding]:
    """Whether what is signed today can be read after the next start."""
    earlier = len(settings.earlier_secrets)
    and_earlier = f"; {earlier} earlier in SECRET_KEY_FALLBACKS" if earlier else ""
    if settings.secret_key is not None:
        return [Finding("secret key", "ok", f"SECRET_KEY is set{and_earlier}")]
    if settings.has_durable_secret:
        return [Finding("secret key", "skipped", f"not set; one is kept in {settings.secret_key_file}{and_earlier}")]
    fix = "Set SECRET_KEY to what openssl rand -hex 32 prints."
    return [Finding("secret key", "warn", f"not set: {ENDS_WITH_CONTAINER}{and_earlier}", fix)]


def _origin(settings: Settings, origin: str) -> list[Finding]:
    """Whether pages of a site may call, and by which rule."""
    text, allowed = explain_origin(settings, origin)
    return [Finding("origin", "ok" if allowed else "fail", text)]


async def _network(settings: Settings) -> list[Finding]:
    """The way to each host."""
    configured = endpoints(settings)
    proxied = [finding for endpoint in configured if (finding := through_proxy(endpoint))]
    direct = [endpoint for endpoint in configured if not through_proxy(endpoint)]
    if not configured:
        nothing = Finding("network", "skipped", "no remote host is configured")
        return [nothing, *await examine_network([], tls=None, on_space=False)]
    on_space = settings.space_id is not None
    # Making a context blocks for some 20 ms.
    tls = await run_aside(shared_context) if any(endpoint.tls for endpoint in direct) else None
    return [*proxied, *await examine_network(direct, tls=tls, on_space=on_space)]


def _database(settings: Settings) -> list[Check]:
    url = settings.sqlalchemy_url
    if not is_postgres(url):
        from lectern.adapters.examine_sqlite import examine_sqlite  # noqa: PLC0415 - for SQLite only

        return [Check("database", _aside(examine_sqlite, url, on_space=settings.space_id is not None))]
    from lectern.adapters.examine_postgres import examine_postgres  # noqa: PLC0415 - imports psycopg2

    look = _aside(examine_postgres, url, connect_seconds=settings.database_connect_timeout_seconds)
    fix = "It wakes too slowly, or something on the way holds the line: look at the provider's console."
    return [Check("database", look, _DATABASE_SECONDS, fix)]


def _login(settings: Settings) -> list[Check]:
    secret, url, pinned = settings.better_auth_secret, settings.better_auth_url, settings.better_auth_jwks
    checks = []
    if url is not None or pinned is not None:
        from lectern.adapters.examine_jwks import examine_jwks, examine_pinned  # noqa: PLC0415 - imports an HTTP client

        look = _at_once(examine_pinned, pinned)
        if pinned is None:
            tls = shared_context() if str(url).startswith("https") else None
            look = partial(examine_jwks, str(url), tls=tls)
        checks.append(Check("login keys", look, 8, "Look at BETTER_AUTH_URL."))
    if secret is not None:
        checks.append(Check("login secret", _at_once(_secret, settings)))
    return checks or [skipped("login", "BETTER_AUTH_URL is not set; its users are not known here")]


def _secret(settings: Settings) -> list[Finding]:
    """What Better Auth's secret is good for here; that it is long enough was seen when it was read."""
    if settings.database_url or settings.neon_api_key:
        return [Finding("login secret", "ok", "HS256 tokens, and session cookies if its tables are in DATABASE_URL")]
    fix = "Point DATABASE_URL at Better Auth's database to take its session cookies; else nothing is to be done."
    return [Finding("login secret", "ok", "HS256 tokens and cached sessions; no session is looked up", fix)]


def _redis(settings: Settings, opened: AsyncExitStack) -> list[Check]:
    if settings.redis_url is None:
        return [skipped("redis", "REDIS_URL is not set; each container counts limits for itself")]
    from lectern.adapters.examine_redis import examine_redis  # noqa: PLC0415 - 0.3 s, where Redis is configured

    redis = build_redis(settings.redis_url.get_secret_value())
    opened.push_async_callback(redis.close)
    return [Check("redis", partial(examine_redis, redis))]


def _machine(settings: Settings) -> list[Check]:
    limits, setup = read_limits(), process.setup()
    sized = setup.plan if setup else plan(limits, settings.web_concurrency, settings.database_connections)
    wanted = settings.outbox_bytes + _INDEX_BYTES
    return [
        *(Check(f"write {folder.name}", _aside(examine_folder, folder)) for folder in _folders(settings)),
        Check("disk", _aside(examine_disk, settings.data_dir, wanted)),
        Check("memory", _aside(examine_memory, limits, sized, serving=setup is not None)),
        Check("descriptors", _at_once(examine_descriptors)),
        Check("workers", _at_once(examine_plan, limits, sized)),
        Check("packages", _aside(examine_python, _PINS)),
    ]


def _folders(settings: Settings) -> list[Folder]:
    """Where Lectern writes."""
    own = "chown it to the user that Lectern runs as (1000 in the image), or set DATA_DIR to a folder below /tmp."
    temporary = "Mount a writable folder there: docker run --tmpfs /tmp. Python and SQLite want one."
    memory = "Mount one: docker run --shm-size 64m. Without it workers beat on the disk of /tmp."
    home = "Set HOME to a folder that can be written; only an ingest that fetches the local model wants it."
    return [
        Folder("DATA_DIR", settings.data_dir, needed=True, use="index, conversations, outbox", fix=own),
        Folder("/tmp", Path("/tmp"), needed=True, use="temporary files", fix=temporary),  # noqa: S108 - is looked at
        Folder("/dev/shm", Path("/dev/shm"), needed=False, use="the workers' heartbeat", fix=memory),  # noqa: S108
        Folder("HOME", Path("~").expanduser(), needed=False, use="the model cache", fix=home),
    ]


def _at_once(function: Callable[..., Sequence[Finding]], *args: object) -> Callable[[], Awaitable[Sequence[Finding]]]:
    """A look that waits for nothing."""

    async def look() -> Sequence[Finding]:
        return function(*args)

    return look


def _aside(
    function: Callable[..., Sequence[Finding]], *args: object, **kwargs: object
) -> Callable[[], Awaitable[Sequence[Finding]]]:
    """A look that blocks, in a thread of its own."""
    return partial(run_aside, function, *args, **kwargs)
