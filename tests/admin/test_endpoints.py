"""The operator's routes over the real app: who may, and what they answer."""

import csv
import io
import json
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx2
import pytest
from tests.admin.conftest import BEARER, TOKEN, Kept, MakeApp, client_of
from tests.scripted import FailingDatabase
from tests.sql_parts import database_of

from lectern.adapters.sql_records import SqlRecords
from lectern.adapters.sql_retention import SqlRetention
from lectern.adapters.sql_store import SqlStore
from lectern.adapters.sql_tasks import SqlTasks
from lectern.admin.endpoints import _since
from lectern.admin.people import PeopleDesk
from lectern.api import ROUTERS
from lectern.daily_budget import Budget, Prices
from lectern.errors import ConversationNotFound
from lectern.integrations.endpoints import router as integrations

ROUTES = [
    ("POST", "/ingest"),
    ("GET", "/ingest"),
    ("GET", "/admin/usage"),
    ("GET", "/admin/unanswered"),
    ("GET", "/admin/feedback"),
    ("GET", "/admin/people/visitor:a"),
    ("GET", "/admin/people/visitor:a/export"),
    ("DELETE", "/admin/people/visitor:a"),
]


def test_every_route_of_the_operator_is_in_the_list() -> None:
    """A new one has to be tried by nobody, too; those of keys are tried with the integrations."""
    [router] = [each for each in ROUTERS if "operator" in each.tags and each is not integrations]
    shown = {
        (method, route.path.replace("{principal_id:path}", "visitor:a"))  # type: ignore[attr-defined]
        for route in router.routes
        for method in route.methods  # type: ignore[attr-defined]
    }
    assert shown == set(ROUTES)


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_nobody_else_may(make_app: MakeApp, kept: Kept, method: str, path: str) -> None:
    """401 without the right token, 404 where there is none; nothing is done, and no answer is stored on the way."""
    turn = await kept.turn("visitor:a")
    for headers in ({}, {"Authorization": f"Bearer {TOKEN}x"}):
        async with client_of(make_app(), headers) as client:
            answer = await client.request(method, path)
            assert (answer.status_code, answer.headers["cache-control"]) == (401, "private, no-store")
            assert answer.headers["content-type"] == "application/problem+json"
    async with client_of(make_app(admin_token=None), BEARER) as client:
        assert (await client.request(method, path)).status_code == 404
    assert len(await kept.store.history(turn.conversation_id, limit=1)) == 1


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_no_page_of_another_site_may(make_app: MakeApp, method: str, path: str) -> None:
    """A token in a page's hands does not open it to that page."""
    async with client_of(make_app(), BEARER | {"Origin": "https://evil.example"}) as client:
        answer = await client.request(method, path)
    assert (answer.status_code, answer.json()["error"]) == (403, "origin_not_allowed")


async def test_usage_by_day(operator: httpx2.AsyncClient, kept: Kept) -> None:
    """The last day first; without prices nobody knows the money."""
    usage = {"prompt_tokens": 1000, "completion_tokens": 200}
    await kept.turn("visitor:a", usage=usage)
    await kept.turn("account:b", usage=usage)
    await kept.turn("visitor:a", days_ago=1, outcome="not_found")
    await kept.turn("visitor:a", days_ago=40, usage=usage)
    answer = await operator.get("/admin/usage")
    today, yesterday = answer.json()["usage"]
    assert answer.headers["cache-control"] == "private, no-store"
    assert today == {
        "day": datetime.now(UTC).date().isoformat(),
        "turns": 2,
        "outcomes": {"answered": 2},
        "prompt_tokens": 2000,
        "completion_tokens": 400,
        "money": None,
        "principals": {"visitor": 1, "account": 1},
    }
    assert (yesterday["outcomes"], yesterday["principals"]) == ({"not_found": 1}, {"visitor": 1})
    assert [len((await operator.get("/admin/usage", params={"days": days})).json()["usage"]) for days in (1, 99)] == [
        1,
        3,
    ]


async def test_usage_in_money(make_app: MakeApp, kept: Kept) -> None:
    """By the prices, in the currency of the budgets."""
    await kept.turn(usage={"prompt_tokens": 1_000_000, "completion_tokens": 500_000})
    app = make_app(token_prices=Prices(0.15, 0.6), budgets=(Budget("site", 5, "usd"),))
    async with client_of(app, BEARER) as client:
        body = (await client.get("/admin/usage")).json()
    assert (body["currency"], body["usage"][0]["money"]) == ("usd", 0.45)


@pytest.mark.parametrize("days", ["0", "-1", "367", "x", "1e3"])
@pytest.mark.parametrize("path", ["usage", "unanswered", "feedback"])
async def test_days_have_bounds(operator: httpx2.AsyncClient, path: str, days: str) -> None:
    """A clear refusal of what no table should be asked for."""
    answer = await operator.get(f"/admin/{path}", params={"days": days})
    assert (answer.status_code, answer.json()["error"]) == (422, "invalid_request")


async def test_unanswered_questions(operator: httpx2.AsyncClient, kept: Kept) -> None:
    """Those of the same words as one, with the best score and its page, as JSON, CSV and Markdown."""
    near = {"title": "Install | it", "href": "https://docs.example/install#a", "score": 0.25}
    far = {"title": "Other", "href": "https://docs.example/other", "score": 0.1}
    await kept.turn(question="How do I install?", outcome="not_found", sources=[near], days_ago=2)
    await kept.turn(question="  how do i INSTALL", outcome="not_found", sources=[far], days_ago=1)
    await kept.turn(question="=cmd|' /C calc'!A0", outcome="not_found")
    await kept.turn(question="Answered?")
    body = (await operator.get("/admin/unanswered")).json()
    assert body["is_all"] is True
    assert [(found["question"], found["count"]) for found in body["questions"]] == [
        ("  how do i INSTALL", 2),
        ("=cmd|' /C calc'!A0", 1),
    ]
    assert (body["questions"][0]["best_score"], body["questions"][0]["href"]) == (0.25, near["href"])
    answer = await operator.get("/admin/unanswered", params={"format": "csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert (rows[0]["count"], rows[0]["title"], rows[1]["question"]) == ("2", "Install | it", "'=cmd|' /C calc'!A0")
    answer = await operator.get("/admin/unanswered", params={"format": "markdown"})
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert "[Install \\| it](<https://docs.example/install#a>)" in answer.text
    assert (await operator.get("/admin/unanswered", params={"format": "pdf"})).status_code == 422


async def test_feedback(operator: httpx2.AsyncClient, kept: Kept) -> None:
    """What was asked, answered and thought of it."""
    turn = await kept.turn("visitor:a", answer="x" * 900)
    await kept.rating(turn, -1, "Wrong page")
    [found] = (await operator.get("/admin/feedback")).json()["feedback"]
    assert (found["turn_id"], found["rating"], found["comment"]) == (turn.id, -1, "Wrong page")
    assert found["answer"] == "x" * 500
    assert (await operator.get("/admin/usage")).json()["usage"][0]["turns"] == 1


async def test_a_person_is_seen_and_forgotten(operator: httpx2.AsyncClient, kept: Kept) -> None:
    """Counts and moments, no texts; after a deletion nothing is there, and a second one is no error."""
    turn = await kept.turn("user:auth0|a/b@c", question="My secret plan")
    other = await kept.turn("user:other")
    await kept.rating(turn, 1, "")
    for title in ("My secret task", "Milk"):
        await kept.task("user:auth0|a/b@c", title)
    path = "/admin/people/user:auth0%7Ca%2Fb@c"
    answer = await operator.get(path)
    body = answer.json()
    assert (body["principal_id"], body["conversations"], body["turns"], body["feedback"]) == (
        "user:auth0|a/b@c",
        1,
        1,
        1,
    )
    assert (body["tasks"], body["remembered"], body["has_task_list"]) == (2, 2, True)
    assert "secret" not in answer.text
    first, again = [await operator.delete(path) for _ in range(2)]
    assert (first.status_code, first.json()["conversations"], first.json()["tasks"]) == (200, 1, 2)
    assert (again.status_code, again.json()["conversations"], again.json()["tasks"]) == (200, 0, 0)
    assert (await operator.get(path)).status_code == 404
    with pytest.raises(ConversationNotFound):
        await kept.store.history(turn.conversation_id, limit=1)
    assert len(await kept.store.history(other.conversation_id, limit=1, principal_id="user:other")) == 1
    assert (await operator.get("/admin/feedback")).json()["feedback"] == []


async def test_who_only_has_tasks_is_seen_and_forgotten(operator: httpx2.AsyncClient, kept: Kept) -> None:
    """Also once the tasks are gone: that they were numbered is kept, until the person is forgotten."""
    task = await kept.task("user:doer", "Milk")
    await kept.task("user:other", "Milk")
    await SqlTasks(database_of(kept.store)).delete("user:doer", [task.id])
    path = "/admin/people/user:doer"
    body = (await operator.get(path)).json()
    assert (body["conversations"], body["tasks"], body["remembered"], body["has_task_list"]) == (0, 0, 1, True)
    assert (await operator.delete(path)).json()["tasks"] == 0
    assert (await operator.get(path)).status_code == 404
    assert (await operator.get("/admin/people/user:other")).json()["tasks"] == 1


async def test_what_else_is_kept_goes_first(make_app: MakeApp, kept: Kept) -> None:
    """Whoever keeps accounts is asked to forget and to export; what it exports is passed on as it comes."""
    asked: list[tuple[str, str]] = []

    async def forget(principal_id: str) -> None:
        asked.append(("forget", principal_id))

    async def export(principal_id: str) -> AsyncGenerator[bytes, None]:
        asked.append(("export", principal_id))
        return _pieces(b'{"turns":', b"[]}")

    person = f"account:{uuid4()}"
    await kept.turn(person)
    app = make_app()
    app.state.admin = replace(app.state.admin, people=PeopleDesk(export=export, forget=forget))
    async with client_of(app, BEARER) as client:
        answer = await client.get(f"/admin/people/{person}/export")
        assert (json.loads(answer.content), answer.headers["content-type"]) == ({"turns": []}, "application/json")
        assert answer.headers["cache-control"] == "private, no-store"
        assert (await client.get("/admin/people/account:nobody/export")).status_code == 404
        await client.delete(f"/admin/people/{person}")
    assert asked == [("export", person), ("forget", person)]


@pytest.mark.parametrize("person", ["%00", "x" * 300, "..", "visitor%3A%ff", "' or 1=1 --", "/export"])
async def test_ids_that_are_none(operator: httpx2.AsyncClient, kept: Kept, person: str) -> None:
    """Whatever stands there is somebody of whom nothing is kept."""
    turn = await kept.turn("visitor:a")
    assert (await operator.get(f"/admin/people/{person}")).status_code in {200, 404}
    assert (await operator.delete(f"/admin/people/{person}")).status_code in {200, 404, 405}
    assert len(await kept.store.history(turn.conversation_id, limit=1)) == 1


@pytest.mark.parametrize(("method", "path"), [route for route in ROUTES if "/admin/" in route[1]])
async def test_a_database_that_is_down(make_app: MakeApp, method: str, path: str) -> None:
    """Whatever needs it says that a retry will do, and nothing of why."""
    app = make_app()
    down = FailingDatabase()
    app.state.ports = replace(
        app.state.ports,
        store=SqlStore(down),
        records=SqlRecords(down),
        retention=SqlRetention(down),
        tasks=SqlTasks(down),
    )
    app.state.admin = replace(app.state.admin, people=PeopleDesk(export=_nothing))
    async with client_of(app, BEARER) as client:
        answer = await client.request(method, path)
    assert (answer.status_code, answer.json()["error"]) == (503, "store_unavailable")
    assert answer.headers["cache-control"] == "private, no-store"


async def _nothing(_: str) -> AsyncGenerator[bytes, None]:
    return _pieces(b"{}")


async def _pieces(*pieces: bytes) -> AsyncGenerator[bytes, None]:
    for piece in pieces:
        yield piece


async def test_a_folder_that_cannot_be_written_starts_no_ingest(make_app: MakeApp, settings, tmp_path) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    """A clear refusal; nothing is said to have run."""
    (tmp_path / "file").write_text("")
    async with client_of(make_app(data_dir=tmp_path / "file" / "data"), BEARER) as client:
        answer = await client.post("/ingest")
        assert (answer.status_code, answer.json()["error"]) == (503, "index_unavailable")
        assert (await client.get("/ingest")).json()["status"] == "never"


def test_the_days_begin_at_midnight() -> None:
    """One day is today."""
    assert datetime.now(UTC) - _since(1) < timedelta(days=1, seconds=1)
    assert _since(3) == _since(1) - timedelta(days=2)
