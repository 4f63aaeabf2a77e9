"""`/api/{user_id}/tasks` over real tables: what each request does, answers and refuses."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx2
import pytest
from tests.conftest import Client, MakeClient
from tests.identities import ListedPeople

from lectern.adapters.quoting import QuotingLLM
from lectern.config import Settings
from lectern.principal import Principal

ADA = Principal("account", "ada")
PEOPLE = {"listed-ada": ADA, "listed-ben": Principal("account", "ben"), "listed-twin": Principal("user", "ada")}
TASKS = "/api/ada/tasks"
Send = Callable[..., Any]


@pytest.fixture
def client(make_client: MakeClient, settings: Settings) -> Client:
    """An app in which a reader has room for three tasks."""
    changed = settings.model_copy(update={"max_tasks": 3})
    return make_client(identities=(ListedPeople(PEOPLE),), changed=changed)


@pytest.fixture
def send(client: Client) -> Send:
    """Sends a request as Ada."""

    async def sent(
        method: str, path: str = "", body: object = None, *, key: str | None = None, as_: str = "listed-ada"
    ) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {as_}"} | ({"Idempotency-Key": key} if key else {})
        return await client.request(method, TASKS + path, headers=headers, json=body)

    return sent


async def added(send: Send, title: str = "Buy milk", **more: object) -> dict[str, Any]:
    """A task that was added."""
    answer = await send("POST", body={"title": title} | more)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_a_task_is_added_and_read(send: Send) -> None:
    """With all its fields, its number from one; moments have a time zone."""
    task = await added(send, "  Buy \n milk ", description="Oat", due_date="2026-12-01")
    moments = {name: task.pop(name) for name in ("created_at", "updated_at")}
    assert all(datetime.fromisoformat(moment).tzinfo for moment in moments.values())
    assert task == {
        "id": 1,
        "user_id": "ada",
        "title": "Buy milk",
        "description": "Oat",
        "status": "pending",
        "completed": False,
        "due_date": "2026-12-01",
        "completed_at": None,
    }
    assert (await send("GET", "/1")).json() == task | moments
    assert (await send("GET")).json() == [task | moments]


async def test_a_list_has_what_is_asked_for(send: Send) -> None:
    """One status only, in pages, oldest first."""
    for title in ("one", "two", "three"):
        await added(send, title)
    await send("PATCH", "/2/complete")
    for query, numbers in {
        "": [1, 2, 3],
        "?status=all": [1, 2, 3],
        "?status=pending": [1, 3],
        "?status=completed": [2],
        "?limit=1": [1],
        "?limit=2&offset=1": [2, 3],
        "?offset=3": [],
    }.items():
        answer = await send("GET", query)
        assert answer.headers["content-type"] == "application/json"
        assert [task["id"] for task in answer.json()] == numbers


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_task_is_changed(send: Send, method: str) -> None:
    """What is named; the rest stays. Null empties a description and takes a due date away."""
    await added(send, description="Oat", due_date="2026-12-01")
    answer = await send(method, "/1", {"title": "Buy oat milk", "completed": True})
    assert answer.status_code == 200
    changed = answer.json()
    assert (changed["title"], changed["description"], changed["due_date"]) == ("Buy oat milk", "Oat", "2026-12-01")
    assert (changed["status"], changed["completed"]) == ("completed", True)
    emptied = (await send(method, "/1", {"description": None, "due_date": None, "status": "pending"})).json()
    assert (emptied["description"], emptied["due_date"], emptied["completed"]) == ("", None, False)


async def test_completion_is_said_or_turned_over(send: Send) -> None:
    """`{completed}` says it; without a body, as some front ends send it, a task becomes what it was not."""
    await added(send)
    for body, completed in (({"completed": True}, True), ({"completed": True}, True), (None, False), (None, True)):
        answer = await send("PATCH", "/1/complete", body)
        assert (answer.status_code, answer.json()["completed"]) == (200, completed)
    assert (await send("PATCH", "/1/complete", {})).json()["status"] == "pending"


async def test_a_task_is_deleted(send: Send) -> None:
    """For good, and its number is not given again."""
    await added(send)
    answer = await send("DELETE", "/1")
    assert (answer.status_code, answer.json()) == (200, {"message": "The task was deleted.", "id": 1})
    assert (await send("GET", "/1")).status_code == 404
    assert (await added(send))["id"] == 2


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("GET", "/7", None), ("PUT", "/7", {"title": "x"}), ("PATCH", "/7/complete", None), ("DELETE", "/7", None)],
)
async def test_a_task_that_is_not_there_is_404(send: Send, method: str, path: str, body: object) -> None:
    """By its own code."""
    await added(send)
    answer = await send(method, path, body)
    assert (answer.status_code, answer.json()["error"]) == (404, "task_not_found")


async def test_there_is_room_for_so_many(send: Send) -> None:
    """The fourth of three is refused."""
    for _ in range(3):
        await added(send)
    answer = await send("POST", body={"title": "One more"})
    assert (answer.status_code, answer.json()["error"]) == (409, "too_many_tasks")


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "", {}, "title"),
        ("POST", "", {"title": ""}, "title"),
        ("POST", "", {"title": " \t\n"}, "title"),
        ("POST", "", {"title": 5}, "title"),
        ("POST", "", {"title": "x" * 201}, "title"),
        ("POST", "", {"title": "a\x00b"}, "title"),
        ("POST", "", {"title": "x", "description": "x" * 2001}, "description"),
        ("POST", "", {"title": "x", "due_date": "tomorrow"}, "due_date"),
        ("POST", "", {"title": "x", "due_date": "2026-02-30"}, "due_date"),
        ("POST", "", {"title": "x", "due_date": 20261201}, "due_date"),
        ("PATCH", "/1", {"completed": "yes"}, "completed"),
        ("PATCH", "/1", {"status": "done"}, "status"),
        ("PATCH", "/1/complete", {"completed": 1}, "completed"),
        ("GET", "?status=done", None, "status"),
        ("GET", "?limit=0", None, "limit"),
        ("GET", "?limit=501", None, "limit"),
        ("GET", "?offset=-1", None, "offset"),
        ("GET", "/0", None, "task_id"),
        ("GET", "/2147483648", None, "task_id"),
        ("DELETE", "/one", None, "task_id"),
    ],
)
async def test_what_is_no_task_is_refused(send: Send, method: str, path: str, body: object, field: str) -> None:
    """With the field's name, and in words that do not repeat what was sent."""
    await added(send)
    answer = await send(method, path, body)
    assert (answer.status_code, answer.json()["error"]) == (422, "invalid_request")
    assert answer.json()["fields"][0]["field"] == field
    assert len(answer.json()["message"]) <= 200


@pytest.mark.parametrize("body", [{}, {"other": 1}, {"completed": True, "status": "pending"}])
async def test_a_change_has_to_say_what(send: Send, body: object) -> None:
    """And not two things."""
    await added(send)
    assert (await send("PATCH", "/1", body)).status_code == 422


async def test_a_write_is_done_once_for_a_key(send: Send) -> None:
    """What is sent again is answered as the first time; a key of another request is refused."""
    first = await send("POST", body={"title": "Buy milk"}, key="k1")
    again = await send("POST", body={"title": "Buy milk"}, key="k1")
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    other = await send("POST", body={"title": "Buy bread"}, key="k1")
    assert (other.status_code, other.json()["error"]) == (422, "idempotency_mismatch")
    assert (await send("DELETE", "/1", key="k1")).json()["error"] == "idempotency_mismatch"
    assert len((await send("GET")).json()) == 1

    toggled = [(await send("PATCH", "/1/complete", key="k2")).json()["completed"] for _ in range(3)]
    assert toggled == [True, True, True]
    renamed = [(await send("PATCH", "/1", {"title": "Tea"}, key="k3")).status_code for _ in range(2)]
    assert renamed == [200, 200]
    assert (await send("PATCH", "/1", {"title": "Coffee"}, key="k3")).status_code == 422
    deleted = [(await send("DELETE", "/1", key="k4")).status_code for _ in range(2)]
    assert deleted == [200, 200]
    assert (await send("DELETE", "/1")).status_code == 404


@pytest.mark.parametrize("key", ["", "k" * 201])
async def test_a_key_has_a_length(client: Client, key: str) -> None:
    """One to 200 characters."""
    headers = {"Authorization": "Bearer listed-ada", "Idempotency-Key": key}
    answer = await client.post(TASKS, json={"title": "x"}, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["fields"][0]["field"].lower() == "idempotency-key"


async def test_keys_are_each_readers_own(send: Send, client: Client) -> None:
    """The same key of somebody else is another one."""
    await send("POST", body={"title": "Ada's"}, key="same")
    headers = {"Authorization": "Bearer listed-ben", "Idempotency-Key": "same"}
    answer = await client.post("/api/ben/tasks", json={"title": "Ben's"}, headers=headers)
    assert (answer.status_code, answer.json()["title"]) == (201, "Ben's")


async def test_an_account_and_a_user_with_one_id_are_two(send: Send) -> None:
    """The id in the path is never what tasks are looked up by: both have `/api/ada/tasks`, each its own."""
    await added(send, "The account's")
    assert (await send("GET", as_="listed-twin")).json() == []
    assert (await send("GET", "/1", as_="listed-twin")).status_code == 404


async def test_readers_may_be_called_like_routes(make_client: MakeClient) -> None:
    """`auth`, `chat` and `conversation` are ids like any other, and what stands there first still answers."""
    names = ("auth", "chat", "conversation")
    people = ListedPeople({f"listed-{name}": Principal("account", name) for name in names})
    client = make_client(identities=(people,), llm=QuotingLLM())
    for name in names:
        headers = {"Authorization": f"Bearer listed-{name}"}
        answer = await client.post(f"/api/{name}/tasks", json={"title": name}, headers=headers)
        assert (answer.status_code, answer.json()["user_id"]) == (201, name)
        spoken = await client.post(f"/api/{name}/chat", json={"message": "show my tasks"}, headers=headers)
        assert spoken.status_code == 200
        assert name in spoken.json()["response"]
    assert "sessions" in (await client.get("/api/chat/sessions", headers=headers)).json()
    assert (await client.get("/api/auth/get-session")).json()["error"] == "accounts_off"
