"""The index port over a Qdrant server."""

from lectern.adapters.qdrant_index.connection import QdrantConnection
from lectern.adapters.qdrant_index.index import QdrantIndex

__all__ = ["QdrantConnection", "QdrantIndex"]
