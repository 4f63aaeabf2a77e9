"""The `openai` SDK as anybody installs it, against the real service: what its users see."""

import asyncio
import signal
from collections.abc import AsyncGenerator, Iterator
from typing import Any, Final

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletionMessageParam
from tests.service_process import running_service
from tests.serving.servers import Served
from tests.stub_process import Stub, running_stub

pytestmark = pytest.mark.process

OPERATOR: Final = "operator-token-0123456789"
NOBODY: Final = {"Authorization": ""}
QUESTION: Final = "How do I run the tests?"
MESSAGES: Final[list[ChatCompletionMessageParam]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": QUESTION},
]


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    """A provider."""
    with running_stub() as stub:
        yield stub


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, stub: Stub) -> Iterator[Served]:
    """A running service with a model of twelve tokens, and somebody who has a token."""
    folder = tmp_path_factory.mktemp("sdk")
    settings = {"OPENAI_BASE_URL": stub.base_url, "OPENAI_MODEL": "stub-len12", "ADMIN_TOKEN": OPERATOR}
    with running_service(folder, **settings) as served:
        yield served


@pytest.fixture
async def sdk(service: Served) -> AsyncGenerator[AsyncOpenAI, None]:
    """A client with a key that the service knows."""
    async with AsyncOpenAI(base_url=f"http://127.0.0.1:{service.port}/v1", api_key=OPERATOR, max_retries=0) as client:
        yield client


async def test_a_completion_is_the_sdk_s_own(sdk: AsyncOpenAI) -> None:
    """Text, citations, tokens and the request's id, all in its types."""
    completion = await sdk.chat.completions.create(model="lectern", messages=MESSAGES, temperature=0.2)
    [choice] = completion.choices
    assert choice.message.content is not None
    assert choice.message.content.startswith("You asked:")
    [annotation, *_] = choice.message.annotations or []
    cited = annotation.url_citation
    assert choice.message.content[cited.start_index : cited.end_index] == "[1]"
    assert cited.url.startswith(("http://", "https://"))
    assert completion.usage is not None
    assert completion.usage.completion_tokens == 12
    assert completion._request_id


async def test_a_stream_says_what_one_object_does(sdk: AsyncOpenAI) -> None:
    """Joined, the same text; the reason and the tokens at its end."""
    whole = await sdk.chat.completions.create(model="lectern", messages=MESSAGES)
    stream = await sdk.chat.completions.create(
        model="lectern", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage == whole.usage
    annotations: Any = chunks[-2].choices[0].delta.model_extra
    assert annotations["annotations"][0]["url_citation"]["start_index"] == text.index("[1]")


async def test_the_sdk_s_own_accumulator_makes_the_message(sdk: AsyncOpenAI) -> None:
    """`stream()` ends with a completion."""
    async with sdk.chat.completions.stream(model="lectern", messages=MESSAGES) as stream:
        async for _ in stream:
            pass
        completion = await stream.get_final_completion()
    assert completion.choices[0].message.content is not None
    assert completion.choices[0].message.content.startswith("You asked:")


async def test_a_response_may_be_read_as_it_comes(sdk: AsyncOpenAI) -> None:
    """`with_streaming_response` hands on the bytes, and the head before them."""
    create = sdk.chat.completions.with_streaming_response.create
    async with create(model="lectern", messages=MESSAGES, stream=True) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["x-request-id"]
        lines = [line async for line in response.iter_lines()]
    assert [line for line in lines if line][-1] == "data: [DONE]"


async def test_responses_go_on_from_one_another(sdk: AsyncOpenAI, stub: Stub) -> None:
    """As an object and as a stream; the model is told what was said before."""
    first = await sdk.responses.create(model="lectern", input=QUESTION, instructions="Be brief.")
    assert first.output_text.startswith("You asked:")
    async with sdk.responses.stream(model="lectern", input="And how long?", previous_response_id=first.id) as stream:
        types = [event.type async for event in stream]
        last = await stream.get_final_response()
    assert (types[0], types[-1]) == ("response.created", "response.completed")
    assert (last.status, last.previous_response_id, last.output_text[:10]) == ("completed", first.id, "You asked:")
    told = stub.last("stub-len12")["body"]["messages"]
    assert [message["content"] for message in told[1:-1]] == [QUESTION, first.output_text]


async def test_models_are_listed_and_found(sdk: AsyncOpenAI) -> None:
    """The site is one."""
    assert [model.id async for model in sdk.models.list()] == ["lectern"]
    assert (await sdk.models.retrieve("lectern")).id == "lectern"
    with pytest.raises(openai.NotFoundError):
        await sdk.models.retrieve("lectern/nowhere")


@pytest.mark.parametrize(
    ("changed", "raised", "code", "param"),
    [
        ({"model": "gpt-4o"}, openai.NotFoundError, "model_not_found", "model"),
        ({"n": 5}, openai.BadRequestError, "invalid_request", "n"),
        ({"messages": []}, openai.BadRequestError, "invalid_request", "messages"),
        ({"messages": [{"role": "tool", "content": "42"}]}, openai.BadRequestError, "invalid_request", None),
        ({"extra_body": {"stream": "yes"}}, openai.BadRequestError, "invalid_request", "stream"),
    ],
    ids=["model", "n", "no messages", "tool", "stream"],
)
async def test_what_is_wrong_is_the_sdk_s_own_exception(
    sdk: AsyncOpenAI, changed: dict[str, Any], raised: type[openai.APIStatusError], code: str, param: str | None
) -> None:
    """With the code, the field and the request's id."""
    arguments: dict[str, Any] = {"model": "lectern", "messages": MESSAGES} | changed
    with pytest.raises(raised) as refused:
        await sdk.chat.completions.create(**arguments)
    error = refused.value
    assert (error.code, error.param or None) == (code, param or error.param)
    assert error.type == "invalid_request_error"
    assert error.request_id


async def test_a_wrong_key_is_an_authentication_error(sdk: AsyncOpenAI) -> None:
    """Also where models are listed."""
    with pytest.raises(openai.AuthenticationError):
        await sdk.with_options(api_key="sk-wrong").models.list()


async def test_who_has_no_key_asks_as_a_visitor(sdk: AsyncOpenAI) -> None:
    """The SDK wants one, so its header is emptied."""
    nobody = sdk.with_options(api_key="none", default_headers=NOBODY)
    completion = await nobody.chat.completions.create(model="lectern", messages=MESSAGES)
    assert completion.choices[0].finish_reason == "stop"


async def test_a_provider_that_fails_is_an_error_of_the_server(
    tmp_path_factory: pytest.TempPathFactory, stub: Stub
) -> None:
    """In the middle of a stream it is raised there, after what came before."""
    settings = {"OPENAI_BASE_URL": stub.base_url, "OPENAI_MODEL": "stub-len12-cut5"}
    with running_service(tmp_path_factory.mktemp("cut"), **settings) as served:
        url = f"http://127.0.0.1:{served.port}/v1"
        with OpenAI(base_url=url, api_key="none", max_retries=0, default_headers=NOBODY) as sdk:
            text, error = await asyncio.to_thread(_until_it_fails, sdk)
    assert text.startswith("You asked:")
    assert error.code in {"upstream_unavailable", "upstream_timeout"}


async def test_streams_are_told_when_their_worker_stops(tmp_path_factory: pytest.TempPathFactory, stub: Stub) -> None:
    """By the end that each protocol has for it, which their users see as such."""
    settings = {"OPENAI_BASE_URL": stub.base_url, "OPENAI_MODEL": "stub-itl50-len2000", "GRACEFUL_TIMEOUT_SECONDS": "4"}
    with running_service(tmp_path_factory.mktemp("stopped"), **settings) as served:
        url = f"http://127.0.0.1:{served.port}/v1"
        async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0, default_headers=NOBODY) as sdk:
            chunks = await sdk.chat.completions.create(model="lectern", messages=MESSAGES, stream=True)
            events = await sdk.responses.create(model="lectern", input=QUESTION, stream=True)
            await anext(chunks)
            await anext(events)
            served.signal(signal.SIGTERM)
            with pytest.raises(openai.APIError) as failed:
                [chunk async for chunk in chunks]
            last: Any = [event async for event in events][-1]
    assert failed.value.code == "shutting_down"
    assert (last.type, last.response.error.code) == ("response.failed", "shutting_down")


def _until_it_fails(sdk: OpenAI) -> tuple[str, openai.APIError]:
    """What a stream said, and what it raised then."""
    text: list[str] = []
    stream = sdk.chat.completions.create(model="lectern", messages=MESSAGES, stream=True)
    with pytest.raises(openai.APIError) as failed:
        text.extend(chunk.choices[0].delta.content or "" for chunk in stream)
    return "".join(text), failed.value
