"""The list of all pages, without their text: fetched once a generation and kept with what else is known of it."""

from typing import Final

from lectern.adapters.lexicon.pages import by_site
from lectern.adapters.qdrant_index import schema
from lectern.adapters.qdrant_index.connection import QdrantConnection
from lectern.adapters.qdrant_index.view import View
from lectern.ports import Page

FIELDS: Final = ("site", "document", "route", "title", "url")

_AT_ONCE: Final = 1000
"""Points of one request: 200 KB of these fields, where whole pages would be megabytes."""

_MOST_REQUESTS: Final = 50
"""A list ends after 50,000 pages, whatever is in the collection."""


async def read_pages(connection: QdrantConnection, view: View, site: str | None) -> tuple[Page, ...]:
    """The pages of a site in a generation, or of all.

    Raises:
        NoCollection: The collection was replaced in the meantime.
        IndexUnavailable: Qdrant cannot be asked.
    """
    if view.pages is None:
        view.pages = by_site(await _read(connection, view))
    return view.pages.get(site, ())


async def _read(connection: QdrantConnection, view: View) -> list[Page]:
    control = view.control
    condition = schema.living(control.generation, ["document"])
    found: list[Page] = []
    offset = None
    for _ in range(_MOST_REQUESTS):
        records, offset = await connection.read(
            lambda client, start=offset: client.scroll(  # type: ignore[misc]  # mypy knows no type for the default
                control.collection, condition, limit=_AT_ONCE, offset=start, fields=FIELDS
            )
        )
        found += [Page(*(record.payload[field] for field in FIELDS)) for record in records]
        if offset is None:
            break
    return sorted(found, key=lambda page: (page.site, page.path))
