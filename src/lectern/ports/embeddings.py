"""What retrieval needs from an embedding model."""

from collections.abc import Sequence
from typing import Literal, Protocol

from lectern.ports.part import Part

Vector = Sequence[float]


class Embeddings(Protocol):
    """Turns texts into vectors."""

    @property
    def model(self) -> str:
        """The model's name; vectors of different models are never compared."""
        ...

    async def embed(self, texts: Sequence[str], *, purpose: Literal["document", "query"]) -> list[Vector]:
        """Return one vector of unit length a text, in order.

        Raises:
            UpstreamTimeout: The provider did not answer in time.
            UpstreamUnavailable: The provider failed, or sent what is no vector (wrong count, NaN, uneven lengths).
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
