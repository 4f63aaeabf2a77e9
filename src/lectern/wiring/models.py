"""Settings → models: who answers, who makes vectors, who ranks. SDKs are imported when they are needed only."""

from typing import TYPE_CHECKING

from pydantic import SecretStr

from lectern.adapters.minilm_weights import fetch_weights, find_weights
from lectern.adapters.quoting import MODEL_DOWN, QuotingLLM
from lectern.config import LOCAL_EMBEDDING_MODEL, Settings
from lectern.ports import LLM, Embeddings, Reranker
from lectern.wiring.guards import Guards
from lectern.wiring.tls import shared_context

if TYPE_CHECKING:
    from lectern.adapters.provider import Provider


_GATHER_SECONDS = 0.1
"""A batch of a chapter is used when all of it is there, so its tokens need not wake the worker one by one."""


def build_llm(settings: Settings) -> LLM:
    """The configured model, or quoting when there is none."""
    if not settings.has_llm:
        return QuotingLLM()
    return _model(settings, provider(settings), settings.openai_model)


def build_study_llm(settings: Settings) -> LLM | None:
    """Who rewrites chapters, with connections of its own; None without a model, as quoting rewrites nothing."""
    if not settings.has_llm:
        return None
    return _model(
        settings,
        provider(settings),
        settings.chapter_model,
        part="study_llm",
        max_tokens=settings.study_max_tokens,
        gather_seconds=_GATHER_SECONDS,
    )


def build_fallback_llms(settings: Settings, guards: Guards) -> tuple[LLM, ...]:
    """Who answers when the configured model cannot: a second one, if there is one, then quoting, which always can."""
    if not settings.has_llm:
        return ()
    quoting = QuotingLLM(MODEL_DOWN)
    if not settings.has_fallback_llm:
        return (quoting,)
    second = _model(settings, fallback_provider(settings), settings.openai_fallback_model or settings.openai_model)
    return (guards.llm(second, part="fallback_llm"), quoting)


def _model(
    settings: Settings,
    provider: "Provider",
    model: str,
    *,
    part: str = "llm",
    max_tokens: int | None = None,
    gather_seconds: float = 0,
) -> LLM:
    from lectern.adapters.openai_llm import OpenAILLM  # noqa: PLC0415 - imports the SDK, 0.6 s, when it is needed

    return OpenAILLM(
        provider,
        model=model,
        part=part,
        max_tokens=max_tokens or settings.max_answer_tokens,
        first_token_timeout_seconds=settings.first_token_timeout_seconds,
        token_timeout_seconds=settings.token_timeout_seconds,
        answer_timeout_seconds=settings.answer_timeout_seconds,
        gather_seconds=gather_seconds,
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
            cohere(settings),
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
        provider(settings),
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
        cohere(settings), model=settings.cohere_rerank_model, timeout_seconds=settings.rerank_timeout_seconds
    )


def fetch_embedding_model(settings: Settings) -> bool:
    """Bring the local model's weights to this machine; False when they are here, or another model is configured.

    Raises:
        UpstreamUnavailable: They cannot be fetched now.
    """
    if settings.embedder != "local":
        return False
    if find_weights(settings.embedding_model_path):
        return False
    fetch_weights()
    return True


def _local_embeddings(settings: Settings, threads: int) -> Embeddings | None:
    folder = find_weights(settings.embedding_model_path)
    if folder is None:
        return None
    from lectern.adapters.minilm import MiniLMEmbeddings  # noqa: PLC0415 - imports numpy and tokenizers, 0.1 s

    return MiniLMEmbeddings(folder, model=LOCAL_EMBEDDING_MODEL, threads=threads)


def cohere(settings: Settings) -> "Provider":
    """Cohere's address and key."""
    return _provider(settings, settings.cohere_base_url, settings.cohere_api_key)


def provider(settings: Settings) -> "Provider":
    """The model API's address and key."""
    return _provider(settings, settings.openai_base_url, settings.openai_api_key)


def fallback_provider(settings: Settings) -> "Provider":
    """The second model's address and key; the first one's key is never sent to another address."""
    base_url = settings.openai_fallback_base_url or settings.openai_base_url
    key = settings.openai_fallback_api_key
    if key is None and base_url == settings.openai_base_url:
        key = settings.openai_api_key
    return _provider(settings, base_url, key)


def _provider(settings: Settings, base_url: str, key: SecretStr | None) -> "Provider":
    from lectern.adapters.provider import Provider  # noqa: PLC0415 - as above

    return Provider(
        base_url=base_url,
        api_key=key.get_secret_value() if key else None,
        tls=shared_context(),
        connect_timeout_seconds=settings.connect_timeout_seconds,
    )
