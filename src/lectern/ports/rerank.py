"""What retrieval needs from a model that judges passages."""

from collections.abc import Sequence
from typing import Protocol

from lectern.ports.part import Part


class Reranker(Protocol):
    """Says how well each of a few texts answers a query; slower than an index, and better."""

    async def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        """Return one relevance a text, in the order of the texts; higher is better.

        Raises:
            UpstreamTimeout: The provider did not answer in time.
            UpstreamUnavailable: The provider failed, or sent what is no score a text.
            UpstreamRejected: The provider refused the key, the model or the request.
        """
        ...

    def describe(self) -> Part:
        """What stands behind this port, from memory."""
        ...

    async def warm(self) -> None:
        """Make the first call cheap. Costs nothing at a provider."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...
