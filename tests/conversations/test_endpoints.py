"""The session API over HTTP, as front ends with a history call it."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from tests.conftest import Client, MakeClient
from tests.conversation_rows import START, a_turn, noted_statements
from tests.conversations.people import ADA, AS_ADA, AS_BOB
from tests.scripted import passage

from lectern.adapters.sql_conversations import SqlConversations
from lectern.adapters.sql_store import SqlStore
from lectern.events import Source
from lectern.ports import Outcome, Turn


async def test_a_new_session_has_what_front_ends_read(client: Client) -> None:
    """Beginning one answers with the session itself."""
    response = await client.post("/api/chat/sessions", json={"title": " Pure\n  reducers "}, headers=AS_ADA)
    body = response.json()
    assert response.status_code == 200
    UUID(body["id"])
    begun = datetime.fromisoformat(body["created_at"])
    assert begun.utcoffset() == timedelta(0)
    assert body == {
        "id": body["id"],
        "user_id": "ada",
        "title": "Pure reducers",
        "created_at": body["created_at"],
        "updated_at": body["created_at"],
        "is_active": True,
        "message_count": 0,
    }


@pytest.mark.parametrize("body", [None, b"", b"{}", b'{"title": null}', b'{"title": " \\n"}', b'{"title": "\\u0007"}'])
async def test_a_session_needs_no_title(client: Client, body: bytes | None) -> None:
    """Without one, or without any body, it has the name of a new conversation, and none in the database."""
    headers = AS_ADA | ({"Content-Type": "application/json"} if body is not None else {})
    response = await client.post("/api/chat/sessions", content=body, headers=headers)
    assert (response.status_code, response.json()["title"]) == (200, "New conversation")


async def test_sessions_are_listed_as_front_ends_page_them(client: Client) -> None:
    """`limit` and `offset` cut pages out of the list, the last used first; without them the page is of fifty."""
    titles = [f"Number {number}" for number in range(53)]
    for title in titles:
        await client.post("/api/chat/sessions", json={"title": title}, headers=AS_ADA)

    async def page(query: str) -> list[str]:
        body = (await client.get(f"/api/chat/sessions{query}", headers=AS_ADA)).json()
        assert list(body) == ["sessions"]
        return [session["title"] for session in body["sessions"]]

    newest = titles[::-1]
    assert await page("") == newest[:50]
    assert await page("?limit=10&offset=50") == newest[50:]
    assert await page("?limit=1") == newest[:1]
    assert await page("?limit=100&offset=100000") == []


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=-1", "limit=x", "offset=-1", "offset=100001", f"limit={'9' * 4000}"]
)
async def test_a_page_has_its_bounds(client: Client, query: str) -> None:
    """Nobody asks for everything at once, or for what only costs."""
    response = await client.get(f"/api/chat/sessions?{query}", headers=AS_ADA)
    assert (response.status_code, response.json()["error"]) == (422, "invalid_request")
    assert len(response.json()["message"]) <= 200


async def test_a_page_of_sessions_is_one_statement(
    client: Client, store: SqlStore, conversations: SqlConversations
) -> None:
    """However many sessions it has, and whatever turns they have, a page asks the database once."""
    for _ in range(100):
        begun = await conversations.start(ADA.id, "")
        await store.save_turn(a_turn(begun.id, who=ADA.id))
    statements = noted_statements(store)
    body = (await client.get("/api/chat/sessions?limit=100", headers=AS_ADA)).json()
    assert [session["message_count"] for session in body["sessions"]] == [2] * 100
    assert len(statements) == 1


async def test_a_turn_is_two_messages(client: Client, session: str, turn: Turn) -> None:
    """The question with what was highlighted, then the answer; their ids are their own and stay the same."""
    body = (await client.get(f"/api/chat/sessions/{session}", headers=AS_ADA)).json()
    assert body["session"]["message_count"] == 2
    assert body["omitted"] == 0
    asked, answered = body["messages"]
    assert asked == {
        "id": asked["id"],
        "session_id": session,
        "turn_id": turn.id,
        "role": "user",
        "content": "What is a reducer, 0?",
        "selected_text": "highlighted",
        "created_at": "2026-01-02T03:04:05.678901Z",
        "sources": [],
        "citations": [],
        "tool_calls": [],
        "outcome": None,
    }
    assert answered | {"citations": []} == {
        "id": turn.id,
        "session_id": session,
        "turn_id": turn.id,
        "role": "assistant",
        "content": "A function [1].",
        "selected_text": None,
        "created_at": "2026-01-02T03:04:05.699151Z",
        "sources": ["A › B"],
        "citations": [],
        "tool_calls": [],
        "outcome": "answered",
    }
    UUID(asked["id"])
    assert asked["id"] != turn.id
    again = (await client.get(f"/api/chat/sessions/{session}", headers=AS_ADA)).json()
    assert again == body


async def test_sources_are_lines_to_show_and_objects_to_link(client: Client) -> None:
    """A front end shows `sources` as text; `citations` are what `POST /chat` answered with."""
    answer = (await client.post("/chat", json={"message": "What is a reducer?"}, headers=AS_ADA)).json()
    body = (await client.get(f"/api/chat/sessions/{answer['session_id']}", headers=AS_ADA)).json()
    assert body["messages"][1]["citations"] == answer["sources"]
    assert body["messages"][1]["sources"] == [
        "Page 1 › Part: https://docs.example/page-1#part",
        "Page 2 › Part: https://docs.example/page-2#part",
    ]


async def test_what_the_task_assistant_called_is_told(client: Client, store: SqlStore, session: str) -> None:
    """With the answer, as it was kept."""
    calls = ({"tool_name": "complete_task", "parameters": {"task_id": 3}, "execution_status": "success"},)
    await store.save_turn(replace(a_turn(session, who=ADA.id), tool_calls=calls))
    body = (await client.get(f"/api/chat/sessions/{session}", headers=AS_ADA)).json()
    assert [message["tool_calls"] for message in body["messages"]] == [[], list(calls)]


async def test_a_source_that_was_kept_without_a_field_keeps_its_number(
    client: Client, store: SqlStore, session: str
) -> None:
    """What is missing of it, or was no number, is empty."""
    whole = Source.of(passage(2)).json()
    await store.save_turn(replace(a_turn(session, who=ADA.id), sources=({"id": "x", "score": None}, whole)))
    body = (await client.get(f"/api/chat/sessions/{session}", headers=AS_ADA)).json()
    bare, second = body["messages"][1]["citations"]
    assert (bare["chunk_id"], bare["score"], bare["href"], bare["heading_path"]) == ("x", 0.0, "", [])
    assert second["chunk_id"] == "id2"


@pytest.mark.parametrize("outcome", ["cancelled", "failed", "not_found"])
async def test_what_was_said_is_shown_however_it_ended(
    client: Client, store: SqlStore, session: str, outcome: Outcome
) -> None:
    """A turn that was cut off or failed has its two messages, with what came of the answer."""
    cut = replace(a_turn(session, who=ADA.id), outcome=outcome, answer="A fun", sources=(), timings={})
    await store.save_turn(cut)
    asked, answered = (await client.get(f"/api/chat/sessions/{session}", headers=AS_ADA)).json()["messages"]
    assert (answered["content"], answered["outcome"]) == ("A fun", outcome)
    assert answered["created_at"] == asked["created_at"]


async def test_a_long_session_is_read_in_parts(client: Client, store: SqlStore, session: str) -> None:
    """Without asking for less there are the last 200 turns, and how many messages came before; the rest can be had."""
    for minute in range(203):
        await store.save_turn(a_turn(session, minute, who=ADA.id))

    async def part(query: str = "") -> tuple[int, str, str, int]:
        body = (await client.get(f"/api/chat/sessions/{session}{query}", headers=AS_ADA)).json()
        assert body["session"]["message_count"] == 406
        messages = body["messages"]
        return len(messages), messages[0]["content"], messages[-2]["content"], body["omitted"]

    assert await part() == (400, "What is a reducer, 3?", "What is a reducer, 202?", 6)
    assert await part("?offset=200") == (6, "What is a reducer, 0?", "What is a reducer, 2?", 0)
    assert await part("?limit=1&offset=1") == (2, "What is a reducer, 201?", "What is a reducer, 201?", 402)
    beyond = (await client.get(f"/api/chat/sessions/{session}?offset=1000", headers=AS_ADA)).json()
    assert (beyond["messages"], beyond["omitted"]) == ([], 0)
    for query in ("limit=0", "limit=201", "offset=-1"):
        assert (await client.get(f"/api/chat/sessions/{session}?{query}", headers=AS_ADA)).status_code == 422


async def test_a_deleted_session_is_gone(client: Client, session: str, turn: Turn) -> None:
    """Deleting answers once with a message, then 404, and takes it out of the list."""
    response = await client.delete(f"/api/chat/sessions/{session}", headers=AS_ADA)
    assert (response.status_code, list(response.json())) == (200, ["message"])
    for path in (f"/api/chat/sessions/{session}", f"/api/chat/sessions/{session}/export"):
        assert (await client.get(path, headers=AS_ADA)).json()["error"] == "conversation_not_found"
    assert (await client.delete(f"/api/chat/sessions/{session}", headers=AS_ADA)).status_code == 404
    assert (await client.get("/api/chat/sessions", headers=AS_ADA)).json() == {"sessions": []}


async def test_deleting_the_history_takes_all_of_ones_own(client: Client, session: str, turn: Turn) -> None:
    """Every conversation of the reader goes, nobody else's, and the message says how many."""
    await client.post("/api/chat/sessions", headers=AS_ADA)
    kept = (await client.post("/api/chat/sessions", headers=AS_BOB)).json()
    response = await client.delete("/api/chat/history", headers=AS_ADA)
    assert (response.status_code, response.json()) == (200, {"message": "2 conversations were deleted."})
    assert (await client.get("/api/chat/sessions", headers=AS_ADA)).json() == {"sessions": []}
    assert (await client.get("/api/chat/sessions", headers=AS_BOB)).json() == {"sessions": [kept]}
    again = await client.delete("/api/chat/history", headers=AS_ADA)
    assert again.json() == {"message": "0 conversations were deleted."}


async def test_an_answer_goes_on_in_a_new_session(client: Client, session: str) -> None:
    """A session that was begun empty takes the turns of `POST /chat`, and comes to the top with them."""
    await client.post("/api/chat/sessions", headers=AS_ADA)
    answer = await client.post("/chat", json={"query": "What is it?", "session_id": session}, headers=AS_ADA)
    assert answer.json()["session_id"] == session
    first = (await client.get("/api/chat/sessions?limit=1", headers=AS_ADA)).json()["sessions"][0]
    assert (first["id"], first["message_count"], first["title"]) == (session, 2, "Reducers")


async def test_nothing_is_kept_by_caches(client: Client, session: str) -> None:
    """What readers said is for them only, errors about it included."""
    for path in ("", f"/{session}", f"/{uuid4()}", f"/{session}/export"):
        for headers in (AS_ADA, AS_BOB, {}):
            response = await client.get(f"/api/chat/sessions{path}", headers=headers)
            assert response.headers.get_list("cache-control") == ["private, no-store"]


async def test_the_last_used_is_what_a_front_end_goes_on_with(
    client: Client, store: SqlStore, conversations: SqlConversations
) -> None:
    """`?limit=1` brings the session of the last question, whatever was begun since, and it is active."""
    begun = await conversations.start(ADA.id, "")
    await conversations.start(ADA.id, "")
    await store.save_turn(replace(a_turn(begun.id, who=ADA.id), created_at=begun.created_at + timedelta(hours=1)))
    [first] = (await client.get("/api/chat/sessions?limit=1&offset=0", headers=AS_ADA)).json()["sessions"]
    assert (first["id"], first["is_active"], first["message_count"]) == (begun.id, True, 2)
    assert datetime.fromisoformat(first["updated_at"]) > START


async def test_where_no_conversations_are_kept_there_are_none(make_client: MakeClient) -> None:
    """Nobody is signed in where nobody can tell who it is."""
    response = await make_client().get("/api/chat/sessions", headers=AS_ADA)
    assert (response.status_code, response.json()["error"]) == (401, "unauthorized")
