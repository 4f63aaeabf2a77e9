"""Whether Cohere takes the key and its reranker judges. One pair of words costs one search unit."""

from lectern.adapters.cohere_api import CohereReranker
from lectern.adapters.examine_openai import Names, refusal
from lectern.adapters.provider import Provider
from lectern.errors import LecternError
from lectern.ops.findings import Finding

_SECONDS = 8


async def examine_reranker(provider: Provider, *, model: str, names: Names) -> list[Finding]:
    """Whether the reranker can be asked.

    Args:
        provider: Address and key.
        model: Its name there.
        names: The settings that a fault is mended with.
    """
    what = f"{model} at {provider.host}"
    try:
        await CohereReranker(provider, model=model, timeout_seconds=_SECONDS).rerank("yes", ["yes"])
    except LecternError as error:
        return [refusal(error, part="rerank", what=what, names=names)]
    return [Finding("rerank", "ok", f"{what} takes the key and ranks")]
