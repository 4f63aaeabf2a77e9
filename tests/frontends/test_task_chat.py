"""The "Task chat" front end: every request that its code makes, as its browser makes it, and each field it reads.

A to-do app whose reader is signed in with a bearer token of an account here. It runs once against a service without a
language model, where the grammar answers, and once with one that calls tools.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import pytest
from tests.frontends.conftest import DEVELOPMENT, PREVIEW, STRANGER
from tests.frontends.page import Answer, Blocked, Page
from tests.frontends.shapes import has, is_error, is_moment, is_uuid
from tests.service_process import running_service
from tests.serving.servers import Served
from tests.stub_process import running_stub

pytestmark = pytest.mark.process

PASSWORD: Final = "correct horse battery staple"
OPTIONAL_TEXT: Final = (str, type(None))
OpenPage = Callable[[], Page]

ORDERS: Final = {
    "add milk": 'call add_task {"title": "buy milk"}',
    "add bread": 'call add_task {"title": "buy bread"}',
    "show": "call list_tasks {}",
    "finish 1": 'finish task 1: call complete_task {"task_id": 1}',
    "delete both": 'delete 1 and 2: call delete_task {"task_id": 1} call delete_task {"task_id": 2}',
    "finish none": 'finish: call complete_task {"title": "buy"}',
}
"""What the reader says where a model answers; the stub calls the tools that stand in it."""

PLAIN: Final = {
    "add milk": "add buy milk",
    "add bread": "Please add “buy bread” to my list.",
    "show": "show my tasks",
    "finish 1": "finish task 1",
    "delete both": "delete 1 and 2",
    "finish none": "finish buy",
}
"""The same where none does."""


@dataclass(frozen=True, slots=True)
class Backend:
    """A service, and how its readers say things."""

    served: Served
    words: dict[str, str]


@pytest.fixture(scope="module", params=["grammar", "model"])
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """A service that keeps accounts, behind a proxy on this machine that ends TLS."""
    settings = {
        "CORS_ALLOWED_ORIGINS": f"{DEVELOPMENT},https://*-team.vercel.app",
        "FORWARDED_ALLOW_IPS": "127.0.0.1",
        "SECRET_KEY": "a-secret-of-the-tests-own-0123456789abcdef",
    }
    folder = tmp_path_factory.mktemp("tasks")
    if request.param == "grammar":
        with running_service(folder, **settings) as served:
            yield Backend(served, PLAIN)
        return
    with running_stub() as stub:
        model = {"OPENAI_BASE_URL": stub.base_url, "OPENAI_MODEL": "stub-tools"}
        with running_service(folder, **settings, **model) as served:
            yield Backend(served, ORDERS)


@pytest.fixture(params=["development", "preview"])
def open_page(request: pytest.FixtureRequest, backend: Backend) -> OpenPage:
    """Opens the front end in a browser of its own: a developer's, or a reader's of a preview on Vercel."""
    port = backend.served.port
    if request.param == "development":
        return lambda: Page(DEVELOPMENT, f"http://localhost:{port}", port)
    return lambda: Page(PREVIEW, "https://ask.example.org", port)


@dataclass(slots=True)
class Reader:
    """A page with a token in its storage."""

    page: Page
    user_id: str
    token: str
    words: dict[str, str]

    def fetch(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """A fetch with the token."""
        return self.page.fetch(method, path, body, headers={"Authorization": f"Bearer {self.token}"} | headers)

    def tasks(self, method: str, path: str = "", body: object = None, **headers: str) -> Answer:
        """The same of the reader's own tasks."""
        return self.fetch(method, f"/api/{self.user_id}/tasks{path}", body, **headers)

    def send(self, message: str, conversation_id: str | None = None, **headers: str) -> Answer:
        """What the form sends."""
        body = {"message": message, "conversation_id": conversation_id}
        return self.fetch("POST", f"/api/{self.user_id}/chat", body, **headers)

    def say(self, order: str, conversation_id: str | None = None) -> dict[str, Any]:
        """What the chat panel shows of an order."""
        answer = self.send(self.words.get(order, order), conversation_id)
        assert answer.status == 200, answer.text
        body = answer.json()
        has(
            body,
            conversation_id=str,
            response=str,
            message_id=str,
            conversation_title=str,
            tool_calls=list,
            has_tool_calls=bool,
        )
        assert is_uuid(body["conversation_id"])
        assert is_uuid(body["message_id"])
        assert body["response"]
        assert body["has_tool_calls"] == bool(body["tool_calls"])
        for call in body["tool_calls"]:
            has(call, tool_name=str, parameters=dict, execution_status=str)
        return dict(body)

    def titles(self) -> list[str]:
        """The list beside the panel."""
        return [task["title"].lower() for task in self.tasks("GET").json()]


@pytest.fixture
def sign_up(open_page: OpenPage, backend: Backend) -> Callable[[], Reader]:
    """Signs up a new reader in a browser of its own."""

    def signed_up() -> Reader:
        page = open_page()
        body = {"email": f"{uuid4().hex[:12]}@example.org", "name": "Ada", "password": PASSWORD, "proficiency": "pro"}
        told = page.fetch("POST", "/api/auth/sign-up", body).json()
        return Reader(page, told["user"]["id"], told["session"]["accessToken"], backend.words)

    return signed_up


@pytest.fixture
def reader(sign_up: Callable[[], Reader]) -> Reader:
    """A reader who is signed in."""
    return sign_up()


def test_the_assistant_adds_shows_and_finishes(reader: Reader) -> None:
    """In one conversation, which the panel goes on with by its id; the list beside it has the same."""
    added = reader.say("add milk")
    assert [(call["tool_name"], call["execution_status"]) for call in added["tool_calls"]] == [("add_task", "success")]
    assert added["tool_calls"][0]["parameters"]["title"].lower() == "buy milk"
    assert reader.titles() == ["buy milk"]
    shown = reader.say("show", added["conversation_id"])
    assert shown["conversation_id"] == added["conversation_id"]
    assert shown["message_id"] != added["message_id"]
    assert "buy milk" in shown["response"].lower()
    finished = reader.say("finish 1", added["conversation_id"])
    assert [call["tool_name"] for call in finished["tool_calls"]] == ["complete_task"]
    assert reader.tasks("GET", "?status=completed").json()[0]["id"] == 1


def test_several_are_confirmed(reader: Reader) -> None:
    """The panel shows the question; “no” does nothing, “yes” does it."""
    reader.say("add milk")
    reader.say("add bread")
    for answer, left in (("no", ["buy milk", "buy bread"]), ("yes", [])):
        asked = reader.say("delete both")
        has(asked["confirmation_required"], confirmation_id=str, question=str, calls=list)
        assert {call["execution_status"] for call in asked["tool_calls"]} == {"confirmation_required"}
        assert reader.titles() == ["buy milk", "buy bread"]
        reader.say(answer, asked["conversation_id"])
        assert reader.titles() == left


def test_what_is_unclear_is_asked_back(reader: Reader) -> None:
    """With what may be meant, as lines for buttons; nothing is done."""
    reader.say("add milk")
    reader.say("add bread")
    unclear = reader.say("finish none")
    has(unclear["clarification"], question=str, options=list)
    assert len(unclear["clarification"]["options"]) == 2
    assert reader.tasks("GET", "?status=completed").json() == []


def test_a_turn_is_streamed(reader: Reader) -> None:
    """Events that the panel shows as they come; the answer's text is the deltas'."""
    answer = reader.send(reader.words["add milk"], Accept="text/event-stream")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    frames = [dict(line.split(": ", 1) for line in frame.split("\n")) for frame in answer.text.strip().split("\n\n")]
    names = [frame["event"] for frame in frames]
    data = [json.loads(frame["data"]) for frame in frames]
    assert (names[0], names[-1]) == ("started", "done")
    assert [frame["id"] for frame in frames] == [str(number) for number in range(1, len(frames) + 1)]
    has(data[0], conversation_id=str, turn_id=str)
    has(data[names.index("tool")], tool_name=str, parameters=dict, execution_status=str, tasks=list)
    assert "".join(each["text"] for name, each in zip(names, data, strict=True) if name == "delta")
    has(data[-1], conversation_title=str, finish=str, usage=dict, timings=dict)


def test_a_retry_writes_nothing_twice(reader: Reader) -> None:
    """The same message with the same key, as a page sends it after a broken connection."""
    key = {"Idempotency-Key": uuid4().hex}
    first, again = (reader.send(reader.words["add milk"], **key).json() for _ in range(2))
    assert first == again
    assert reader.titles() == ["buy milk"]
    other = reader.send(reader.words["add bread"], **key)
    assert (other.status, other.json()["error"]) == (422, "idempotency_mismatch")


def test_the_list_is_managed_without_the_assistant(reader: Reader) -> None:
    """Add, list, read, change, toggle without a body, delete."""
    added = reader.tasks("POST", body={"title": "Buy milk", "description": "Oat"})
    assert added.status == 201
    task = added.json()
    has(
        task,
        id=int,
        user_id=str,
        title=str,
        description=str,
        status=str,
        completed=bool,
        due_date=OPTIONAL_TEXT,
        created_at=str,
        updated_at=str,
    )
    assert task["user_id"] == reader.user_id
    assert is_moment(task["created_at"])
    assert is_moment(task["updated_at"])
    assert reader.tasks("GET").json() == [task]
    place = f"/{task['id']}"
    assert reader.tasks("GET", place).json() == task
    assert reader.tasks("PUT", place, {"title": "Buy tea", "description": "", "completed": False}).status == 200
    assert reader.tasks("PATCH", place, {"due_date": "2026-12-01"}).json()["due_date"] == "2026-12-01"
    assert [reader.tasks("PATCH", f"{place}/complete").json()["completed"] for _ in range(2)] == [True, False]
    assert reader.tasks("PATCH", f"{place}/complete", {"completed": True}).json()["status"] == "completed"
    assert reader.tasks("DELETE", place).status == 200
    gone = reader.tasks("GET", place)
    assert gone.status == 404
    is_error(gone.json())


def test_clarify_is_the_same_assistant(reader: Reader) -> None:
    """For a panel that calls it so; the reader is taken from the token."""
    context = {"user_id": "auth_extract"}
    body = {"input": reader.words["add milk"], "context": context}
    answer = reader.fetch("POST", "/api/conversation/clarify", body)
    assert answer.status == 200, answer.text
    told = answer.json()
    has(told, message=str, responseType=str, clarifyingQuestions=list, suggestedActions=list, conversationId=str)
    assert told["responseType"] == "action"
    assert reader.titles() == ["buy milk"]
    guest = reader.page.fetch(
        "POST", "/api/conversation/clarify", {"input": "add milk", "context": {"user_id": "guest_user"}}
    )
    assert (guest.status, guest.json()["responseType"]) == (200, "sign_in")
    assert "sign in" in guest.json()["message"]


def test_what_is_wrong_is_told(reader: Reader, sign_up: Callable[[], Reader]) -> None:
    """401, 403, 404 and 422 with a body that the panel can show; the limit of a message is named."""
    other = sign_up()
    asked = other.say("show")
    path = f"/api/{reader.user_id}/chat"
    unsigned = reader.page.fetch("POST", path, {"message": "hello"})
    forged = reader.page.fetch("POST", path, {"message": "hello"}, headers={"Authorization": "Bearer wrong"})
    refused = {
        401: [unsigned, forged, reader.page.fetch("GET", f"/api/{reader.user_id}/tasks")],
        403: [
            other.fetch("POST", path, {"message": "hello"}),
            other.fetch("GET", f"/api/{reader.user_id}/tasks"),
            reader.send("hello", asked["conversation_id"]),
        ],
        404: [reader.send("hello", str(uuid4())), reader.tasks("PATCH", "/99/complete")],
        422: [reader.send("x" * 1001), reader.send(""), reader.tasks("POST", body={"title": ""})],
    }
    for status, answers in refused.items():
        assert [answer.status for answer in answers] == [status] * len(answers)
        for answer in answers:
            is_error(answer.json())
    assert "1,000 characters" in refused[422][0].json()["detail"]


def test_the_eleventh_message_of_a_minute_waits(reader: Reader) -> None:
    """429 names the rate, and the page may read when to come again."""
    began = time.monotonic()
    answers = [reader.send("hello")]
    while answers[-1].status == 200:
        answers.append(reader.send("hello"))
        assert len(answers) <= 11 + (time.monotonic() - began) // 6, "one comes back every six seconds"
    assert [answer.status for answer in answers[:10]] == [200] * 10
    assert answers[-1].status == 429
    is_error(answers[-1].json())
    assert "10 a minute" in answers[-1].json()["message"]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert answers[0].headers["ratelimit-limit"] == "10"


def test_a_stranger_s_page_gets_nowhere(reader: Reader, backend: Backend) -> None:
    """A page of a site that is not listed may neither read nor send, with a stolen token either."""
    stranger = Page(STRANGER, "https://ask.example.org", backend.served.port)
    headers = {"Authorization": f"Bearer {reader.token}"}
    for method, path in (("POST", "chat"), ("GET", "tasks"), ("POST", "tasks")):
        body = {"message": "add milk", "title": "x"} if method == "POST" else None
        with pytest.raises(Blocked):
            stranger.fetch(method, f"/api/{reader.user_id}/{path}", body, headers=headers)
    assert reader.titles() == []
