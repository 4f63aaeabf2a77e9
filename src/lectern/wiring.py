"""Settings → ports: the only file that names an adapter.

Nothing here connects to anything: adapters open what they need at their first use, in the worker that uses it.
"""

import ssl
from functools import cache
from typing import TYPE_CHECKING

from lectern.adapters.fallback_index import FallbackIndex
from lectern.adapters.local_index import LocalIndex
from lectern.adapters.quoting import MODEL_DOWN, QuotingLLM
from lectern.adapters.sql_store import SqlStore
from lectern.config import Settings
from lectern.ports import LLM, Embeddings, Index, Ports

if TYPE_CHECKING:
    from lectern.adapters.openai_api import OpenAIProvider


def build_ports(settings: Settings, *, database_connections: int, search_threads: int) -> Ports:
    """Everything the app leans on.

    Args:
        settings: Read from the environment.
        database_connections: Transactions at once, in this process.
        search_threads: Searches at once, in this process.
    """
    return Ports(
        store=SqlStore(settings.sqlalchemy_url, pool_size=database_connections),
        index=build_index(settings, search_threads),
        llm=build_llm(settings),
        fallback_llm=QuotingLLM(MODEL_DOWN) if settings.has_llm else None,
        embeddings=build_embeddings(settings),
    )


def build_index(settings: Settings, search_threads: int = 1) -> Index:
    """The site's sections: in Qdrant when it is configured, with the local index behind it."""
    local = LocalIndex(settings.index_dir, search_threads=search_threads)
    if settings.qdrant_url is None:
        return local
    from lectern.adapters.qdrant_index import QdrantConnection, QdrantIndex  # noqa: PLC0415 - 1 s, when it is needed

    key = settings.qdrant_api_key
    connection = QdrantConnection(
        settings.qdrant_url,
        api_key=key.get_secret_value() if key else None,
        tls=_tls() if settings.qdrant_url.startswith("https") else None,
    )
    qdrant = QdrantIndex(connection, settings.qdrant_collection, model=settings.embedding_model, threads=search_threads)
    return FallbackIndex(qdrant, local)


def build_llm(settings: Settings) -> LLM:
    """The configured model, or quoting when there is none."""
    if not settings.has_llm:
        return QuotingLLM()
    from lectern.adapters.openai_llm import OpenAILLM  # noqa: PLC0415 - imports the SDK, 0.6 s, when it is needed

    return OpenAILLM(
        _provider(settings),
        model=settings.openai_model,
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


def _provider(settings: Settings) -> "OpenAIProvider":
    from lectern.adapters.openai_api import OpenAIProvider  # noqa: PLC0415 - as above

    key = settings.openai_api_key
    return OpenAIProvider(
        base_url=settings.openai_base_url,
        api_key=key.get_secret_value() if key else None,
        tls=_tls(),
        connect_timeout_seconds=settings.connect_timeout_seconds,
    )


def migrate(settings: Settings) -> str:
    """Bring the database's schema up to date; return one sentence about what was done."""
    from lectern.adapters.sql_migrations import migrate as upgrade  # noqa: PLC0415 - imports alembic, 0.4 s

    return upgrade(settings.sqlalchemy_url)
