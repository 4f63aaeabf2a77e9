"""What Qdrant holds against what questions bring; the engine is real."""

from collections.abc import AsyncGenerator

import pytest
from tests.adapters.conftest import MakeIndex
from tests.qdrant_server import QdrantServer, Refused
from tests.sample_pages import small_site
from tests.web_server import Answer, running_web

from lectern.adapters.examine_qdrant import Wanted, examine_qdrant
from lectern.adapters.qdrant_index import QdrantConnection, QdrantIndex, schema
from lectern.ops.findings import Finding

KEY = "qd-secret-key"


@pytest.fixture
async def connection(qdrant: QdrantServer) -> AsyncGenerator[QdrantConnection, None]:
    """A connection of the check's own."""
    connection = QdrantConnection(qdrant.url, api_key=KEY, read_seconds=30)
    yield connection
    await connection.close()


async def examine(
    connection: QdrantConnection, alias: str, model: str | None = None, dimensions: int | None = None
) -> dict[str, Finding]:
    """The findings by name."""

    async def length() -> int | None:
        return dimensions

    findings = await examine_qdrant(connection, alias=alias, wanted=Wanted(model, length))
    assert not any(KEY in finding.found + finding.fix for finding in findings)
    return {finding.name: finding for finding in findings}


async def embed(index: QdrantIndex, model: str, length: int, *, all_of_them: bool = True) -> None:
    """Give chunks a vector."""
    async with index.update("bakery") as update:
        pending = await update.unembedded(model)
        keys = [key for key, _ in pending][: None if all_of_them else 1]
        await update.put_vectors({key: [1.0] * length for key in keys}, model)


async def test_a_collection_that_fits_is_told(bakery: QdrantIndex, connection: QdrantConnection, name: str) -> None:
    """Pages, chunks, model and dimensions."""
    await embed(bakery, "topics", 3)
    found = await examine(connection, name, "topics", 3)
    assert {finding.state for finding in found.values()} == {"ok"}
    assert f"{len(small_site())} pages" in found["qdrant pages"].found
    assert found["qdrant vectors"].found == "topics, 3 dimensions"


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        (("topics", 4), ("fail", "but questions are embedded with topics, 4 dimensions", "embeds all pages anew")),
        (("others", 3), ("fail", "topics, 3 dimensions, but questions are embedded with others", "back to topics")),
        (("topics", None), ("ok", "could not be asked", "")),
        ((None, None), ("warn", "no configured model asks with", "EMBEDDING_MODEL")),
    ],
)
async def test_vectors_that_do_not_fit_are_named(
    bakery: QdrantIndex,
    connection: QdrantConnection,
    name: str,
    asked: tuple[str | None, int | None],
    wanted: tuple[str, str, str],
) -> None:
    """Another model, or another length under the same name."""
    await embed(bakery, "topics", 3)
    finding = (await examine(connection, name, *asked))["qdrant vectors"]
    state, found, fix = wanted
    assert finding.state == state
    assert found in finding.found
    assert fix in finding.fix


async def test_vectors_that_are_missing_are_named(bakery: QdrantIndex, connection: QdrantConnection, name: str) -> None:
    """None at all, then some of them."""
    finding = (await examine(connection, name, "topics", 3))["qdrant vectors"]
    assert (finding.state, "none yet" in finding.found) == ("warn", True)
    assert (await examine(connection, name))["qdrant vectors"].state == "skipped"
    await embed(bakery, "topics", 3, all_of_them=False)
    finding = (await examine(connection, name, "topics", 3))["qdrant vectors"]
    assert (finding.state, "for 1 of " in finding.found) == ("warn", True)


async def test_points_that_others_removed_are_missed(
    bakery: QdrantIndex, connection: QdrantConnection, name: str
) -> None:
    """What was committed is counted again."""
    chunks = schema.living(1_000_000, [schema.CHUNK])
    await connection.client.delete(name, chunks)
    finding = (await examine(connection, name))["qdrant pages"]
    assert (finding.state, " 0 chunks" in finding.found) == ("warn", True)
    assert "ingest" in finding.fix


async def test_a_collection_that_is_not_there_or_not_ours_is_named(
    make: MakeIndex, connection: QdrantConnection, qdrant: QdrantServer, name: str
) -> None:
    """An ingest makes the first; another name avoids the second."""
    finding = (await examine(connection, name))["qdrant pages"]
    assert (finding.state, finding.found) == ("warn", f"no collection is named {name} yet")
    await schema.create(connection.client, name, None)
    finding = (await examine(connection, name))["qdrant pages"]
    assert (finding.state, "was not made by Lectern" in finding.found) == ("fail", True)
    assert finding.fix == "Set another QDRANT_COLLECTION."


@pytest.mark.parametrize(("status", "fix"), [(401, "set QDRANT_API_KEY"), (403, "QDRANT_API_KEY"), (500, "QDRANT_URL")])
async def test_a_refusal_is_named(
    connection: QdrantConnection, qdrant: QdrantServer, name: str, status: int, fix: str
) -> None:
    """By its status; the server's text is not told."""

    def refuse(_: str) -> None:
        raise Refused(status, f"the key {KEY} is wrong")

    qdrant.fault = refuse
    found = await examine(connection, name)
    assert list(found) == ["qdrant"]
    assert (found["qdrant"].state, f"status {status}" in found["qdrant"].found) == ("fail", True)
    assert fix in found["qdrant"].fix


async def test_a_wrong_key_is_named(connection: QdrantConnection, qdrant: QdrantServer, name: str) -> None:
    """The server asks for another one."""
    qdrant.key = "another"
    assert "QDRANT_API_KEY" in (await examine(connection, name))["qdrant"].fix


async def test_what_is_no_qdrant_is_named(name: str) -> None:
    """A page instead of an answer, a 404, and nobody."""
    with running_web({"GET /collections": Answer(200, b"<html>")}) as page, running_web({}) as empty:
        for url in (page.url, empty.url, "http://127.0.0.1:9"):
            connection = QdrantConnection(url)
            finding = (await examine(connection, name))["qdrant"]
            await connection.close()
            assert (finding.state, "QDRANT_URL" in finding.fix) == ("fail", True)
