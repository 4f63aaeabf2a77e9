"""Settings → the checks of models and indexes, which share what one embedded text tells."""

from contextlib import AsyncExitStack
from functools import partial

from lectern.config import Settings
from lectern.ops.aside import run_aside
from lectern.ops.findings import Check, skipped
from lectern.ports import Embeddings
from lectern.wiring.models import build_embeddings, cohere, fallback_provider, provider
from lectern.wiring.tls import shared_context

_SECONDS = 10.0
_SLOW = "It is slower than a reader waits: look at the finding on reaching it, and at the provider's status page."


def model_checks(settings: Settings, opened: AsyncExitStack) -> list[Check]:
    """What is asked for answers, vectors, order and pages.

    Args:
        settings: Read from the environment.
        opened: Closes what the checks open.
    """
    embeddings = build_embeddings(settings)
    return [
        *_chat(settings, opened),
        *_vectors_and_qdrant(settings, embeddings, opened),
        *_reranker(settings, opened),
        _local_index(settings, embeddings),
    ]


def _chat(settings: Settings, opened: AsyncExitStack) -> list[Check]:
    if not settings.has_llm:
        return [skipped("model", "OPENAI_API_KEY is not set; answers quote the best passages")]
    from lectern.adapters.examine_openai import Names, examine_model  # noqa: PLC0415 - imports the SDK

    of_first = Names("OPENAI_API_KEY", "OPENAI_MODEL", "OPENAI_BASE_URL")
    of_second = Names("OPENAI_FALLBACK_API_KEY", "OPENAI_FALLBACK_MODEL", "OPENAI_FALLBACK_BASE_URL")
    of_chapters = Names("OPENAI_API_KEY", "STUDY_MODEL", "OPENAI_BASE_URL")
    asked = [("model", provider(settings), settings.openai_model, of_first)]
    if settings.has_fallback_llm:
        model = settings.openai_fallback_model or settings.openai_model
        asked.append(("second model", fallback_provider(settings), model, of_second))
    if settings.chapter_model != settings.openai_model:
        asked.append(("study model", provider(settings), settings.chapter_model, of_chapters))
    checks = []
    for part, whom, model, names in asked:
        opened.push_async_callback(whom.close)
        look = partial(examine_model, whom, part=part, model=model, names=names)
        checks.append(Check(part, look, _SECONDS, _SLOW))
    return checks


def _vectors_and_qdrant(settings: Settings, embeddings: Embeddings | None, opened: AsyncExitStack) -> list[Check]:
    if embeddings is None:
        weights = "the local model's weights are not here; ./entrypoint.sh ingest fetches them"
        why = "turned off" if settings.embedder == "none" else weights
        checks, dimensions = [skipped("embeddings", f"{why}; retrieval is by words")], _unknown
    else:
        from lectern.adapters.examine_embeddings import EmbeddingTrial  # noqa: PLC0415 - imports the SDK
        from lectern.adapters.examine_openai import Names  # noqa: PLC0415 - as above

        of_openai = Names("OPENAI_API_KEY", "EMBEDDING_MODEL", "OPENAI_BASE_URL")
        of_cohere = Names("COHERE_API_KEY", "COHERE_EMBEDDING_MODEL", "COHERE_BASE_URL")
        trial = EmbeddingTrial(embeddings, of_cohere if settings.embedder == "cohere" else of_openai)
        opened.push_async_callback(trial.close)
        checks, dimensions = [Check("embeddings", trial.examine, _SECONDS, _SLOW)], trial.dimensions
    if settings.qdrant_url is None:
        return [*checks, skipped("qdrant", "QDRANT_URL is not set; the index is local")]
    from lectern.adapters.examine_qdrant import Wanted, examine_qdrant  # noqa: PLC0415 - imports the client
    from lectern.adapters.qdrant_index import QdrantConnection  # noqa: PLC0415 - as above

    key = settings.qdrant_api_key
    connection = QdrantConnection(
        settings.qdrant_url,
        api_key=key.get_secret_value() if key else None,
        tls=shared_context() if settings.qdrant_url.startswith("https") else None,
    )
    opened.push_async_callback(connection.close)
    wanted = Wanted(settings.embedding_name, dimensions)
    look = partial(examine_qdrant, connection, alias=settings.qdrant_collection, wanted=wanted)
    return [*checks, Check("qdrant", look, 2 * _SECONDS, _SLOW)]


def _reranker(settings: Settings, opened: AsyncExitStack) -> list[Check]:
    if settings.cohere_api_key is None or settings.cohere_rerank_model == "none":
        return [skipped("rerank", "Cohere's ranking is not configured; the order is the index's")]
    from lectern.adapters.examine_cohere import examine_reranker  # noqa: PLC0415 - imports an HTTP client
    from lectern.adapters.examine_openai import Names  # noqa: PLC0415 - as above

    whom = cohere(settings)
    opened.push_async_callback(whom.close)
    names = Names("COHERE_API_KEY", "COHERE_RERANK_MODEL", "COHERE_BASE_URL")
    look = partial(examine_reranker, whom, model=settings.cohere_rerank_model, names=names)
    return [Check("rerank", look, _SECONDS, _SLOW)]


def _local_index(settings: Settings, embeddings: Embeddings | None) -> Check:
    from lectern.adapters.examine_index import examine_index  # noqa: PLC0415 - when it is asked

    folders = (settings.index_dir, settings.image_index_dir)
    model = embeddings.model if embeddings else None
    return Check("local index", partial(run_aside, examine_index, folders, model=model))


async def _unknown() -> int | None:
    return None
