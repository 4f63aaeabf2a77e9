"""The built-in index: SQLite's full-text search and a memory-mapped matrix, in a folder of this machine."""

from lectern.adapters.local_index.files import IndexFiles
from lectern.adapters.local_index.generation import holds_pages
from lectern.adapters.local_index.index import LocalIndex

__all__ = ["IndexFiles", "LocalIndex", "holds_pages"]
