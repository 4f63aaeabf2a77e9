"""The index port over a Qdrant server. Importing it takes a second, so only a configured one is imported."""

from lectern.adapters.qdrant_index.connection import QdrantConnection
from lectern.adapters.qdrant_index.index import QdrantIndex

__all__ = ["QdrantConnection", "QdrantIndex"]
