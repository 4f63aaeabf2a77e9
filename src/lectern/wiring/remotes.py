"""Settings → the hosts that Lectern calls, for a look at the way there."""

from collections.abc import Iterator
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from lectern.config import Settings
from lectern.database_address import is_postgres
from lectern.ops.findings import Finding
from lectern.ops.network import Endpoint

_QDRANT_BLOCKED = (
    "Write the server's address with :443 in QDRANT_URL, if it listens there; else put a proxy on 443 before it. Until "
    "then the local index answers."
)
_POSTGRES_BLOCKED = (
    "Postgres, Neon's pooled address included, has no port of its own among these: use a server or pooler that listens "
    "on 443, or run Lectern where 5432 is let out. Until then turns wait in the outbox and end with the container."
)
_REDIS_BLOCKED = "Use a server that listens on 443 or 8080. Until then each container counts limits for itself."
_HTTP_BLOCKED = "Put it behind port 443."


def endpoints(settings: Settings) -> list[Endpoint]:
    """Each host that is configured, once."""
    found = [*_models(settings), *_stores(settings)]
    if settings.better_auth_url:
        found.append(_http("Better Auth", settings.better_auth_url, "BETTER_AUTH_URL"))
    once: dict[tuple[str, int], Endpoint] = {}
    for endpoint in found:
        once.setdefault((endpoint.host, endpoint.port), endpoint)
    return list(once.values())


def through_proxy(endpoint: Endpoint) -> Finding | None:
    """That a proxy is asked instead of the host, where the environment says so; None when the host itself is."""
    proxy = getproxies().get("https" if endpoint.tls else "http")
    if not endpoint.http or proxy is None or proxy_bypass(endpoint.host):
        return None
    way = urlsplit(proxy if "//" in proxy else f"//{proxy}").netloc.rpartition("@")[2]
    return Finding(f"reach {endpoint.name}", "skipped", f"{endpoint.place} is asked through the proxy {way}")


def _models(settings: Settings) -> Iterator[Endpoint]:
    if settings.has_llm or settings.embedder == "openai":
        yield _http("model API", settings.openai_base_url, "OPENAI_BASE_URL")
    if settings.has_fallback_llm and settings.openai_fallback_base_url:
        yield _http("second model API", settings.openai_fallback_base_url, "OPENAI_FALLBACK_BASE_URL")
    if settings.cohere_api_key:
        yield _http("Cohere", settings.cohere_base_url, "COHERE_BASE_URL")


def _stores(settings: Settings) -> Iterator[Endpoint]:
    if settings.qdrant_url:
        from lectern.adapters.qdrant_index.transport import DEFAULT_PORT  # noqa: PLC0415 - imports an HTTP client

        yield _http("Qdrant", settings.qdrant_url, "QDRANT_URL", DEFAULT_PORT, _QDRANT_BLOCKED)
    if settings.redis_url:
        from lectern.adapters.redis_numbers import DEFAULT_PORT as REDIS_PORT  # noqa: PLC0415 - imports its client

        url = urlsplit(settings.redis_url.get_secret_value())
        tls, port = url.scheme == "rediss", url.port or REDIS_PORT
        yield Endpoint("Redis", url.hostname or "", port, tls, "REDIS_URL", _REDIS_BLOCKED, http=False)
    if is_postgres(settings.sqlalchemy_url):
        from lectern.adapters.examine_postgres import host_and_port  # noqa: PLC0415 - imports psycopg2

        if (where := host_and_port(settings.sqlalchemy_url)) is not None:
            yield Endpoint("Postgres", *where, False, "DATABASE_URL", _POSTGRES_BLOCKED, http=False)


def _http(name: str, url: str, variable: str, port: int | None = None, blocked: str = _HTTP_BLOCKED) -> Endpoint:
    """The endpoint behind an address."""
    parts = urlsplit(url)
    tls = parts.scheme == "https"
    return Endpoint(name, parts.hostname or "", parts.port or port or (443 if tls else 80), tls, variable, blocked)
