"""Settings → ports: the only file that names an adapter.

Nothing here connects to anything: adapters open what they need at their first use, in the worker that uses it.
"""

import ssl
from functools import cache
from typing import TYPE_CHECKING

from pydantic import SecretStr

from lectern.adapters.guarded import GuardedEmbeddings, GuardedLLM, GuardedStore
from lectern.adapters.local_index import LocalIndex
from lectern.adapters.quoting import MODEL_DOWN, QuotingLLM
from lectern.adapters.sql_store import SqlStore
from lectern.config import Settings
from lectern.errors import LecternError, StoreUnavailable, UpstreamUnavailable
from lectern.ports import LLM, Embeddings, Index, Ports, Store
from lectern.resilience.breaker import Rules
from lectern.resilience.circuit import Circuit, Shared
from lectern.resilience.policy import Bulkhead, Line

if TYPE_CHECKING:
    from lectern.adapters.openai_api import OpenAIProvider


def build_ports(
    settings: Settings, *, database_connections: int, search_threads: int, shared: Shared | None = None
) -> Ports:
    """Everything the app leans on; what is remote is guarded.

    Args:
        settings: Read from the environment.
        database_connections: Transactions at once, in this process.
        search_threads: Searches at once, in this process.
        shared: What the workers tell each other of remote parts; None when there is one process only.
    """
    guards = _Guards(settings, shared)
    return Ports(
        store=guards.store(build_store(settings, settings.database_connections or database_connections)),
        index=build_index(settings, search_threads),
        llm=guards.llm(build_llm(settings)) if settings.has_llm else build_llm(settings),
        fallback_llms=build_fallback_llms(settings, guards),
        embeddings=guards.embeddings(build_embeddings(settings)),
        circuits=guards.circuits,
    )


def build_store(settings: Settings, connections: int) -> Store:
    """Where conversations are kept."""
    return SqlStore(
        settings.sqlalchemy_url,
        pool_size=connections,
        patience_seconds=settings.database_statement_timeout_seconds,
        connect_seconds=settings.database_connect_timeout_seconds,
    )


def build_index(settings: Settings, search_threads: int = 1) -> Index:
    """The site's sections."""
    return LocalIndex(settings.index_dir, search_threads=search_threads)


def build_llm(settings: Settings) -> LLM:
    """The configured model, or quoting when there is none."""
    if not settings.has_llm:
        return QuotingLLM()
    return _model(settings, _provider(settings), settings.openai_model)


def build_fallback_llms(settings: Settings, guards: "_Guards") -> tuple[LLM, ...]:
    """Who answers when the configured model cannot: a second one, if there is one, then quoting, which always can."""
    if not settings.has_llm:
        return ()
    quoting = QuotingLLM(MODEL_DOWN)
    if not settings.has_fallback_llm:
        return (quoting,)
    second = _model(settings, _fallback_provider(settings), settings.openai_fallback_model or settings.openai_model)
    return (guards.llm(second, part="fallback_llm"), quoting)


def _model(settings: Settings, provider: "OpenAIProvider", model: str) -> LLM:
    from lectern.adapters.openai_llm import OpenAILLM  # noqa: PLC0415 - imports the SDK, 0.6 s, when it is needed

    return OpenAILLM(
        provider,
        model=model,
        max_tokens=settings.max_answer_tokens,
        first_token_timeout_seconds=settings.first_token_timeout_seconds,
        token_timeout_seconds=settings.token_timeout_seconds,
        answer_timeout_seconds=settings.answer_timeout_seconds,
    )


def build_embeddings(settings: Settings) -> Embeddings | None:
    """The configured embedding model; None means lexical retrieval."""
    if not settings.embedding_model:
        return None
    from lectern.adapters.openai_embeddings import OpenAIEmbeddings  # noqa: PLC0415 - as above

    return OpenAIEmbeddings(
        _provider(settings),
        model=settings.embedding_model,
        batch=settings.embedding_batch,
        timeout_seconds=settings.first_token_timeout_seconds,
    )


@cache
def _tls() -> ssl.SSLContext:
    """One context for all clients: making one costs 20 ms."""
    return ssl.create_default_context()


class _Guards:
    """Puts remote ports behind their lines, and keeps the list of their circuits."""

    def __init__(self, settings: Settings, shared: Shared | None) -> None:
        self.circuits: tuple[Circuit, ...] = ()
        self._settings = settings
        self._shared = shared
        self._rules = Rules(
            window=settings.breaker_window_seconds,
            minimum=settings.breaker_min_calls,
            failure_rate=settings.breaker_failure_rate,
            slow=settings.breaker_slow_seconds,
            consecutive=settings.breaker_failures,
            open=settings.breaker_open_seconds,
            most_open=settings.breaker_max_open_seconds,
            # Every call ends before that by its own limits; a permit that is still out then was lost.
            probe=settings.connect_timeout_seconds + settings.first_token_timeout_seconds + 5,
        )

    def llm(self, llm: LLM, *, part: str = "llm") -> LLM:
        line = self._line(self._settings.llm_concurrency, UpstreamUnavailable, "language model")
        return GuardedLLM(llm, line, self._circuit(part, "answer"))

    def embeddings(self, embeddings: Embeddings | None) -> Embeddings | None:
        if embeddings is None:
            return None
        line = self._line(self._settings.call_concurrency, UpstreamUnavailable, "embedding model")
        return GuardedEmbeddings(embeddings, line, self._circuit("embeddings", "embed"))

    def store(self, store: Store) -> Store:
        if self._settings.sqlalchemy_url.startswith("sqlite"):
            return store  # a file of this machine
        line = self._line(self._settings.call_concurrency, StoreUnavailable)
        return GuardedStore(
            store, line, reads=self._circuit("database", "read"), writes=self._circuit("database", "write")
        )

    def _circuit(self, part: str, operation: str) -> Circuit:
        circuit = Circuit(part, operation, self._rules, shared=self._shared)
        self.circuits += (circuit,)
        return circuit

    def _line(self, most: int, unavailable: type[LecternError], what: str | None = None) -> Line:
        settings = self._settings
        bulkhead = Bulkhead(most, queue=settings.queue_length, wait_seconds=settings.queue_seconds)
        return Line(bulkhead, unavailable=unavailable, what=what, retries=settings.retries)


def _provider(settings: Settings) -> "OpenAIProvider":
    return _openai(settings, settings.openai_base_url, settings.openai_api_key)


def _fallback_provider(settings: Settings) -> "OpenAIProvider":
    """The second model's address and key; the first one's key is never sent to another address."""
    base_url = settings.openai_fallback_base_url or settings.openai_base_url
    key = settings.openai_fallback_api_key
    if key is None and base_url == settings.openai_base_url:
        key = settings.openai_api_key
    return _openai(settings, base_url, key)


def _openai(settings: Settings, base_url: str, key: SecretStr | None) -> "OpenAIProvider":
    from lectern.adapters.openai_api import OpenAIProvider  # noqa: PLC0415 - as above

    return OpenAIProvider(
        base_url=base_url,
        api_key=key.get_secret_value() if key else None,
        tls=_tls(),
        connect_timeout_seconds=settings.connect_timeout_seconds,
    )


def migrate(settings: Settings) -> str:
    """Bring the database's schema up to date; return one sentence about what was done."""
    from lectern.adapters.sql_migrations import migrate as upgrade  # noqa: PLC0415 - imports alembic, 0.4 s

    return upgrade(settings.sqlalchemy_url)
