"""Limits on the routes that cost something, over the whole app: who is refused, and what every answer says."""

import pytest
from tests.conftest import Client, MakeClient
from tests.scripted import ScriptedLLM

from lectern.adapters.shared_counters import SharedCounters
from lectern.config import Settings

QUESTION = {"message": "What is a reducer?"}
HEADERS = ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "ratelimit-policy")


@pytest.fixture
def limited(make_client: MakeClient, settings: Settings) -> Client:
    """A client of an app that lets one address ask three times an hour."""
    changed = settings.model_copy(update={"limits": "address=3/hour"})
    return make_client(changed=changed, counters=SharedCounters())


async def test_the_fourth_is_refused_with_the_limit(limited: Client) -> None:
    """429 with when to come again, the problem body, and the limit by name; searches and questions count alike."""
    answers = [await limited.post("/search", json={"query": "reducer"}) for _ in range(2)]
    answers.append(await limited.post("/chat", json=QUESTION))
    assert [answer.status_code for answer in answers] == [200] * 3
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["2", "1", "0"]
    refused = await limited.post("/chat", json=QUESTION)
    assert (refused.status_code, refused.headers["content-type"]) == (429, "application/problem+json")
    body = refused.json()
    assert (body["error"], body["retryable"]) == ("rate_limited", True)
    assert body["detail"].startswith("Too many requests: at most 3 an hour for one address. Try again in ")
    assert 1100 < int(refused.headers["retry-after"]) <= 1200
    assert [refused.headers[name] for name in HEADERS] == ["3", "0", "3600", "3;w=3600"]


async def test_a_stream_and_an_error_say_it_too(limited: Client) -> None:
    """Every answer of such a route has the headers, once; also one whose body was not taken."""
    stream = await limited.post("/chat", json=QUESTION | {"stream": True})
    wrong = await limited.post("/chat", json={})
    assert (stream.status_code, wrong.status_code) == (200, 422)
    for answer, left in ((stream, "2"), (wrong, "1")):
        assert [answer.headers.get_list(name) for name in HEADERS[1:2]] == [[left]]
        assert answer.headers["ratelimit-policy"] == "3;w=3600"


async def test_the_refused_cost_no_work(make_client: MakeClient, settings: Settings) -> None:
    """Neither the index nor the model hears of them."""
    llm = ScriptedLLM("Reducers ", "are pure [1].")
    changed = settings.model_copy(update={"limits": "visitor=1/hour"})
    client = make_client(changed=changed, counters=SharedCounters(), llm=llm)
    statuses = []
    for _ in range(8):
        statuses.append((await client.post("/chat", json=QUESTION)).status_code)
        client.cookies.clear()
    # Without a cookie all are newcomers of one address, who share four visitors' worth.
    assert statuses == [200] * 4 + [429] * 4
    assert len(llm.prompts) == 4


async def test_what_costs_nothing_is_not_limited(limited: Client) -> None:
    """Health, pages and deletions pass, and say nothing of limits."""
    for _ in range(5):
        await limited.post("/search", json={"query": "x"})
    answers = [await limited.get("/health"), await limited.get("/")]
    answers.append(await limited.delete("/chat/sessions/00000000-0000-4000-8000-000000000000"))
    assert [answer.status_code for answer in answers] == [200, 200, 404]
    assert all(name not in answer.headers for answer in answers for name in HEADERS)


async def test_a_page_may_read_the_headers(limited: Client) -> None:
    """A browser shows them to pages of sites that may call, on a refusal too."""
    for _ in range(4):
        answer = await limited.post("/chat", json=QUESTION, headers={"Origin": "http://localhost:3000"})
    assert answer.status_code == 429
    shown = answer.headers["access-control-expose-headers"].lower()
    assert all(name in shown for name in (*HEADERS, "retry-after"))


async def test_without_limits_nothing_is_counted_or_said(client: Client) -> None:
    """No header, however often somebody asks."""
    answers = [await client.post("/search", json={"query": "reducer"}) for _ in range(5)]
    assert {answer.status_code for answer in answers} == {200}
    assert all(name not in answer.headers for answer in answers for name in HEADERS)


async def test_health_says_what_is_counted(client: Client, make_client: MakeClient) -> None:
    """The part is shown where there is something to say of it, and only there."""
    noted = make_client(counters=SharedCounters(note="address 3 an hour"))
    shown = {"kind": "memory of this process", "state": "ok", "note": "address 3 an hour"}
    assert (await noted.get("/health")).json()["parts"]["limits"] == shown
    silent = make_client(counters=SharedCounters())
    for without in (client, silent):
        assert "limits" not in (await without.get("/health")).json()["parts"]
