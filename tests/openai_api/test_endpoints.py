"""OpenAI's API in this process: what the pipeline is asked, what is kept, and whose it is."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from tests.conftest import Client, MakeClient
from tests.identities import ListedPeople
from tests.openai_api.test_problems import error_of
from tests.openai_api.test_reading import Sites
from tests.scripted import FixedIndex, ScriptedLLM, hits, passage

from lectern.adapters.shared_counters import SharedCounters
from lectern.config import Settings
from lectern.errors import IndexUnavailable, UpstreamTimeout
from lectern.ports import Hits
from lectern.principal import Principal

ASKED = [{"role": "user", "content": "What is a reducer?"}]
CHAT = {"model": "lectern", "messages": ASKED}
RESPONSE = {"model": "lectern", "input": "What is a reducer?"}
ROUTES = [("/v1/chat/completions", CHAT), ("/v1/responses", RESPONSE)]
PEOPLE = ListedPeople({"listed-ann": Principal("user", "ann"), "listed-bob": Principal("user", "bob")})
ANN, BOB = ({"Authorization": f"Bearer listed-{name}"} for name in ("ann", "bob"))


def data_of(stream: str) -> list[Any]:
    """The JSON of each frame."""
    lines = [line.removeprefix("data: ") for line in stream.splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


class SiteIndex(Sites):
    """Notes which site was searched."""

    def __init__(self, *names: str) -> None:
        super().__init__(*names)
        self.found = hits(passage(1, "Reducers are pure."))
        self.searched: list[str | None] = []

    async def search(
        self, query: str, *, vector: Sequence[float] | None = None, limit: int = 5, site: str | None = None
    ) -> Hits:
        """Note it."""
        self.searched.append(site)
        return await super().search(query, limit=limit, site=site)


async def test_an_answer_comes_with_its_citations_and_tokens(client: Client) -> None:
    """As one object."""
    response = await client.post("/v1/chat/completions", json=CHAT)
    body = response.json()
    [choice] = body["choices"]
    assert (response.status_code, choice["finish_reason"]) == (200, "stop")
    assert choice["message"]["content"] == "Reducers are pure [1]."
    [annotation] = choice["message"]["annotations"]
    assert annotation["url_citation"]["url"] == "https://docs.example/page-1#part"
    assert body["usage"] == {"prompt_tokens": 100, "completion_tokens": 2, "total_tokens": 102}
    assert len(body["lectern"]["sources"]) == 2


async def test_the_turn_is_kept_and_may_be_rated(client: Client) -> None:
    """Under the ids that stand beside the answer."""
    told = (await client.post("/v1/chat/completions", json=CHAT)).json()["lectern"]
    rated = await client.post(f"/chat/turns/{told['turn_id']}/feedback", json={"rating": "up"})
    assert rated.status_code == 200
    follow_up = {"message": "And why?", "session_id": told["conversation_id"]}
    assert (await client.post("/chat", json=follow_up)).status_code == 200


async def test_the_model_is_told_the_history_and_the_instructions(make_client: MakeClient) -> None:
    """Those of the request; nothing is looked up, as the client sends all along."""
    llm = ScriptedLLM("Because.")
    earlier = [*ASKED, {"role": "assistant", "content": "A pure function."}, {"role": "user", "content": "But why?"}]
    messages = [{"role": "system", "content": "Answer in Latin."}, *earlier]
    await make_client(llm=llm).post("/v1/chat/completions", json=CHAT | {"messages": messages})
    system, *said, asked = llm.prompts[0].messages
    assert "Answer in Latin." in system.content
    assert [(each.role, each.content) for each in said] == [
        ("user", "What is a reducer?"),
        ("assistant", "A pure function."),
    ]
    assert asked.content.endswith("Question: But why?")


@pytest.mark.parametrize(("path", "body"), ROUTES)
async def test_a_site_of_several_is_a_model(make_client: MakeClient, path: str, body: dict[str, Any]) -> None:
    """And `lectern` is all of them."""
    index = SiteIndex("guide", "api")
    client = make_client(index=index)
    listed = (await client.get("/v1/models")).json()
    assert [model["id"] for model in listed["data"]] == ["lectern", "lectern/api", "lectern/guide"]
    for model in ("lectern", "lectern/guide"):
        answer = await client.post(path, json=body | {"model": model})
        assert (answer.status_code, answer.json()["model"]) == (200, model)
        assert (await client.get(f"/v1/models/{model}")).json()["id"] == model
    assert index.searched == [None, "guide"]


@pytest.mark.parametrize(("path", "body"), ROUTES)
async def test_a_model_that_is_none_is_404(client: Client, path: str, body: dict[str, Any]) -> None:
    """In their shape, with the field that is wrong."""
    for refused in (await client.post(path, json=body | {"model": "gpt-4o"}), await client.get("/v1/models/gpt-4o")):
        error = error_of(refused.json())
        assert (refused.status_code, error["code"], error["param"]) == (404, "model_not_found", "model")


async def test_a_response_goes_on_from_another(make_client: MakeClient) -> None:
    """Its conversation goes on, with the turns up to that response and none that came after it."""
    llm = ScriptedLLM("Pure [1].")
    client = make_client(llm=llm)
    first = (await client.post("/v1/responses", json=RESPONSE)).json()
    for question in ("But why?", "And then?"):
        following = RESPONSE | {"input": question, "previous_response_id": first["id"]}
        answer = (await client.post("/v1/responses", json=following)).json()
        assert answer["previous_response_id"] == first["id"]
        assert answer["conversation"] == first["conversation"]
    said = [each.content for each in llm.prompts[-1].messages[1:-1]]
    assert said == ["What is a reducer?", "Pure [1]."]


async def test_a_response_may_be_older_than_what_is_looked_up(make_client: MakeClient, settings: Settings) -> None:
    """Then the model is told of that one alone."""
    llm = ScriptedLLM("Pure [1].")
    client = make_client(llm=llm, changed=settings.model_copy(update={"history_turns": 1}))
    first = (await client.post("/v1/responses", json=RESPONSE)).json()
    for number in range(4):
        following = RESPONSE | {"input": f"Why {number}?", "previous_response_id": first["id"]}
        assert (await client.post("/v1/responses", json=following)).status_code == 200
        assert [each.content for each in llm.prompts[-1].messages[1:-1]] == ["What is a reducer?", "Pure [1]."]


async def test_only_whose_a_response_is_goes_on_from_it(make_client: MakeClient) -> None:
    """For anybody else there is none, nor one of any other id."""
    client = make_client(identities=(PEOPLE,))
    first = (await client.post("/v1/responses", json=RESPONSE, headers=ANN)).json()
    following = RESPONSE | {"previous_response_id": first["id"]}
    assert (await client.post("/v1/responses", json=following, headers=ANN)).status_code == 200
    unknown = RESPONSE | {"previous_response_id": "resp_0b0e9c1c-8f4f-4b7e-9d21-6a3f1f5f9a77"}
    odd = RESPONSE | {"previous_response_id": "conv_1"}
    for headers, body in ((BOB, following), ({}, following), (ANN, unknown), (ANN, odd)):
        refused = await client.post("/v1/responses", json=body, headers=headers)
        error = error_of(refused.json())
        assert (refused.status_code, error["code"]) == (404, "turn_not_found")
        assert error["param"] == "previous_response_id"


@pytest.mark.parametrize(("path", "body"), ROUTES)
async def test_the_same_key_twice_is_one_turn(make_client: MakeClient, path: str, body: dict[str, Any]) -> None:
    """Both get it, one as a stream and one as an object; another request under the key is refused."""
    go_on = asyncio.Event()
    llm = ScriptedLLM("Pure", " [1].", hold=go_on)
    client = make_client(llm=llm)
    key = {"Idempotency-Key": "key-1"}
    first = asyncio.create_task(client.post(path, json=body | {"stream": True}, headers=key))
    while not llm.open:  # noqa: ASYNC110 - the script has no event for its start
        await asyncio.sleep(0.01)
    second = asyncio.create_task(client.post(path, json=body, headers=key))
    other = {"messages": [{"role": "user", "content": "Other?"}]} if "messages" in body else {"input": "Other?"}
    refused = await client.post(path, json=body | other, headers=key)
    assert (refused.status_code, error_of(refused.json())["code"]) == (400, "idempotency_mismatch")
    go_on.set()
    ids = {frame.get("id") or frame.get("response", {}).get("id") for frame in data_of((await first).text)}
    assert (await second).json()["id"] in ids
    assert len(llm.prompts) == 1


@pytest.mark.parametrize(("path", "body"), ROUTES)
async def test_errors_of_the_turn_have_the_shape(make_client: MakeClient, path: str, body: dict[str, Any]) -> None:
    """Before the first event with a status of their own, also for a stream; a defect says nothing of itself."""
    for failure, status, code in ((IndexUnavailable(), 503, "index_unavailable"), (ZeroDivisionError("x"), 500, "")):
        client = make_client(index=FixedIndex(failure))
        for stream in (False, True):
            refused = await client.post(path, json=body | {"stream": stream})
            assert refused.status_code == status
            assert error_of(refused.json())["code"] == (code or "internal_error")


async def test_a_turn_that_fails_midway_ends_with_an_error(make_client: MakeClient) -> None:
    """In a stream as its last frame, else with its status."""
    client = make_client(llm=ScriptedLLM("Reducers ", UpstreamTimeout()))
    chunks = data_of((await client.post("/v1/chat/completions", json=CHAT | {"stream": True})).text)
    assert error_of(chunks[-1])["code"] == "upstream_timeout"
    events = data_of((await client.post("/v1/responses", json=RESPONSE | {"stream": True})).text)
    assert (events[-1]["type"], events[-1]["response"]["error"]["code"]) == ("response.failed", "upstream_timeout")
    for path, body in ROUTES:
        refused = await client.post(path, json=body)
        assert (refused.status_code, error_of(refused.json())["code"]) == (504, "upstream_timeout")


async def test_a_wrong_key_is_refused_everywhere(make_client: MakeClient) -> None:
    """Also where models are listed: that is how chat tools try out a key."""
    client = make_client(identities=(PEOPLE,))
    wrong = {"Authorization": "Bearer sk-wrong"}
    tried = [await client.post(path, json=body, headers=wrong) for path, body in ROUTES]
    tried += [await client.get(path, headers=wrong) for path in ("/v1/models", "/v1/models/lectern")]
    for refused in tried:
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert error_of(refused.json())["type"] == "authentication_error"


async def test_what_the_framework_refuses_has_the_shape(client: Client) -> None:
    """A body that is no JSON or has a wrong field, and a method that is none."""
    broken = await client.post("/v1/responses", content=b"{", headers={"Content-Type": "application/json"})
    assert (broken.status_code, error_of(broken.json())["message"]) == (400, "The body is not valid JSON.")
    wrong = await client.post("/v1/chat/completions", json=CHAT | {"n": 5})
    error = error_of(wrong.json())
    assert (wrong.status_code, error["param"], error["code"]) == (400, "n", "invalid_request")
    method = await client.delete("/v1/models")
    assert (method.status_code, error_of(method.json())["code"]) == (405, "method_not_allowed")
    assert method.headers["allow"] == "GET"


@pytest.mark.parametrize(("path", "body"), ROUTES)
async def test_who_asks_too_often_is_told_when_to_come_again(
    make_client: MakeClient, settings: Settings, path: str, body: dict[str, Any]
) -> None:
    """In their shape, with the headers that every answer has."""
    limited = settings.model_copy(update={"limits": "address=1/hour"})
    client = make_client(changed=limited, counters=SharedCounters())
    assert (await client.post(path, json=body)).headers["ratelimit-remaining"] == "0"
    refused = await client.post(path, json=body)
    assert (refused.status_code, error_of(refused.json())["type"]) == (429, "rate_limit_error")
    assert refused.headers["x-should-retry"] == "true"
    assert int(refused.headers["retry-after"]) > 0


async def test_links_to_pages_that_are_not_published_open_from_anywhere(make_client: MakeClient) -> None:
    """They stand with this service's address before them."""
    page = passage(1, "Reducers are pure.")
    unpublished = type(page)(**{name: getattr(page, name) for name in page.__slots__} | {"url": "/pages/docs/page-1"})
    client = make_client(index=FixedIndex(hits(unpublished)))
    [choice] = (await client.post("/v1/chat/completions", json=CHAT)).json()["choices"]
    [annotation] = choice["message"]["annotations"]
    assert annotation["url_citation"]["url"] == "http://lectern.test/pages/docs/page-1#part"
