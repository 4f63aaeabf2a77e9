"""What a collection looks like: names, the fields of a payload, filters.

A collection holds points of four kinds. `chunk` points are searched; `document` points keep whole pages; one `words`
point a site keeps its vocabulary; one `control` point says which generation is current. Each but the last carries the
generation it appeared in (`since`) and the one it was gone in (`until`): a reader asks for those of one generation, so
an update is seen at once and as a whole when the control point changes.
"""

import re
import uuid
from collections.abc import Iterable, Sequence
from typing import Final

from lectern.adapters.qdrant_index.rest import Condition, QdrantRest

FORMAT: Final = 1
"""Version of all this; a collection of another one is refused."""

CHUNK: Final = "chunk"
WINDOW: Final = "window"
MEANING: Final = "meaning"
"""Names of the vectors: BM25 of the chunk, BM25 of the window that starts with it, and the embedding."""

FOREVER: Final = 2_000_000_000
"""The `until` of a point that is not gone; a number, so that one range finds the living."""

CONTROL_ID: Final = str(uuid.uuid5(uuid.NAMESPACE_URL, "lectern:control"))

_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "lectern:points")
_KEYWORDS: Final = ("kind", "site", "document", "route", "key", "holder")
_NUMBERS: Final = ("since", "until", "generation", "expires", "embedded")


def point_id(*parts: str | int) -> str:
    """A point's id: the same for the same thing in the same generation, so that a repeated write changes nothing."""
    return str(uuid.uuid5(_NAMESPACE, "\0".join(map(str, parts))))


def physical_name(alias: str, number: int) -> str:
    """The collection behind the alias."""
    return f"{alias}--v{number}"


def number_of(alias: str, name: str) -> int | None:
    """The number in a name of ours; None for a collection that is not ours."""
    match = re.fullmatch(re.escape(alias) + r"--v(\d{1,9})", name)
    return int(match[1]) if match else None


async def create(client: QdrantRest, name: str, dimensions: int | None) -> None:
    """Make a collection: BM25 always, embeddings when there are any.

    One shard: IDF is counted and changes are ordered within a shard, and a documentation site fits in one.
    """
    dense = {} if dimensions is None else {MEANING: dimensions}
    await client.create(name, dense=dense, sparse=(CHUNK, WINDOW))


async def create_indexes(client: QdrantRest, name: str) -> None:
    """Index what filters ask for; doing it again changes nothing."""
    for fields, kind in ((_KEYWORDS, "keyword"), (_NUMBERS, "integer")):
        for field in fields:
            await client.create_index(name, field, kind)


def equals(field: str, value: str | int) -> Condition:
    """The field has this value."""
    return {"key": field, "match": {"value": value}}


def any_of(field: str, values: Iterable[str]) -> Condition:
    """The field has one of these values."""
    return {"key": field, "match": {"any": list(values)}}


def between(field: str, *, above: int | None = None, at_most: int | None = None) -> Condition:
    """The field is a number within these bounds."""
    bounds = {"gt": above, "lte": at_most}
    return {"key": field, "range": {name: bound for name, bound in bounds.items() if bound is not None}}


def has_id(ids: Iterable[str]) -> Condition:
    """The point is one of these."""
    return {"has_id": list(ids)}


def every(*conditions: Condition) -> Condition:
    """All of these; none lets every point through."""
    return {"must": list(conditions)}


def living(generation: int, kinds: Sequence[str], *conditions: Condition, site: str | None = None) -> Condition:
    """Points of these kinds in one generation."""
    of_site = [] if site is None else [equals("site", site)]
    seen = [between("since", at_most=generation), between("until", above=generation)]
    return every(any_of("kind", kinds), *seen, *of_site, *conditions)
