"""Whether Qdrant takes the key, and whether what it holds can be searched with the vectors that questions get."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from lectern.adapters.provider import StatusError
from lectern.adapters.qdrant_index import schema
from lectern.adapters.qdrant_index.connection import NoCollection, QdrantConnection, brief
from lectern.adapters.qdrant_index.control import Control, read_control
from lectern.errors import IndexUnavailable
from lectern.ops.findings import Finding

_INGEST: Final = "Ingest: ./entrypoint.sh ingest PATH --base-url URL."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What questions bring.

    Attributes:
        model: Their embedding model; None for retrieval by words.
        dimensions: Tells the length of its vectors, or None when it makes none now.
    """

    model: str | None
    dimensions: Callable[[], Awaitable[int | None]]


async def examine_qdrant(connection: QdrantConnection, *, alias: str, wanted: Wanted) -> list[Finding]:
    """Ask for what is there; changes nothing.

    Args:
        connection: The server.
        alias: `QDRANT_COLLECTION`.
        wanted: What questions bring.
    """
    where = f"Qdrant at {connection.host}"
    try:
        known = await connection.read(lambda client: client.collections())
    except (NoCollection, IndexUnavailable) as error:
        return [Finding("qdrant", "fail", f"{where}: {brief(error.__cause__)}", _fix(error.__cause__))]
    here = Finding("qdrant", "ok", f"{where} takes the key, {len(known)} collections")
    try:
        return [here, *await _examine_collection(connection, alias, wanted)]
    except NoCollection:
        return [here, Finding("qdrant pages", "warn", f"no collection is named {alias} yet", _INGEST)]
    except IndexUnavailable as error:
        if error.__cause__ is None:  # the collection is not ours, and the message says so
            return [here, Finding("qdrant pages", "fail", error.message, "Set another QDRANT_COLLECTION.")]
        return [here, Finding("qdrant pages", "fail", f"{alias}: {brief(error.__cause__)}", _fix(error.__cause__))]


async def _examine_collection(connection: QdrantConnection, alias: str, wanted: Wanted) -> list[Finding]:
    """What the collection behind the alias holds.

    Raises:
        NoCollection: There is none.
        IndexUnavailable: It cannot be read, or is not ours.
    """
    control = await read_control(connection, alias)
    sizes = await connection.read(lambda client: client.vector_sizes(control.collection))
    living = schema.living(control.generation, [schema.CHUNK])
    held = await connection.read(lambda client: client.count(control.collection, living))
    return [
        _pages(control, held),
        _vectors(control, sizes.get(schema.MEANING), wanted.model, await wanted.dimensions()),
    ]


def _pages(control: Control, held: int) -> Finding:
    """Whether the chunks that a reader would be searched for are all there."""
    sites = control.sites
    pages, chunks = (sum(getattr(counts, what) for counts in sites.values()) for what in ("documents", "chunks"))
    names = f"site {next(iter(sites))}" if len(sites) == 1 else f"{len(sites)} sites"
    found = f"{pages} pages, {held} chunks, {names}, in {control.collection}"
    if not pages:
        return Finding("qdrant pages", "warn", f"{control.collection} is empty", _INGEST)
    if held != chunks:
        found += f"; {chunks} chunks were committed"
        return Finding(
            "qdrant pages", "warn", found, "Points were removed by others: delete the collection and ingest."
        )
    return Finding("qdrant pages", "ok", found)


def _vectors(control: Control, size: int | None, model: str | None, dimensions: int | None) -> Finding:
    """Whether the vectors held are of the model and length that a question's are."""
    name = "qdrant vectors"
    if size is None or not control.model:
        if model is None:
            return Finding(name, "skipped", "no embedding model, so retrieval is by words")
        return Finding(name, "warn", f"none yet, so {model} is not used and retrieval is by words", _INGEST)
    held = f"{control.model}, {size} dimensions"
    if model is None:
        fix = "Set EMBEDDING_MODEL to that model, or leave it: retrieval is by words."
        return Finding(name, "warn", f"{held}, which no configured model asks with", fix)
    if (control.model, control.dimensions) != (model, size) or dimensions not in {None, size}:
        fix = f"Ingest again, which embeds all pages anew, or set EMBEDDING_MODEL back to {control.model}."
        asked = f"{model}, {dimensions or 'unknown'} dimensions"
        return Finding(name, "fail", f"{held}, but questions are embedded with {asked}", fix)
    embedded, chunks = (sum(getattr(c, what) for c in control.sites.values()) for what in ("embedded", "chunks"))
    if embedded < chunks:
        return Finding(
            name, "warn", f"{held}, for {embedded} of {chunks} chunks", "Ingest again, which makes the rest."
        )
    unsure = "" if dimensions is not None else "; the model could not be asked for its own"
    return Finding(name, "ok", f"{held}{unsure}")


def _fix(cause: BaseException | None) -> str:
    status = cause.status if isinstance(cause, StatusError) else None
    match status:
        case 401 | 403:
            return "The key is missing, wrong or too weak: set QDRANT_API_KEY; an ingest wants one that may write."
        case int():
            return "Look at the server's log and at QDRANT_URL: REST, not gRPC's port 6334."
        case _:
            return "Look at the finding on reaching it, and at QDRANT_URL: REST, not gRPC's port 6334."
