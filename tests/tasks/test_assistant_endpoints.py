"""The assistant over HTTP: what its two addresses take, answer and refuse; the model is the grammar."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from tests.conftest import Client, MakeClient
from tests.identities import ListedPeople

from lectern.adapters.quoting import QuotingLLM
from lectern.adapters.shared_counters import SharedCounters
from lectern.config import Settings
from lectern.principal import Principal

PEOPLE = {
    "listed-ada": Principal("account", "ada"),
    "listed-ben": Principal("account", "ben"),
    "listed-operator": Principal("operator", "operator"),
}
Say = Callable[..., Any]


@pytest.fixture
def client(make_client: MakeClient) -> Client:
    """An app that counts."""
    return make_client(identities=(ListedPeople(PEOPLE),), llm=QuotingLLM(), counters=SharedCounters())


@pytest.fixture
def say(client: Client) -> Say:
    """Says something to the assistant as Ada."""

    async def said(
        message: object,
        *,
        as_: str = "listed-ada",
        to: str = "ada",
        headers: dict[str, str] | None = None,
        **more: object,
    ) -> httpx2.Response:
        shown = {"Authorization": f"Bearer {as_}"} if as_ else {}
        return await client.post(f"/api/{to}/chat", json={"message": message} | more, headers=shown | (headers or {}))

    return said


async def test_a_turn_is_answered(say: Say) -> None:
    """With every field that a to-do app reads."""
    answer = await say("add buy milk")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (UUID(body["conversation_id"]).version, UUID(body["message_id"]).version) != (None, None)
    assert "Buy milk" in body["response"]
    assert body["conversation_title"]
    [call] = body["tool_calls"]
    assert (call["tool_name"], call["execution_status"]) == ("add_task", "success")
    assert call["parameters"]["title"] == "Buy milk"
    assert body["has_tool_calls"] is True
    assert (body["confirmation_required"], body["clarification"]) == (None, None)


async def test_a_conversation_goes_on(say: Say) -> None:
    """Several are asked about first, and “yes” in the same conversation does it."""
    for title in ("milk", "bread"):
        await say(f"add buy {title}")
    asked = (await say("delete all my tasks")).json()
    assert asked["confirmation_required"]["question"] in asked["response"]
    assert [call["tool_name"] for call in asked["confirmation_required"]["calls"]] == ["delete_task"] * 2
    assert {call["execution_status"] for call in asked["tool_calls"]} == {"confirmation_required"}
    done = (await say("yes", conversation_id=asked["conversation_id"])).json()
    assert done["conversation_id"] == asked["conversation_id"]
    assert [call["execution_status"] for call in done["tool_calls"]] == ["success"] * 2
    assert "no such tasks" in (await say("show my tasks")).json()["response"].lower()


async def test_what_is_unclear_is_asked_back(say: Say) -> None:
    """With the options that may be sent next; nothing is done meanwhile."""
    for title in ("milk", "bread"):
        await say(f"add buy {title}")
    unclear = (await say("finish that one")).json()
    assert unclear["clarification"]["question"] in unclear["response"]
    assert len(unclear["clarification"]["options"]) == 2
    assert unclear["has_tool_calls"] is False


async def test_a_turn_is_streamed(say: Say) -> None:
    """Each event as one frame with its number, ended by one `done`."""
    answer = await say("add buy milk", headers={"Accept": "text/event-stream"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    frames = [frame.split("\n") for frame in answer.text.strip().split("\n\n")]
    names = [frame[0].removeprefix("event: ") for frame in frames]
    assert [frame[1] for frame in frames] == [f"id: {number}" for number in range(1, len(frames) + 1)]
    data = [json.loads(frame[2].removeprefix("data: ")) for frame in frames]
    assert (names[0], names[-1]) == ("started", "done")
    assert names.count("tool") == 1
    assert data[names.index("tool")]["tool_name"] == "add_task"
    assert "".join(each["text"] for name, each in zip(names, data, strict=True) if name == "delta")


async def test_a_message_has_a_length(say: Say) -> None:
    """A thousand characters pass; one more is refused, and told how many may be."""
    assert (await say("x" * 1000)).status_code == 200
    answer = await say("x" * 1001)
    assert answer.status_code == 422
    assert answer.json()["detail"] == answer.json()["message"] == "message: must have at most 1,000 characters"
    assert answer.json()["error"] == "invalid_request"


@pytest.mark.parametrize("message", ["", "  ", None, 5, ["add milk"], "a\x00b"])
async def test_what_is_no_message_is_refused(say: Say, message: object) -> None:
    """Empty, blank, no text, or with a NUL."""
    answer = await say(message)
    assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, "message")


async def test_who_asks_is_settled_first(say: Say) -> None:
    """A visitor 401, another's id 403, an operator 403; before the message or a conversation is looked at."""
    for as_, to, status in (("", "ada", 401), ("listed-ben", "ada", 403), ("listed-operator", "ada", 403)):
        answer = await say("add buy milk", as_=as_, to=to, conversation_id=str(uuid4()))
        assert answer.status_code == status
    assert "no such tasks" in (await say("show my tasks")).json()["response"].lower()


async def test_another_conversation_is_no_ones(say: Say) -> None:
    """404 for one that is not there, 403 for another's; what was asked there is not done."""
    assert (await say("yes", conversation_id=str(uuid4()))).json()["error"] == "conversation_not_found"
    for title in ("milk", "bread"):
        await say(f"add buy {title}")
    asked = (await say("delete all my tasks")).json()
    foreign = await say("yes", as_="listed-ben", to="ben", conversation_id=asked["conversation_id"])
    assert (foreign.status_code, foreign.json()["error"]) == (403, "forbidden")
    assert "milk" in (await say("show my tasks")).json()["response"]


async def test_a_key_is_one_turn(say: Say) -> None:
    """Sent again it is answered the same and nothing is added; with another message it is refused."""
    key = {"Idempotency-Key": "turn-1"}
    first, again = (await say("add buy milk", headers=key)).json(), (await say("add buy milk", headers=key)).json()
    assert first == again
    assert (await say("add bread", headers=key)).json()["error"] == "idempotency_mismatch"
    assert (await say("show my tasks")).json()["response"].count("Buy milk") == 1


async def test_ten_a_minute(say: Say) -> None:
    """The eleventh is told the limit and when to come again; somebody else is not held up."""
    answers = [await say("show my tasks") for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers[:10]] == [
        f"{left}" for left in range(9, -1, -1)
    ]
    refused = answers[-1]
    assert refused.json()["error"] == "rate_limited"
    assert "at most 10 a minute to the task assistant" in refused.json()["message"]
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["ratelimit-limit"] == "10"
    assert (await say("show my tasks", as_="listed-ben", to="ben")).status_code == 200


@pytest.mark.parametrize(("limit", "statuses"), [("2/hour", [200, 200, 429]), ("none", [200] * 12)])
async def test_the_rate_is_a_setting(
    make_client: MakeClient, settings: Settings, limit: str, statuses: list[int]
) -> None:
    """Another number, or none."""
    client = make_client(
        identities=(ListedPeople(PEOPLE),),
        llm=QuotingLLM(),
        counters=SharedCounters(),
        changed=settings.model_copy(update={"task_chat_limit": limit}),
    )
    headers = {"Authorization": "Bearer listed-ada"}
    asked = [await client.post("/api/ada/chat", json={"message": "hello"}, headers=headers) for _ in statuses]
    assert [answer.status_code for answer in asked] == statuses


async def clarified(client: Client, text: str, context: object = None, *, as_: str = "listed-ada") -> httpx2.Response:
    """What the other address answers."""
    headers = {"Authorization": f"Bearer {as_}"} if as_ else {}
    body = {"input": text} | ({} if context is None else {"context": context})
    return await client.post("/api/conversation/clarify", json=body, headers=headers)


@pytest.mark.parametrize("context", [{"user_id": "auth_extract"}, {"user_id": "ada"}, {}, None])
async def test_clarify_is_the_same_assistant(client: Client, context: dict[str, str] | None) -> None:
    """Its kinds of answers, and what the reader may say next."""
    added = (await clarified(client, "add buy milk", context)).json()
    assert added["responseType"] == "action"
    assert "Buy milk" in added["message"]
    assert (added["clarifyingQuestions"], added["suggestedActions"]) == ([], [])
    await clarified(client, "add buy bread", context)
    unclear = (await clarified(client, "finish that one", context)).json()
    assert unclear["responseType"] == "clarification"
    assert (len(unclear["clarifyingQuestions"]), len(unclear["suggestedActions"])) == (1, 2)
    chosen = (context or {}) | {"conversationId": unclear["conversationId"]}
    assert (await clarified(client, unclear["suggestedActions"][0], chosen)).json()["responseType"] == "action"
    asked = (await clarified(client, "delete all my tasks", context)).json()
    assert (asked["responseType"], asked["suggestedActions"]) == ("confirmation", ["yes", "no"])
    gone_on = (context or {}) | {"conversation_id": asked["conversationId"]}
    assert (await clarified(client, "yes", gone_on)).json()["responseType"] == "action"
    assert (await clarified(client, "tell me a joke", context)).json()["responseType"] == "answer"


@pytest.mark.parametrize(
    ("context", "as_"),
    [
        ({"user_id": "guest_user"}, ""),
        ({"user_id": "auth_extract"}, ""),
        ({}, ""),
        ({"user_id": "guest_user"}, "listed-ada"),
    ],
)
async def test_nobody_is_asked_to_sign_in(client: Client, context: dict[str, str], as_: str) -> None:
    """In a friendly answer; nothing is done."""
    answer = await clarified(client, "add buy milk", context, as_=as_)
    assert answer.status_code == 200
    assert answer.json() == {
        "message": "Please sign in first: your tasks are kept with your account, so that nobody else sees them.",
        "responseType": "sign_in",
        "clarifyingQuestions": [],
        "suggestedActions": ["Sign in"],
        "conversationId": None,
    }
    assert "no such tasks" in (await clarified(client, "show my tasks")).json()["message"].lower()


@pytest.mark.parametrize(
    ("user_id", "as_", "status"),
    [
        ("ada", "", 401),
        ("ada", "listed-ben", 403),
        ("nobody", "listed-ada", 403),
        ("ada", "listed-forged", 401),
        ("auth_extract", "listed-operator", 403),
    ],
)
async def test_clarify_checks_who_is_named(client: Client, user_id: str, as_: str, status: int) -> None:
    """A named reader has to be the one of the token."""
    answer = await clarified(client, "add buy milk", {"user_id": user_id}, as_=as_)
    assert answer.status_code == status
    assert "no such tasks" in (await clarified(client, "show my tasks")).json()["message"].lower()


async def test_clarify_has_the_same_limits(client: Client) -> None:
    """The length of a message, and the rate, which both addresses share."""
    answer = await clarified(client, "x" * 1001)
    assert answer.json()["message"] == "input: must have at most 1,000 characters"
    for _ in range(9):
        await clarified(client, "hello")
    headers = {"Authorization": "Bearer listed-ada"}
    assert (await client.post("/api/ada/chat", json={"message": "hello"}, headers=headers)).status_code == 429
