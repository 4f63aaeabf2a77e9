"""`/api/chat` over HTTP in this process: streams, resume, stop, what is kept, and how errors are told."""

import asyncio
import json
from typing import Any

import httpx2
import pytest
from tests.ai_sdk.test_reading import message
from tests.chat.people import ANNE, BEN, bearer, logins
from tests.conftest import Client, MakeClient
from tests.formats.frames import frames
from tests.formats.legal_ai_sdk import text_of_legal_stream
from tests.scripted import FixedIndex, ScriptedLLM

from lectern.errors import IndexUnavailable, UpstreamTimeout

CHAT = "xK3b9QpLz0aTf7Wm"


def body(*texts: str, chat_id: str = CHAT) -> dict[str, Any]:
    """What `useChat` sends when its reader has asked these, and was answered each time but the last."""
    spoken = [message("user", texts[0])]
    for text in texts[1:]:
        spoken += [message("assistant", "Reducers are pure [1]."), message("user", text)]
    return {"id": chat_id, "messages": spoken, "trigger": "submit-message"}


def parts(response: httpx2.Response) -> list[dict[str, Any]]:
    """The parts of a stream."""
    assert response.status_code == 200, response.text
    return [json.loads(frame.data) for frame in frames(response.content) if frame.data != "[DONE]"]


def part(response: httpx2.Response, kind: str) -> dict[str, Any]:
    """The one part of a kind."""
    [found] = [each for each in parts(response) if each["type"] == kind]
    return found


@pytest.fixture
def llm() -> ScriptedLLM:
    """The model, which remembers what it was shown."""
    return ScriptedLLM("Reducers ", "are pure [1].")


@pytest.fixture
def client(make_client: MakeClient, llm: ScriptedLLM) -> Client:
    """A client of an app with logins."""
    return make_client(llm=llm, identities=(logins(),))


async def test_a_question_is_answered_with_a_legal_stream(client: Client) -> None:
    """With the headers that the protocol's own server sends."""
    response = await client.post("/api/chat", json=body("What is a reducer?"))
    assert text_of_legal_stream(response.content) == "Reducers are pure [1]."
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["x-vercel-ai-ui-message-stream"] == "v1"
    assert response.headers["x-accel-buffering"] == "no"
    assert "no-store" in response.headers["cache-control"]
    assert part(response, "finish")["messageMetadata"]["outcome"] == "answered"
    assert len([each for each in parts(response) if each["type"] == "source-url"]) == 2


async def test_a_client_that_says_its_version_gets_what_that_knows(client: Client) -> None:
    """Without it nothing that the oldest one does not know."""
    old = await client.post("/api/chat", json=body("What is a reducer?"))
    new = await client.post("/api/chat", json=body("What is a reducer?"), headers={"X-AI-SDK-Version": "7"})
    assert "finishReason" not in part(old, "finish")
    assert part(new, "finish")["finishReason"] == "stop"


async def test_a_turn_lands_in_the_readers_kept_conversation(client: Client) -> None:
    """Both turns of a chat in one session, named after its first question; the message's id is the turn's."""
    await client.post("/api/chat", json=body("What is a reducer?"), headers=bearer(ANNE))
    second = await client.post("/api/chat", json=body("What is a reducer?", "And why?"), headers=bearer(ANNE))
    [session] = (await client.get("/api/chat/sessions", headers=bearer(ANNE))).json()["sessions"]
    assert (session["title"], session["message_count"]) == ("What is a reducer?", 4)
    assert part(second, "finish")["messageMetadata"]["conversation_id"] == session["id"]
    read = (await client.get(f"/api/chat/sessions/{session['id']}", headers=bearer(ANNE))).json()
    assert read["messages"][-1]["id"] == part(second, "start")["messageId"]


async def test_a_chat_whose_id_is_a_session_goes_on_with_it(client: Client) -> None:
    """Whichever client began it."""
    session = (await client.post("/chat", json={"message": "What is a reducer?"}, headers=bearer(ANNE))).json()
    answered = await client.post(
        "/api/chat", json=body("And why?", chat_id=session["session_id"]), headers=bearer(ANNE)
    )
    assert part(answered, "data-started")["data"]["conversation_id"] == session["session_id"]


async def test_the_model_is_shown_the_history_that_the_client_sends(client: Client, llm: ScriptedLLM) -> None:
    """Also in a chat that this service has never seen."""
    await client.post("/api/chat", json=body("What is a reducer?", "And why?"))
    assert [shown.content for shown in llm.prompts[0].messages[1:3]] == ["What is a reducer?", "Reducers are pure [1]."]


async def test_a_question_alone_is_answered_after_what_was_kept(client: Client, llm: ScriptedLLM) -> None:
    """For apps that send no history."""
    await client.post("/api/chat", json={"id": CHAT, "message": message("user", "What is a reducer?")})
    await client.post("/api/chat", json={"id": CHAT, "message": message("user", "And why?")})
    assert "What is a reducer?" in [shown.content for shown in llm.prompts[1].messages]


async def test_an_answer_is_written_again(client: Client, llm: ScriptedLLM) -> None:
    """Whether the client sends its history or only says so; the answer before is not shown to the model."""
    first = body("What is a reducer?")
    answered = await client.post("/api/chat", json=first)
    turn = part(answered, "start")["messageId"]
    whole = await client.post("/api/chat", json=first | {"trigger": "regenerate-message", "messageId": turn})
    lean = await client.post("/api/chat", json={"id": CHAT, "trigger": "regenerate-message", "messageId": turn})
    assert text_of_legal_stream(lean.content) == text_of_legal_stream(whole.content) == "Reducers are pure [1]."
    assert len({turn, part(whole, "start")["messageId"], part(lean, "start")["messageId"]}) == 3
    assert all(prompt.messages == llm.prompts[0].messages for prompt in llm.prompts)


async def test_the_same_key_is_one_turn(client: Client, llm: ScriptedLLM) -> None:
    """A client that sends again what it could not know to have arrived is answered the same, and asked once."""
    headers = {"Idempotency-Key": "a-key-of-the-clients"} | bearer(ANNE)
    once = client.post("/api/chat", json=body("What is a reducer?"), headers=headers)
    twice = client.post("/api/chat", json=body("What is a reducer?"), headers=headers)
    first, second = await asyncio.gather(once, twice)
    assert part(first, "start") == part(second, "start")
    assert len(llm.prompts) == 1


async def test_a_short_id_is_its_readers_own(client: Client) -> None:
    """A front end that calls each chat `1` mixes nobody's; whoever keeps no cookies gets a new one each time."""
    found = []
    for headers in (bearer(ANNE), bearer(ANNE), bearer(BEN), {}, {}):
        client.cookies.clear()
        answered = await client.post("/api/chat", json=body("What is a reducer?", chat_id="1"), headers=headers)
        found.append(part(answered, "data-started")["data"]["conversation_id"])
    assert found[0] == found[1]
    assert len(set(found)) == 4


async def test_anothers_chat_is_refused(client: Client, llm: ScriptedLLM) -> None:
    """In the words for its reader, before the model is asked."""
    await client.post("/api/chat", json=body("What is a reducer?"), headers=bearer(ANNE))
    refused = await client.post("/api/chat", json=body("And why?"), headers=bearer(BEN))
    assert (refused.status_code, refused.text) == (403, "This belongs to somebody else.")
    assert len(llm.prompts) == 1


async def test_errors_are_one_sentence(client: Client) -> None:
    """The client shows the body as it is: no JSON, whoever refuses."""
    sent = {
        422: client.post("/api/chat", json={"messages": [message("robot", "Why?")]}),
        415: client.post("/api/chat", content="Why?", headers={"Content-Type": "text/plain"}),
        413: client.post("/api/chat", json=body("x" * 300_000)),
        405: client.put("/api/chat", json={}),
        401: client.post("/api/chat", json=body("Why?"), headers={"Authorization": "Bearer forged"}),
        404: client.post("/api/chat", json={"id": CHAT, "trigger": "regenerate-message"}),
    }
    for status, request in sent.items():
        response = await request
        assert (response.status_code, response.headers["content-type"]) == (status, "text/plain; charset=utf-8")
        assert 0 < len(response.text) < 200
        assert not set("{}") & set(response.text)
    assert (await client.get("/api/chat/sessions")).headers["content-type"] == "application/problem+json"


async def test_what_is_down_is_told_with_its_status(make_client: MakeClient) -> None:
    """Before the first part an error is an answer of its own."""
    response = await make_client(index=FixedIndex(IndexUnavailable())).post("/api/chat", json=body("Why?"))
    assert (response.status_code, response.text) == (503, "Search is not available right now.")


async def test_a_model_that_fails_halfway_ends_the_stream_with_an_error(make_client: MakeClient) -> None:
    """What was said stands, its text is ended, and the program learns the code."""
    client = make_client(llm=ScriptedLLM("Reducers ", UpstreamTimeout()))
    response = await client.post("/api/chat", json=body("What is a reducer?"))
    assert text_of_legal_stream(response.content) == "Reducers "
    assert part(response, "data-failed")["data"]["code"] == "upstream_timeout"
    assert part(response, "error")["errorText"] == UpstreamTimeout.default_message
