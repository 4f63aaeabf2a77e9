"""Kept conversations while Postgres is away: a quick clear refusal, and what was said meanwhile comes back."""

from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx2
import pytest
from tests.conftest import Client
from tests.conversation_rows import a_turn
from tests.conversations.people import ADA, AS_ADA, IDENTITIES
from tests.conversations.test_isolation import ALL, call
from tests.database_servers import Postgres, running_postgres
from tests.scripted import FixedIndex, hits

from lectern.adapters.sql_migrations import migrate
from lectern.app import create_app
from lectern.config import Settings
from lectern.ports import Ports
from lectern.wiring import build_ports

NOBODY_LISTENS = "postgresql://reader@127.0.0.1:9/turns"


def wired(folder: Path, address: str) -> tuple[Client, Ports]:
    """The app with its ports as they are made for this database, and who is signed in."""
    settings = Settings(_env_file=None, data_dir=folder, database_url=address)
    made = build_ports(settings, database_connections=2, search_threads=1)
    ports = replace(made, index=FixedIndex(hits()), identities=(IDENTITIES,))
    transport = httpx2.ASGITransport(create_app(settings, ports), raise_app_exceptions=False)
    return Client(transport=transport, base_url="http://lectern.test"), ports


async def eventually(client: Client, path: str, found: Callable[[Any], Any]) -> Any:
    """The answer that has what is waited for; breakers take a moment to try again."""
    with anyio.fail_after(90):
        while True:
            response = await client.get(path, headers=AS_ADA)
            if response.status_code == 200 and found(response.json()):
                return response.json()
            await anyio.sleep(0.2)


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A server that no other test uses, so that it can be stopped."""
    with running_postgres() as server:
        yield server


@pytest.fixture
async def served(tmp_path: Path, own_postgres: Postgres) -> AsyncGenerator[tuple[Client, Ports], None]:
    """The app on it, warm."""
    url = own_postgres.make("kept")
    migrate(url)
    client, ports = wired(tmp_path, url)
    await ports.store.warm()
    yield client, ports
    await client.aclose()
    await ports.store.close()


@pytest.mark.parametrize("route", ALL.values(), ids=ALL)
async def test_without_a_database_every_route_says_so(tmp_path: Path, route: tuple[str, str, Any]) -> None:
    """Each is a 503 that may be tried again, however often it is asked; who is not signed in is told that first."""
    client, ports = wired(tmp_path, NOBODY_LISTENS)
    for _ in range(7):  # the breaker opens at the fifth
        answer = await call(client, route, "6f2c1ac6-9f6e-4a57-8b61-111111111111", AS_ADA)
        assert answer[:2] == (503, "store_unavailable")
        assert "127.0.0.1" not in answer[2]
    assert (await call(client, route, "6f2c1ac6-9f6e-4a57-8b61-111111111111", {}))[0] == 401
    await client.aclose()
    await ports.store.close()


async def test_turns_that_waited_are_shown_when_they_are_written(
    served: tuple[Client, Ports], own_postgres: Postgres
) -> None:
    """What was said while Postgres was away is not in the list until it is back; then nothing is missing."""
    client, ports = served
    session = (await client.post("/api/chat/sessions", json={"title": "Kept"}, headers=AS_ADA)).json()["id"]
    await anyio.to_thread.run_sync(own_postgres.stop)
    await ports.store.save_turn(a_turn(session, who=ADA.id))
    assert (await client.get("/api/chat/sessions", headers=AS_ADA)).status_code == 503
    await anyio.to_thread.run_sync(own_postgres.start)
    body = await eventually(client, f"/api/chat/sessions/{session}", lambda body: body["messages"])
    assert [message["role"] for message in body["messages"]] == ["user", "assistant"]
    [listed] = (await eventually(client, "/api/chat/sessions", lambda body: body["sessions"]))["sessions"]
    assert (listed["title"], listed["message_count"]) == ("Kept", 2)
