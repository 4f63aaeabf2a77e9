"""What the drivers send is what the services take, and the marks they look for are in what these answer."""

import asyncio
import json

import pytest
from loadtests import services, targets
from loadtests.wire import Target, exchange
from tests.conftest import MakeClient
from tests.scripted import ScriptedLLM
from tests.stub_process import Stub

from lectern.chat.schemas import ChatAnswer, ChatRequest

LECTERN = "http://lectern.test"


def parts(target: Target) -> tuple[str, dict[str, str], bytes]:
    """The path, the headers and the body of a target's request."""
    head, _, body = target.request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, path, version = first.split(" ")
    assert (method, version) == ("POST", "HTTP/1.1")
    return path, dict(line.split(": ", 1) for line in lines), body


@pytest.mark.parametrize("stream", [True, False])
def test_lectern_takes_what_is_sent(*, stream: bool) -> None:
    """Every field is one of the API's, none is left to a default that a load test would not notice."""
    path, headers, body = parts(targets.of_lectern(LECTERN, stream=stream))
    assert path == "/chat"
    assert int(headers["Content-Length"]) == len(body)
    request = ChatRequest.model_validate_json(body)
    assert request.message == json.loads(body)["message"]
    assert json.loads(body).keys() <= ChatRequest.model_fields.keys()


async def test_lecterns_stream_has_its_marks(make_client: MakeClient) -> None:
    """One a frame, which may carry several tokens, and the end's once; a text that quotes a mark has none of it."""
    target = targets.of_lectern(LECTERN)
    path, headers, body = parts(target)
    client = make_client(llm=ScriptedLLM("You asked", ":", "event: delta\n", " tests", "."))
    answer = (await client.post(path, headers=headers, content=body)).content
    assert 1 <= answer.count(target.token) <= 5
    assert answer.count(target.ending) == 1
    assert answer.rstrip().split(b"\n\n")[-1].startswith(target.ending)


async def test_lecterns_object_has_its_marks(make_client: MakeClient) -> None:
    """Once each, where the model's words and the outcome stand; quotation marks of a text are escaped."""
    target = targets.of_lectern(LECTERN, stream=False)
    path, headers, body = parts(target)
    client = make_client(llm=ScriptedLLM('You asked: "outcome":"answered" "response":"You asked:'))
    response = await client.post(path, headers=headers, content=body)
    ChatAnswer.model_validate_json(response.content)
    assert response.content.count(target.token) == 1
    assert response.content.count(target.ending) == 1


@pytest.mark.process
async def test_the_relay_and_the_stub_have_their_marks(stub: Stub) -> None:
    """Each way of asking, of running servers: as many tokens as the model sent, and the end."""
    model = "stub-len7"
    with services.relay(stub.base_url, model) as relay:
        for stream, tokens in ((True, 7), (False, 1)):
            for target in (
                targets.of_relay(relay.url, stream=stream),
                targets.of_relay(relay.url, stream=stream, retrieve=True),
                targets.of_stub(stub.base_url, model, stream=stream),
            ):
                for asked in (target, target.kept()):
                    trace = await exchange(asked, asyncio.get_running_loop().time(), 20)
                    assert (trace.error, len(trace.tokens)) == ("", tokens), (target.name, stream)
    assert stub.stats()["requests"]["stub-embed"] >= 4


def test_a_kept_request_is_the_same_without_its_end() -> None:
    """Nothing but the header that closes the connection is left out."""
    target = targets.of_lectern(LECTERN)
    path, headers, body = parts(target.kept())
    assert headers.pop("Connection", None) is None
    assert (path, headers | {"Connection": "close"}, body) == parts(target)
