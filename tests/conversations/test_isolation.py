"""Whose a conversation is holds on every route: nobody, others, and ids that name nothing."""

from typing import Any
from uuid import uuid4

import pytest
from tests.conftest import Client, MakeClient
from tests.conversation_rows import spoken
from tests.conversations.people import AS_ADA, AS_BOB, IDENTITIES

from lectern.adapters.sql_conversations import SqlConversations
from lectern.adapters.sql_store import SqlStore
from lectern.api import ROUTERS
from lectern.conversations.endpoints import router
from lectern.ports import Turn

ONE: dict[str, tuple[str, str, Any]] = {
    "read": ("GET", "/api/chat/sessions/{id}", None),
    "export text": ("GET", "/api/chat/sessions/{id}/export?format=text", None),
    "export markdown": ("GET", "/api/chat/sessions/{id}/export?format=markdown", None),
    "export json": ("GET", "/api/chat/sessions/{id}/export?format=json", None),
    "rename": ("PATCH", "/api/chat/sessions/{id}/title", {"title": "Taken over"}),
    "delete": ("DELETE", "/api/chat/sessions/{id}", None),
}
ALL: dict[str, tuple[str, str, Any]] = ONE | {
    "list": ("GET", "/api/chat/sessions", None),
    "begin": ("POST", "/api/chat/sessions", {"title": "Mine"}),
    "delete all": ("DELETE", "/api/chat/history", None),
}


async def call(client: Client, route: tuple[str, str, Any], name: str, headers: dict[str, str]) -> tuple[int, str, str]:
    """The status, the code of the problem if it is one, and all of the answer."""
    method, path, body = route
    response = await client.request(method, path.replace("{id}", name), json=body, headers=headers)
    problem = response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["error"] if problem else "", response.text


def test_every_route_is_tried() -> None:
    """A route that is added to the session API has its row here."""
    assert router in ROUTERS
    there = {(method, route.path) for route in router.routes for method in route.methods}  # type: ignore[attr-defined]
    tried = {(method, path.partition("?")[0].replace("{id}", "{session_id}")) for method, path, _ in ALL.values()}
    assert tried == there


@pytest.mark.parametrize("route", ALL.values(), ids=ALL)
async def test_nobody_gets_in(client: Client, session: str, turn: Turn, route: tuple[str, str, Any]) -> None:
    """Without a valid token every route answers 401 and changes nothing."""
    for value in ("", "Bearer unknown", "Bearer old-token", "Bearer ", "Basic YTpi", "Bearer ada-tokenx", "ada-token"):
        status, code, text = await call(client, route, session, {"Authorization": value} if value else {})
        assert (status, code) == (401, "unauthorized"), value
        assert turn.answer not in text
    kept = (await client.get("/api/chat/sessions", headers=AS_ADA)).json()["sessions"]
    assert [(one["id"], one["title"], one["message_count"]) for one in kept] == [(session, "Reducers", 2)]


@pytest.mark.parametrize("route", ALL.values(), ids=ALL)
async def test_who_cannot_be_checked_is_asked_to_wait(client: Client, route: tuple[str, str, Any]) -> None:
    """While the login server is down nobody is let in, and nobody is told that the token is wrong."""
    status, code, _ = await call(client, route, str(uuid4()), {"Authorization": "Bearer unchecked-token"})
    assert (status, code) == (503, "login_unavailable")


@pytest.mark.parametrize("route", ONE.values(), ids=ONE)
async def test_anothers_session_is_forbidden(
    client: Client, session: str, turn: Turn, route: tuple[str, str, Any]
) -> None:
    """Who knows the id of another's conversation gets 403 and none of its text, and changes nothing."""
    status, code, text = await call(client, route, session, AS_BOB)
    assert (status, code) == (403, "forbidden")
    for secret in (turn.question, turn.answer, turn.context, "Reducers", "user:ada", "ada@"):
        assert secret not in text
    body = (await client.get(f"/api/chat/sessions/{session}", headers=AS_ADA)).json()
    assert (body["session"]["title"], len(body["messages"])) == ("Reducers", 2)
    assert (await client.get("/api/chat/sessions", headers=AS_BOB)).json() == {"sessions": []}


@pytest.mark.parametrize("route", ONE.values(), ids=ONE)
async def test_an_id_that_names_nothing_is_404(client: Client, route: tuple[str, str, Any]) -> None:
    """Whether it is an id or not: the conversation does not exist."""
    for name in (str(uuid4()), "no-uuid", "undefined", "null", "1", "%00", "%F0%9F%A6%8A", "x" * 5000, "..;"):
        assert (await call(client, route, name, AS_ADA))[:2] == (404, "conversation_not_found"), name


@pytest.mark.parametrize("route", ONE.values(), ids=ONE)
@pytest.mark.parametrize("owner", [None, "visitor:x"])
async def test_an_anonymous_session_is_for_whoever_knows_its_id(
    client: Client, store: SqlStore, route: tuple[str, str, Any], owner: str | None
) -> None:
    """A conversation that nobody could sign in for is reached by its id alone, by anybody who is signed in."""
    turn = await spoken(store, owner)
    assert (await call(client, route, turn.conversation_id, AS_BOB))[0] == 200


async def test_deleting_ones_history_leaves_others_alone(client: Client, store: SqlStore, session: str) -> None:
    """Neither another's, nor a visitor's, nor nobody's is one's own."""
    kept = [await spoken(store, owner) for owner in (None, "visitor:bob", "user:bob", "account:bobby")]
    await client.delete("/api/chat/history", headers=AS_BOB)
    for turn in kept:
        conversation = await store.history(turn.conversation_id, limit=1, principal_id=turn.principal_id)
        assert [one.id for one in conversation] == [turn.id]
    assert (await client.get(f"/api/chat/sessions/{session}", headers=AS_ADA)).status_code == 200


async def test_a_claimed_session_is_the_readers_own(
    client: Client, store: SqlStore, conversations: SqlConversations
) -> None:
    """What a visitor said is in the list of who it turned out to be, and nobody else reaches it any more."""
    turn = await spoken(store, "visitor:x")
    await conversations.claim("visitor:x", "user:ada")
    [listed] = (await client.get("/api/chat/sessions", headers=AS_ADA)).json()["sessions"]
    assert (listed["id"], listed["message_count"]) == (turn.conversation_id, 2)
    assert (await client.get(f"/api/chat/sessions/{turn.conversation_id}", headers=AS_BOB)).status_code == 403


@pytest.mark.parametrize("route", ALL.values(), ids=ALL)
async def test_pages_of_other_sites_may_not_ask(
    make_client: MakeClient, session: str, route: tuple[str, str, Any]
) -> None:
    """A page that is not listed gets nothing, reading included, even in a browser whose reader is signed in."""
    client = make_client(identities=(IDENTITIES,))
    headers = AS_ADA | {"Origin": "https://evil.example"}
    assert (await call(client, route, session, headers))[:2] == (403, "origin_not_allowed")
