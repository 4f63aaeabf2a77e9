"""The chat API over HTTP: what front ends send and read."""

import asyncio
import json
import uuid
from typing import Any

import pytest
from tests.conftest import Client, MakeClient
from tests.scripted import FixedIndex, ScriptedLLM, hits, passage

from lectern.adapters.sql_store import SqlStore
from lectern.config import Settings
from lectern.errors import ConversationNotFound, IndexUnavailable, UpstreamTimeout
from lectern.ports import Hits, Vector

SSE = {"Accept": "text/event-stream"}


def events(body: str) -> list[tuple[str, str, Any]]:
    """`(event, id, data)` of each frame, comments left out."""
    found = []
    for block in body.split("\n\n")[:-1]:
        if block.startswith(":"):
            continue
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append((fields["event"], fields["id"], json.loads(fields["data"])))
    return found


async def test_an_answer_has_everything_both_front_ends_read(client: Client) -> None:
    """One object carries both clients' names, its sources link to the section, and `slug` has no leading slash."""
    response = await client.post("/chat", json={"message": "What is a reducer?"})
    assert response.status_code == 200
    body = response.json()
    assert body["message"] == body["response"] == "Reducers are pure [1]."
    uuid.UUID(body["session_id"])
    assert body["sources"][0] == {
        "chunk_id": "id1",
        "title": "Page 1",
        "slug": "page-1",
        "score": 1.0,
        "site": "docs",
        "document": "page-1.md",
        "heading_path": ["Part"],
        "url": "https://docs.example/page-1",
        "anchor": "part",
        "href": "https://docs.example/page-1#part",
        "quote": "Reducers are pure.",
    }
    metadata = body["metadata"]
    assert metadata["tokens_used"] == 102
    assert metadata["context_chunks"] == 2
    assert metadata["response_time_ms"] > 0


async def test_the_other_front_ends_names_are_understood(make_client: MakeClient) -> None:
    """`query` and `selected_text` are the same fields as `message` and `context`."""
    llm = ScriptedLLM("Yes [1].")
    response = await make_client(llm=llm).post("/chat", json={"query": "explain this", "selected_text": "a reducer"})
    assert response.json()["response"] == "Yes [1]."
    assert "The reader highlighted this text:\na reducer" in llm.prompts[0].messages[-1].content


async def test_a_session_goes_on(client: Client, store: SqlStore) -> None:
    """With the session's id the next turn lands in the same conversation."""
    first = (await client.post("/chat", json={"message": "What is a reducer?"})).json()
    second = (await client.post("/chat", json={"message": "and why?", "session_id": first["session_id"]})).json()
    assert second["session_id"] == first["session_id"]
    turns = await store.history(first["session_id"], limit=9)
    assert [turn.question for turn in turns] == ["What is a reducer?", "and why?"]


@pytest.mark.parametrize("way", ["header", "field"])
async def test_the_same_as_a_stream(client: Client, way: str) -> None:
    """The events come in order, each with the position after it, and exactly one `done` ends them."""
    body = {"message": "What is a reducer?"} | ({"stream": True} if way == "field" else {})
    response = await client.post("/chat", json=body, headers=SSE if way == "header" else {})
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "private, no-store"
    seen = events(response.text)
    assert [name for name, _, _ in seen] == ["started", "sources", "delta", "delta", "done"]
    assert [number for _, number, _ in seen] == ["1", "2", "9002", "22002", "22003"]
    assert seen[1][2]["sources"][0]["href"] == "https://docs.example/page-1#part"
    assert "".join(data["text"] for name, _, data in seen if name == "delta") == "Reducers are pure [1]."


async def test_a_stream_that_fails_ends_with_failed(make_client: MakeClient) -> None:
    """After the first byte a failure is an event, and the only last one."""
    client = make_client(llm=ScriptedLLM("Reducers", UpstreamTimeout()))
    seen = events((await client.post("/chat", json={"message": "What is a reducer?"}, headers=SSE)).text)
    assert [name for name, _, _ in seen] == ["started", "sources", "delta", "failed"]
    assert seen[-1][2] == {
        "code": "upstream_timeout",
        "message": "The language model did not answer in time.",
        "retryable": True,
    }


class LateIndex(FixedIndex):
    """Answers, or fails, only after the patience with silence is over."""

    async def search(
        self, query: str, *, vector: Vector | None = None, limit: int = 5, site: str | None = None
    ) -> Hits:
        """Find, late."""
        await asyncio.sleep(0.05)  # its timer ends after that of the patience, however slow the machine
        return await super().search(query, vector=vector, limit=limit, site=site)


async def test_a_sleeping_index_is_told_of(make_client: MakeClient, settings: Settings) -> None:
    """The stream begins before retrieval is done; the one object waits as it always does."""
    hasty = settings.model_copy(update={"waking_seconds": 0.01})
    client = make_client(index=LateIndex(hits(passage(1))), changed=hasty)
    seen = events((await client.post("/chat", json={"message": "What is a reducer?"}, headers=SSE)).text)
    assert [name for name, _, _ in seen] == ["started", "waking", "sources", "delta", "delta", "done"]
    assert [number for _, number, _ in seen] == ["1", "2", "3", "9003", "22003", "22004"]
    assert seen[1][2] == {"part": "index"}
    response = await client.post("/chat", json={"message": "What is a reducer?"})
    assert response.json()["message"] == "Reducers are pure [1]."


async def test_a_late_error_is_an_event_of_a_stream_only(make_client: MakeClient, settings: Settings) -> None:
    """After `started` it is a `failed`; without a stream it still has its own status."""
    hasty = settings.model_copy(update={"waking_seconds": 0.01})
    client = make_client(index=LateIndex(IndexUnavailable()), changed=hasty)
    seen = events((await client.post("/chat", json={"message": "What is a reducer?"}, headers=SSE)).text)
    assert [name for name, _, _ in seen] == ["started", "waking", "failed"]
    assert seen[2][2]["code"] == "index_unavailable"
    response = await client.post("/chat", json={"message": "What is a reducer?"})
    assert (response.status_code, response.json()["error"]) == (503, "index_unavailable")


async def test_a_json_answer_that_fails_has_its_status(make_client: MakeClient) -> None:
    """The same failure without a stream is a problem body with the error's own status."""
    client = make_client(llm=ScriptedLLM("Reducers", UpstreamTimeout()))
    response = await client.post("/chat", json={"message": "What is a reducer?"})
    assert response.status_code == 504
    assert response.json()["error"] == "upstream_timeout"


@pytest.mark.parametrize("headers", [{}, SSE], ids=["json", "stream"])
async def test_an_unknown_session_is_404(client: Client, headers: dict[str, str]) -> None:
    """Streaming or not, an unknown session is refused with a status, before anything is sent or kept."""
    body = {"message": "and why?", "session_id": str(uuid.uuid4())}
    response = await client.post("/chat", json=body, headers=headers)
    assert response.status_code == 404
    assert response.json()["error"] == "conversation_not_found"


BAD_BODIES: dict[str, tuple[Any, int]] = {
    "empty object": ({}, 422),
    "blank": ({"message": "  \n "}, 422),
    "NUL": ({"message": "a\x00b"}, 422),
    "NUL in the context": ({"message": "a", "context": "\x00"}, 422),
    "number": ({"message": 5}, 422),
    "list": (["message"], 422),
    "null": (None, 422),
    "too long": ({"message": "x" * 8001}, 422),
    "long context": ({"message": "x", "context": "x" * 8001}, 422),
    "session that is no id": ({"message": "a", "session_id": "1; drop table turns"}, 422),
}


@pytest.mark.parametrize(("body", "status"), BAD_BODIES.values(), ids=BAD_BODIES)
async def test_a_bad_body_is_a_clear_short_4xx(client: Client, store: SqlStore, body: object, status: int) -> None:
    """Nothing reaches the pipeline; the message names what is wrong in one short line."""
    response = await client.post("/chat", json=body)
    assert response.status_code == status
    problem = response.json()
    assert problem["error"] == "invalid_request"
    assert problem["detail"] == problem["message"]
    assert 0 < len(problem["message"]) <= 200


RAW_BODIES: dict[str, tuple[bytes, str, int]] = {
    "not JSON": (b"message=hi", "application/json", 422),
    "empty": (b"", "application/json", 422),
    "not UTF-8": (b'{"message": "\xff\xfe"}', "application/json", 422),
    "lone surrogate": (rb'{"message": "\ud800"}', "application/json", 422),
    "nested 100,000 deep": (b'{"message": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "application/json", 422),
    "another content type": (b'{"message": "hi"}', "text/plain", 415),
    "a form": (b"message=hi", "application/x-www-form-urlencoded", 415),
    "no content type": (b'{"message": "hi"}', "", 415),
    "10 MB": (b'{"message": "' + b"x" * 10_000_000 + b'"}', "application/json", 413),
}


@pytest.mark.parametrize(("content", "media_type", "status"), RAW_BODIES.values(), ids=RAW_BODIES)
async def test_a_body_that_is_no_json_is_a_clear_4xx(
    client: Client, content: bytes, media_type: str, status: int
) -> None:
    """Whatever bytes come, the answer is a short problem body."""
    response = await client.post("/chat", content=content, headers={"Content-Type": media_type} if media_type else {})
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert len(response.content) < 1000


async def test_a_large_body_without_a_length_is_cut_off(client: Client) -> None:
    """A body sent in chunks is counted while it is read."""

    async def chunks() -> Any:  # an async generator; the client's own type for it is private
        for _ in range(40):
            yield b"x" * 10_000

    response = await client.post("/chat", content=chunks(), headers={"Content-Type": "application/json"})
    assert response.status_code == 413
    assert response.json()["error"] == "payload_too_large"


async def test_search_finds_sections(client: Client) -> None:
    """The best sections with a snippet and a link, and no answer."""
    body = (await client.post("/search", json={"query": "reducer", "top_k": 1})).json()
    assert body["query"] == "reducer"
    assert body["results"] == [
        {
            "chunk_id": "id1",
            "title": "Page 1",
            "slug": "page-1",
            "snippet": "Reducers are pure.",
            "score": 1.0,
            "heading_path": ["Part"],
            "href": "https://docs.example/page-1#part",
        }
    ]


@pytest.mark.parametrize("number", [1, 1.0])
async def test_a_whole_number_is_one_however_json_writes_it(client: Client, number: float) -> None:
    """JSON Schema's integers have `1.0` among them."""
    response = await client.post("/search", json={"query": "reducer", "top_k": number})
    assert (response.status_code, len(response.json()["results"])) == (200, 1)


@pytest.mark.parametrize(
    "body",
    [{"query": ""}, {}, *({"query": "x", "top_k": number} for number in (0, 999, True, "5", 1.5))],
)
async def test_a_bad_search_is_422(client: Client, body: dict[str, Any]) -> None:
    """Limits hold for a search too."""
    assert (await client.post("/search", json=body)).status_code == 422


async def test_a_deleted_session_is_gone(client: Client, store: SqlStore) -> None:
    """Deleting answers 200 once, then 404; its turns are gone."""
    session = (await client.post("/chat", json={"message": "What is a reducer?"})).json()["session_id"]
    assert (await client.delete(f"/chat/sessions/{session}")).status_code == 200
    assert (await client.delete(f"/chat/sessions/{session}")).status_code == 404
    with pytest.raises(ConversationNotFound):
        await store.history(session, limit=1)


async def test_nothing_found_is_an_answer(make_client: MakeClient) -> None:
    """An empty index answers 200 and says that it found nothing."""
    response = await make_client(index=FixedIndex(hits(confidence=0))).post("/chat", json={"message": "What is it?"})
    assert response.status_code == 200
    assert response.json()["metadata"]["outcome"] == "not_found"
