"""Settings → what is on this machine: is it there, and how is it made. Imports as little as a look needs."""

import sqlite3

from lectern.adapters.local_index import IndexFiles, holds_pages
from lectern.config import Settings
from lectern.database_address import is_postgres


def migrate(settings: Settings) -> str:
    """Bring the database's schema up to date; return one sentence about what was done."""
    from lectern.adapters.sql_migrations import migrate as upgrade  # noqa: PLC0415 - imports alembic, 0.4 s

    return upgrade(settings.sqlalchemy_url)


def has_schema(settings: Settings) -> bool:
    """Whether conversations can be kept in their file; a server's schema is not looked at, and counts as there."""
    if is_postgres(settings.sqlalchemy_url):
        return True
    from lectern.adapters.sql_migrations import is_current  # noqa: PLC0415 - for a file only

    return is_current(settings.sqlalchemy_url)


def has_pages(settings: Settings) -> bool:
    """Whether the local index, the image's counted, holds a page; a damaged one counts: making it anew would fail."""
    try:
        generation = _index_files(settings).current()
        return generation is not None and holds_pages(generation)
    except (OSError, sqlite3.Error):
        return True


def indexed_content(settings: Settings) -> str | None:
    """The fingerprint of what the index was made from; None when that is not known.

    Of an index on another machine nothing is noted: it may have been deleted since.

    Raises:
        OSError: The note cannot be read.
    """
    return None if settings.qdrant_url else _index_files(settings).content()


def note_indexed_content(settings: Settings, fingerprint: str) -> None:
    """Note what the index was made from.

    Raises:
        OSError: It cannot be written.
    """
    if not settings.qdrant_url:
        _index_files(settings).note_content(fingerprint)


def _index_files(settings: Settings) -> IndexFiles:
    return IndexFiles(settings.index_dir, settings.image_index_dir)
