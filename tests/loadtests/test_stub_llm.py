"""The stub over real HTTP: what a model's name asks for is what a client gets."""

import base64
import json
import math
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import anyio
import httpx2
import pytest
from loadtests.stub_model import UnknownModelError, parse
from tests.stub_process import Stub, running_stub

QUESTION = "Passages from the site:\n\n[1] Page\nA text.\n\nQuestion: wie heißt 🦊 du?"


@pytest.fixture(scope="module")
def client(stub: Stub) -> Iterator[httpx2.Client]:
    """A client that waits one second for each piece of an answer."""
    with httpx2.Client(base_url=stub.base_url, timeout=1) as client:
        yield client


def ask(client: httpx2.Client, model: str, *, stream: bool = True, **more: Any) -> httpx2.Response:
    """One chat request, read to its end."""
    messages = [{"role": "user", "content": QUESTION}]
    return client.post("/chat/completions", json={"model": model, "messages": messages, "stream": stream, **more})


def read_frames(response: httpx2.Response) -> list[Any]:
    """The JSON of each frame; `[DONE]` as it is."""
    data = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    return [frame if frame == "[DONE]" else json.loads(frame) for frame in data]


def text_of(frames: list[Any]) -> str:
    """The answer that frames make."""
    choices = [frame["choices"][0] for frame in frames if frame != "[DONE]" and frame["choices"]]
    return "".join(choice["delta"].get("content", "") for choice in choices)


def test_a_stream_is_tokens_a_finish_usage_and_done(client: httpx2.Client) -> None:
    """A streamed answer has as many tokens as its name says, and ends as OpenAI's does."""
    response = ask(client, "stub-len12", stream_options={"include_usage": True})
    assert response.headers["content-type"] == "text/event-stream"
    *tokens, finish, usage, done = read_frames(response)
    assert len(tokens) == 12
    assert text_of(tokens) == "You asked: wie heißt 🦊 du? wie [1]."
    assert finish["choices"][0]["finish_reason"] == "stop"
    assert usage["usage"]["completion_tokens"] == 12
    assert done == "[DONE]"


def test_whole_and_streamed_answers_are_equal(client: httpx2.Client) -> None:
    """The same question gets the same answer, streamed or not, each time."""
    whole = ask(client, "stub-len12", stream=False).json()
    assert whole["choices"][0]["message"]["content"] == text_of(read_frames(ask(client, "stub-len12")))
    assert whole == ask(client, "stub-len12", stream=False).json()


def test_usage_comes_only_when_asked_for(client: httpx2.Client) -> None:
    """Without `include_usage` no frame tells of tokens."""
    assert not [frame for frame in read_frames(ask(client, "stub-len3")) if "usage" in frame]


def test_max_tokens_cuts_the_answer(client: httpx2.Client) -> None:
    """A limit below the length ends the answer with `length`."""
    *tokens, finish, _ = read_frames(ask(client, "stub-len12", max_tokens=5))
    assert (len(tokens), finish["choices"][0]["finish_reason"]) == (5, "length")


def test_timing_is_in_the_name(client: httpx2.Client) -> None:
    """Tokens come at their times: not before them, and in frames of their own."""
    began = time.perf_counter()
    moments = []
    body = {"model": "stub-ttft10-itl100-slow10x-len2", "messages": [], "stream": True}
    with client.stream("POST", "/chat/completions", json=body, timeout=20) as response:
        for line in response.iter_lines():
            if '"content"' in line:
                moments.append(time.perf_counter() - began)  # noqa: PERF401 - the moment is the point
    first, second = moments
    assert 0.09 <= first < 1  # 0.1 s, and not held back for the second
    assert second >= 1.09


def test_a_citation_that_names_no_passage(client: httpx2.Client) -> None:
    """`badcite` cites what was not given, `nocite` nothing; numbers come in tokens of their own."""
    frames = read_frames(ask(client, "stub-badcite-len20"))
    assert text_of(frames).endswith(" [1] [99].")
    assert "99" in [frame["choices"][0]["delta"].get("content") for frame in frames[:-1]]
    assert "[" not in text_of(read_frames(ask(client, "stub-nocite-len20")))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 429, 500, 503])
@pytest.mark.parametrize("path", ["/chat/completions", "/embeddings"])
def test_statuses(client: httpx2.Client, status: int, path: str) -> None:
    """`failNNN` is that status in OpenAI's shape; 429 and 503 say when to come back."""
    response = client.post(path, json={"model": f"stub-fail{status}-retry7", "input": "x"})
    assert response.status_code == status
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}
    assert response.headers.get("retry-after") == ("7" if status in {429, 503} else None)


@pytest.mark.parametrize("name", ["gpt-4o", "stub-wrong", "stub-fail200", "stub-len", "stubborn", ""])
def test_an_unknown_model(client: httpx2.Client, name: str) -> None:
    """A name outside the grammar is OpenAI's 404, so that a typing error is seen."""
    response = ask(client, name)
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "model_not_found"
    with pytest.raises(UnknownModelError):
        parse(name)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'"stub"', b'{"model": 7}', b"\xff"])
def test_a_body_without_a_model(client: httpx2.Client, body: bytes) -> None:
    """Anything else than an object with a model is a 400."""
    assert client.post("/chat/completions", content=body).status_code == 400


def test_flaky_strikes_every_nth(client: httpx2.Client) -> None:
    """`flaky3` fails the third and sixth request, whatever else is asked meanwhile."""
    statuses = [ask(client, "stub-len1-flaky3").status_code for _ in range(6)]
    assert statuses == [200, 200, 500, 200, 200, 500]
    named = [ask(client, "stub-len1-flaky2-fail429").status_code for _ in range(4)]
    assert named == [200, 429, 200, 429]


@pytest.mark.parametrize("model", ["stub-hang", "stub-stall0", "stub-stall10"])
def test_silence(client: httpx2.Client, model: str) -> None:
    """`hang` and `stallN` keep the connection open and say nothing."""
    with pytest.raises(httpx2.ReadTimeout):
        ask(client, model)


def partial(client: httpx2.Client, model: str, *, stream: bool = True) -> tuple[str, httpx2.HTTPError | None]:
    """What came of an answer before it broke, and how it broke."""
    got = b""
    body = {"model": model, "messages": [], "stream": stream}
    try:
        with client.stream("POST", "/chat/completions", json=body) as response:
            for part in response.iter_bytes():
                got += part
    except httpx2.HTTPError as error:
        return got.decode(), error
    return got.decode(), None


@pytest.mark.parametrize("stream", [True, False])
def test_reset_in_the_middle(client: httpx2.Client, *, stream: bool) -> None:
    """`resetN` is a real RST, after what was sent before it."""
    got, error = partial(client, "stub-reset2", stream=stream)
    assert isinstance(error, httpx2.ReadError)
    assert "reset by peer" in str(error)
    assert got.count('"content"') == (2 if stream else 1)


def test_reset_at_once(client: httpx2.Client) -> None:
    """`reset` breaks the connection before any byte."""
    assert partial(client, "stub-reset")[0] == ""
    with pytest.raises(httpx2.ReadError, match="reset by peer"):
        ask(client, "stub-reset")


@pytest.mark.parametrize("stream", [True, False])
def test_fin_in_the_middle(client: httpx2.Client, *, stream: bool) -> None:
    """`finN` closes the connection under an unfinished body."""
    got, error = partial(client, "stub-fin2", stream=stream)
    assert isinstance(error, httpx2.RemoteProtocolError)
    assert got.count('"content"') == (2 if stream else 1)


def test_cut(client: httpx2.Client) -> None:
    """`cutN` ends the body properly, but says neither why nor `[DONE]`."""
    got, error = partial(client, "stub-cut2")
    assert error is None
    assert got.count('"content"') == 2
    assert "[DONE]" not in got
    assert '"finish_reason":"' not in got


def test_endings_that_are_lost(client: httpx2.Client) -> None:
    """`endreset` and `endstall` come after the frame that says why the answer ends."""
    got, error = partial(client, "stub-len2-endreset")
    assert '"finish_reason":"stop"' in got
    assert "[DONE]" not in got
    assert isinstance(error, httpx2.ReadError)
    got, error = partial(client, "stub-len2-endstall")
    assert '"finish_reason":"stop"' in got
    assert isinstance(error, httpx2.ReadTimeout)


def test_garbage_and_errors_in_the_stream(client: httpx2.Client) -> None:
    """`garbageN` sends half of a frame, `errorN` an error, each after N tokens."""
    lines = [line for line in ask(client, "stub-garbage2-len5").text.split("\n\n") if line]
    with pytest.raises(ValueError, match="Unterminated"):
        json.loads(lines[2].removeprefix("data: "))
    frames = read_frames(ask(client, "stub-error2-len5"))
    assert frames[2]["error"]["type"] == "server_error"


def test_what_is_not_an_answer(client: httpx2.Client) -> None:
    """`html` and `okerror` are status 200 and no answer; `empty` is an answer without text."""
    assert ask(client, "stub-html").headers["content-type"] == "text/html"
    assert "error" in ask(client, "stub-okerror").json()
    assert text_of(read_frames(ask(client, "stub-empty"))) == ""


def test_a_picky_server(client: httpx2.Client) -> None:
    """`picky` names the first option that it does not know, until none is left."""
    asked: dict[str, Any] = {"stream_options": {"include_usage": True}, "max_tokens": 5}
    for refused in ("max_tokens", "stream_options"):
        response = ask(client, "stub-picky", **asked)
        assert response.status_code == 400
        assert f"'{refused}'" in response.json()["error"]["message"]
        del asked[refused]
    assert ask(client, "stub-picky", **asked).status_code == 200
    body = {"model": "stub-embed-picky", "input": "x", "encoding_format": "base64"}
    assert "encoding_format" in client.post("/embeddings", json=body).text


def test_endings(client: httpx2.Client) -> None:
    """`filter`, `nodone`, `nousage` and `badusage` change only how an answer ends."""
    asked: dict[str, Any] = {"stream_options": {"include_usage": True}}
    assert read_frames(ask(client, "stub-filter"))[-2]["choices"][0]["finish_reason"] == "content_filter"
    assert read_frames(ask(client, "stub-nodone"))[-1]["choices"][0]["finish_reason"] == "stop"
    assert "usage" not in read_frames(ask(client, "stub-nousage", **asked))[-2]
    assert read_frames(ask(client, "stub-badusage", **asked))[-2]["usage"]["prompt_tokens"] == "many"


def test_split_inside_a_character(client: httpx2.Client) -> None:
    """`split` cuts frames inside a multi-byte character, in pieces that arrive apart."""
    body = {"model": "stub-split-len8", "messages": [{"role": "user", "content": "ß 🦊"}], "stream": True}
    with client.stream("POST", "/chat/completions", json=body) as response:
        parts = list(response.iter_raw())
    undecodable = 0
    for part in parts:
        try:
            part.decode()
        except UnicodeDecodeError:
            undecodable += 1
    assert undecodable >= 2
    assert "🦊" in b"".join(parts).decode()


def vectors(client: httpx2.Client, texts: list[str] | str, model: str = "stub-embed", **more: Any) -> list[list[float]]:
    """The vectors of texts."""
    data = client.post("/embeddings", json={"model": model, "input": texts, **more}).json()["data"]
    return [item["embedding"] for item in sorted(data, key=lambda item: int(item["index"]))]


def test_vectors_are_functions_of_the_text(client: httpx2.Client) -> None:
    """Equal texts get equal unit vectors, in any request; texts that share words are near, others are not."""
    one, near, far = vectors(
        client, ["Reducers must be pure functions", "a reducer is a pure function", "Install the package with npm"]
    )
    assert vectors(client, "Reducers must be pure functions") == [one]
    for vector in (one, near, far):
        assert len(vector) == 256
        assert math.isclose(math.hypot(*vector), 1, abs_tol=1e-6)
    assert dot(one, near) > 0.6
    assert dot(one, far) < 0.3


def dot(one: list[float], other: list[float]) -> float:
    """The cosine of two unit vectors."""
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_vectors_as_base64(client: httpx2.Client) -> None:
    """Base64 holds the same numbers as 32-bit floats, little-endian, in the dimension of the name."""
    [plain] = vectors(client, "words", "stub-embed-dim384")
    [encoded] = vectors(client, "words", "stub-embed-dim384", encoding_format="base64")
    decoded = struct.unpack("<384f", base64.b64decode(str(encoded)))
    assert decoded == pytest.approx(plain, abs=1e-7)


def test_vectors_that_are_none(client: httpx2.Client) -> None:
    """`nan`, `zero`, `uneven`, `short` and `shuffle` each break one promise of an embeddings answer."""
    texts = ["one", "two", "three"]
    assert math.isnan(vectors(client, texts, "stub-embed-nan")[0][0])
    assert set(vectors(client, texts, "stub-embed-zero")[0]) == {0.0}
    assert [len(vector) for vector in vectors(client, texts, "stub-embed-uneven")] == [256, 256, 255]
    assert len(vectors(client, texts, "stub-embed-short")) == 2
    data = client.post("/embeddings", json={"model": "stub-embed-shuffle", "input": texts}).json()["data"]
    assert [item["index"] for item in data] == [2, 1, 0]
    assert [item["embedding"] for item in data[::-1]] == vectors(client, texts)


def test_health_models_and_unknown_addresses(client: httpx2.Client) -> None:
    """The stub answers what a client may look at first."""
    assert client.get("/health").json() == {"status": "ok"}
    assert "stub" in [model["id"] for model in client.get("/models").json()["data"]]
    assert client.get("/nothing").status_code == 404


async def test_a_reader_who_leaves_is_seen(stub: Stub) -> None:
    """Closing the connection ends the answer at once; the counters tell."""
    before = await stub.until(open=0)
    async with httpx2.AsyncClient(base_url=stub.base_url) as client:
        body = {"model": "stub-stall3-taggone", "messages": [], "stream": True}
        async with client.stream("POST", "/chat/completions", json=body) as response:
            assert response.status_code == 200
            await stub.until(open=1)
        after = await stub.until(open=0)
    assert after["abandoned"] == before["abandoned"] + 1
    assert after["requests"]["stub-stall3-taggone"] == 1


def test_the_last_request_is_kept(stub: Stub, client: httpx2.Client) -> None:
    """A test can see what a client really sent."""
    ask(client, "stub-taglast", temperature=0.5)
    last = stub.last("stub-taglast")
    assert last["body"]["temperature"] == 0.5
    assert last["headers"]["content-type"] == "application/json"
    assert client.get("/last", params={"model": "stub-never"}).status_code == 404


def test_spans_tell_when_requests_were_under_way(client: httpx2.Client) -> None:
    """What was in flight at any moment can be told afterwards."""
    for _ in range(2):
        ask(client, "stub-ttft20-tagspans")
    [(began, ended), (again, _)] = client.get("/spans", params={"model": "stub-ttft20-tagspans"}).json()
    assert began + 0.01 < ended <= again  # 20 ms, but for the clocks' grain
    assert client.get("/spans", params={"model": "stub-never"}).json() == []


def test_an_outage_fails_every_call_until_it_is_over(client: httpx2.Client) -> None:
    """A provider that is down for a moment, without another process."""
    body = {"model": "stub-tagoutage", "messages": []}
    client.post("/outage", params={"seconds": 60}).raise_for_status()
    try:
        assert client.post("/chat/completions", json=body).status_code == 503
    finally:
        client.post("/outage", params={"seconds": 0}).raise_for_status()
    assert client.post("/chat/completions", json=body).status_code == 200


async def test_many_streams_at_once(stub: Stub) -> None:
    """Two hundred streams run side by side, none after another."""
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(base_url=stub.base_url, timeout=60, limits=limits) as client:

        async def one() -> None:
            body = {"model": "stub-ttft2000-itl10-len20", "messages": [], "stream": True}
            response = await client.post("/chat/completions", json=body)
            assert response.text.count('"content"') == 20

        before = stub.stats()["most_open"]
        async with anyio.create_task_group() as group:
            for _ in range(200):
                group.start_soon(one)
    assert stub.stats()["most_open"] > max(before, 100)


async def test_the_stub_tells_for_how_long_how_many_were_open() -> None:
    """Two readers who ask three times each without a pause: never a third, and nothing before the first or after."""
    with running_stub() as stub:
        async with httpx2.AsyncClient(base_url=stub.base_url, timeout=60) as client:

            async def reader() -> None:
                for _ in range(3):
                    await client.post("/embeddings", json={"model": "stub-embed-ttft100", "input": "x"})

            assert stub.stats()["seconds_open"] == {}
            async with anyio.create_task_group() as group:
                group.start_soon(reader)
                group.start_soon(reader)
            await anyio.sleep(0.2)
        stats = stub.stats()
    booked = {int(number): seconds for number, seconds in stats["seconds_open"].items()}
    assert stats["most_open"] == max(booked) == 2
    assert sum(number * seconds for number, seconds in booked.items()) >= 6 * 0.1
    assert booked.get(0, 0) < booked[2]


def test_the_stub_never_imports_the_product() -> None:
    """What measures Lectern shares no code with it."""
    code = "import sys, loadtests.stub_llm; print([name for name in sys.modules if name.startswith('lectern')])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"
