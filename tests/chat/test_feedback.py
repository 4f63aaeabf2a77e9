"""Feedback on answers over HTTP."""

from typing import Any
from uuid import uuid4

import httpx2
import pytest
from tests.chat.people import ANNE, BEN, Ratings, bearer, logins
from tests.conftest import Client
from tests.identities import ListedPeople
from tests.scripted import FixedIndex, ScriptedLLM, hits, passage

from lectern.adapters.sql_store import SqlStore
from lectern.app import create_app
from lectern.config import Settings
from lectern.errors import LoginUnavailable
from lectern.ports import Feedback, Ports

TURN = str(uuid4())
ADDRESS = f"/chat/turns/{TURN}/feedback"


@pytest.fixture
def login_server() -> ListedPeople:
    """Who may sign in."""
    return logins()


@pytest.fixture
def ratings() -> Ratings:
    """One turn of Anne's."""
    return Ratings({TURN: ANNE})


@pytest.fixture
def client(store: SqlStore, settings: Settings, login_server: ListedPeople, ratings: Ratings) -> Client:
    """A client of an app with both."""
    ports = Ports(
        store, FixedIndex(hits(passage(1))), ScriptedLLM("Yes [1]."), identities=(login_server,), conversations=ratings
    )
    transport = httpx2.ASGITransport(create_app(settings, ports), raise_app_exceptions=False)
    return Client(transport=transport, base_url="http://lectern.test", headers=bearer(ANNE))


@pytest.mark.parametrize(("rating", "kept"), [("up", 1), ("down", -1), (1, 1), (-1, -1)])
@pytest.mark.parametrize("comment", [None, "", "  Outdated, since v2. 🦊 ", "x" * 2000])
async def test_a_rating_is_kept(client: Client, ratings: Ratings, rating: str | int, kept: int, comment: str) -> None:
    """Both ways to say it mean the same, a comment may go with it, and the answer says what was kept."""
    response = await client.post(ADDRESS, json={"rating": rating, "comment": comment})
    assert response.status_code == 200
    assert response.json() == {"message": "Thank you for the feedback.", "turn_id": TURN, "rating": kept}
    assert ratings.kept == [(Feedback(TURN, kept, (comment or "").strip()), ANNE.id)]


BAD_BODIES: dict[str, Any] = {
    "nothing": {},
    "no rating": {"comment": "Good."},
    "zero": {"rating": 0},
    "five": {"rating": 5},
    "true": {"rating": True},
    "text of a number": {"rating": "1"},
    "large letters": {"rating": "UP"},
    "null": {"rating": None},
    "list": {"rating": [1]},
    "long comment": {"rating": 1, "comment": "x" * 2001},
    "long blank comment": {"rating": 1, "comment": " " * 2001},
    "NUL": {"rating": 1, "comment": "\x00"},
    "comment that is none": {"rating": 1, "comment": {"a": 1}},
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES)
async def test_a_bad_rating_is_422(client: Client, ratings: Ratings, body: object) -> None:
    """The message names what is wrong in one short line, and nothing is kept."""
    response = await client.post(ADDRESS, json=body)
    assert response.status_code == 422
    assert 0 < len(response.json()["message"]) <= 200
    assert ratings.kept == []


async def test_only_what_may_be_read_may_be_rated(client: Client, ratings: Ratings) -> None:
    """A turn that is none, is unknown, or is another's is refused."""
    unknown = f"/chat/turns/{uuid4()}/feedback"
    refused = [
        await client.post("/chat/turns/no-id/feedback", json={"rating": 1}),
        await client.post(unknown, json={"rating": 1}),
        await client.post(ADDRESS, json={"rating": 1}, headers=bearer(BEN)),
        await client.post(ADDRESS, json={"rating": 1}, headers={"Authorization": "Bearer forged"}),
    ]
    errors = [(response.status_code, response.json()["error"]) for response in refused]
    assert errors == [(422, "invalid_request"), (404, "turn_not_found"), (403, "forbidden"), (401, "unauthorized")]
    assert ratings.kept == []


async def test_who_cannot_be_told_rates_nothing(client: Client, login_server: ListedPeople, ratings: Ratings) -> None:
    """While the login server is away, a reader with its token is not taken for a visitor."""
    login_server.trouble = LoginUnavailable()
    response = await client.post(ADDRESS, json={"rating": 1})
    assert response.status_code == 503
    assert response.json()["retryable"]
    assert ratings.kept == []


async def test_where_no_turn_is_kept_none_can_be_rated(client: Client, store: SqlStore, settings: Settings) -> None:
    """An app without kept conversations answers as for an unknown turn."""
    ports = Ports(store, FixedIndex(hits(passage(1))), ScriptedLLM("Yes [1]."))
    transport = httpx2.ASGITransport(create_app(settings, ports), raise_app_exceptions=False)
    async with Client(transport=transport, base_url="http://lectern.test") as bare:
        assert (await bare.post(ADDRESS, json={"rating": 1})).status_code == 404
