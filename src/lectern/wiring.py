"""Settings → ports: the only file that names an adapter.

Nothing here connects to anything: adapters open what they need at their first use, in the worker that uses it.
"""

import ssl
from functools import cache
from typing import TYPE_CHECKING

from lectern.adapters.local_index import LocalIndex
from lectern.adapters.quoting import MODEL_DOWN, QuotingLLM
from lectern.adapters.sql_store import SqlStore
from lectern.config import LOCAL_EMBEDDING_MODEL, Settings
from lectern.ports import LLM, Embeddings, Index, Ports, Reranker

if TYPE_CHECKING:
    from lectern.adapters.cohere_api import CohereProvider
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
        embeddings=build_embeddings(settings, threads=search_threads),
        reranker=build_reranker(settings),
    )


def build_index(settings: Settings, search_threads: int = 1) -> Index:
    """The site's sections."""
    return LocalIndex(settings.index_dir, search_threads=search_threads, model=settings.embedding_name)


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


def build_embeddings(settings: Settings, *, threads: int = 1) -> Embeddings | None:
    """The configured embedding model; None means lexical retrieval. Never touches the network.

    Args:
        settings: Read from the environment.
        threads: Texts that the model in this process encodes at once.
    """
    if settings.embedder == "local":
        return _local_embeddings(settings, threads)
    if settings.embedder == "cohere":
        from lectern.adapters.cohere_api import CohereEmbeddings  # noqa: PLC0415 - as above

        return CohereEmbeddings(
            _cohere(settings),
            model=settings.cohere_embedding_model,
            batch=settings.embedding_batch,
            batch_tokens=settings.embedding_batch_tokens,
            requests=settings.embedding_requests,
            timeout_seconds=settings.first_token_timeout_seconds,
        )
    if settings.embedding_model is None or settings.embedder == "none":
        return None
    from lectern.adapters.openai_embeddings import OpenAIEmbeddings  # noqa: PLC0415 - as above

    return OpenAIEmbeddings(
        _provider(settings),
        model=settings.embedding_model,
        batch=settings.embedding_batch,
        batch_tokens=settings.embedding_batch_tokens,
        requests=settings.embedding_requests,
        timeout_seconds=settings.first_token_timeout_seconds,
    )


def build_reranker(settings: Settings) -> Reranker | None:
    """Who puts what was found into order; None leaves the index's order."""
    if settings.cohere_api_key is None or settings.cohere_rerank_model == "none":
        return None
    from lectern.adapters.cohere_api import CohereReranker  # noqa: PLC0415 - as above

    return CohereReranker(
        _cohere(settings), model=settings.cohere_rerank_model, timeout_seconds=settings.rerank_timeout_seconds
    )


def fetch_embedding_model(settings: Settings) -> bool:
    """Bring the local model's weights to this machine; False when they are here, or another model is configured.

    Raises:
        UpstreamUnavailable: They cannot be fetched now.
    """
    if settings.embedder != "local":
        return False
    from lectern.adapters.minilm_weights import fetch_weights, find_weights  # noqa: PLC0415 - imports numpy, 0.1 s

    if find_weights(settings.embedding_model_path):
        return False
    fetch_weights()
    return True


def _local_embeddings(settings: Settings, threads: int) -> Embeddings | None:
    from lectern.adapters.minilm import MiniLMEmbeddings  # noqa: PLC0415 - imports numpy and tokenizers, 0.1 s
    from lectern.adapters.minilm_weights import find_weights  # noqa: PLC0415 - as above

    folder = find_weights(settings.embedding_model_path)
    return MiniLMEmbeddings(folder, model=LOCAL_EMBEDDING_MODEL, threads=threads) if folder else None


@cache
def _tls() -> ssl.SSLContext:
    """One context for all clients: making one costs 20 ms."""
    return ssl.create_default_context()


def _cohere(settings: Settings) -> "CohereProvider":
    from lectern.adapters.cohere_api import CohereProvider  # noqa: PLC0415 - as above

    key = settings.cohere_api_key
    return CohereProvider(
        base_url=settings.cohere_base_url,
        api_key=key.get_secret_value() if key else "",
        tls=_tls(),
        connect_timeout_seconds=settings.connect_timeout_seconds,
    )


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
