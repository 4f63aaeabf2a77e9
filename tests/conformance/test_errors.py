"""What goes wrong reaches each client as its own kind of error, with a sentence for the reader."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import openai
import pytest
from tests.conformance.asking import openai_sdk, user_message
from tests.conformance.clients import AI_SDKS, ThrownError
from tests.conformance.conftest import QUESTION, Clients, OpenSite, Site

ASKED: Any = {"messages": [{"role": "user", "content": QUESTION}]}


@pytest.fixture(scope="module")
def site(open_site: OpenSite) -> Site:
    """A service whose provider hangs up after eight tokens, each time."""
    patience = {"BREAKER_FAILURES": "1000", "BREAKER_MIN_CALLS": "1000"}
    return open_site("stub-itl2-fin8", **patience)


def is_short(message: str) -> bool:
    """One sentence or two for a reader, and nothing of what is inside."""
    return 10 < len(message) < 200 and not any(word in message for word in ("Traceback", "{", "http", "Error("))


class Failure:
    """One way to ask wrongly, and what the OpenAI SDKs' error has to say of it.

    Attributes:
        body: Of a chat completion, without its messages.
        key: With what to ask, when not with a key of its own.
        kinds: The names of the classes: of OpenAI's SDKs, and of LangChain.
        told: Status, type, code, param.
    """

    def __init__(self, body: dict[str, Any], kinds: tuple[str, str], told: tuple[Any, ...], key: str = "") -> None:
        self.body, self.kinds, self.told, self.key = body, kinds, told, key


FAILURES = {
    "a wrong key": Failure(
        {"model": "lectern"},
        ("AuthenticationError", "OpenAIAuthenticationError"),
        (401, "authentication_error", "unauthorized", None),
        key="no-key-of-anybody",
    ),
    "no such model": Failure(
        {"model": "gpt-4o"},
        ("NotFoundError", "OpenAIModelNotFoundError"),
        (404, "invalid_request_error", "model_not_found", "model"),
    ),
    "five answers": Failure(
        {"model": "lectern", "n": 5},
        ("BadRequestError", "OpenAIInvalidRequestError"),
        (400, "invalid_request_error", "invalid_request", "n"),
    ),
    "a provider that hangs up": Failure(
        {"model": "lectern"},
        ("InternalServerError", "OpenAIAPIError"),
        (502, "server_error", "upstream_unavailable", None),
    ),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_openai_s_clients_throw_their_own_errors(site: Site, clients: Clients, failure: Failure) -> None:
    """Class, status, type, code and param, the same in Python, JavaScript and LangChain."""
    key = failure.key or site.key()
    with openai_sdk(site, key) as client, pytest.raises(openai.APIStatusError) as python:
        client.chat.completions.create(**ASKED, **failure.body)
    error = python.value
    assert (type(error).__name__, (error.status_code, error.type, error.code, error.param)) == (
        failure.kinds[0],
        failure.told,
    )
    with pytest.raises(ThrownError) as javascript:
        clients.openai().ask("chat", base_url=site.openai, api_key=key, body=ASKED | failure.body)
    assert javascript.value.kind == failure.kinds[0]
    options = {"model": failure.body["model"], "extra": {k: v for k, v in failure.body.items() if k != "model"}}
    with pytest.raises(ThrownError) as langchain:
        clients.langchain().ask("invoke", base_url=site.openai, api_key=key, messages=[["user", QUESTION]], **options)
    assert langchain.value.kind == failure.kinds[1]
    said = error.body["message"] if isinstance(error.body, dict) else ""
    assert is_short(said)
    for thrown in (javascript.value, langchain.value):
        fields = thrown.fields
        assert (fields["status"], fields["type"], fields["code"], fields["param"]) == failure.told
        assert thrown.message.endswith(said)


def test_a_rate_s_end_is_each_client_s_own_error(site: Site, clients: Clients) -> None:
    """After three questions a key is told to wait, by the class that each client has for that."""
    key = site.key(limits="3/hour")
    with openai_sdk(site, key) as client:
        for _ in range(3):
            with pytest.raises(openai.InternalServerError):
                client.chat.completions.create(model="lectern", **ASKED)
        with pytest.raises(openai.RateLimitError) as limited:
            client.chat.completions.create(model="lectern", **ASKED)
    assert int(limited.value.response.headers["retry-after"]) > 0
    with pytest.raises(ThrownError) as javascript:
        clients.openai().ask("chat", base_url=site.openai, api_key=key, body={"model": "lectern", **ASKED})
    options = {"model": "lectern", "messages": [["user", QUESTION]]}
    with pytest.raises(ThrownError) as langchain:
        clients.langchain().ask("invoke", base_url=site.openai, api_key=key, **options)
    assert (javascript.value.kind, langchain.value.kind) == ("RateLimitError", "OpenAIRateLimitError")
    for version in AI_SDKS:
        with pytest.raises(ThrownError) as thrown:
            send(site, clients, version, key)
        assert thrown.value.message.startswith("Too many requests"), version
        assert is_short(thrown.value.message), version


def send(site: Site, clients: Clients, version: str, key: str, **message: Any) -> Any:
    """Ask by the AI SDK in a new chat."""
    headers = {"Authorization": f"Bearer {key}"}
    messages = [user_message(QUESTION) | message]
    return clients.ai_sdk(version).ask("send", api=site.chat, headers=headers, chat=str(uuid4()), messages=messages)


@pytest.mark.parametrize("version", AI_SDKS)
def test_the_ai_sdk_throws_what_a_reader_can_read(site: Site, clients: Clients, version: str) -> None:
    """A refusal's whole body becomes the error that a page shows, so it is a sentence, and no JSON."""
    image = {"type": "file", "mediaType": "image/png", "url": "data:image/png;base64,AAAA"}
    wrong: dict[str, Callable[[], Any]] = {
        "key": lambda: send(site, clients, version, "no-key-of-anybody"),
        "part": lambda: send(site, clients, version, site.key(), parts=[image]),
        "role": lambda: send(site, clients, version, site.key(), role="narrator"),
    }
    for name, ask in wrong.items():
        with pytest.raises(ThrownError) as thrown:
            ask()
        assert is_short(thrown.value.message), name


@pytest.mark.parametrize("version", AI_SDKS)
def test_a_stream_that_fails_keeps_its_text_and_says_so(site: Site, clients: Clients, version: str) -> None:
    """What came before the provider hung up stays, one error ends it, in the SDK and on a page."""
    key = site.key()
    read = send(site, clients, version, key)
    assert read["text"].startswith("You asked: How do I")
    assert [is_short(error) for error in read["errors"]] == [True]
    headers = {"Authorization": f"Bearer {key}"}
    page = clients.use_chat(version).ask("send", api=site.chat, headers=headers, chat=str(uuid4()), text=QUESTION)
    assert (page["statuses"][-1], page["error"]) == ("error", read["errors"][0])
    assert page["drawn"][-1]["text"] == read["text"]


def test_openai_s_streams_that_fail_throw(site: Site, clients: Clients) -> None:
    """After the text that came, each client throws; a response's own event tells it to who reads those."""
    key = site.key()
    texts: list[str] = []
    with openai_sdk(site, key) as client:
        stream = client.chat.completions.create(model="lectern", **ASKED, stream=True)
        with pytest.raises(openai.APIError) as failed:
            texts.extend(chunk.choices[0].delta.content or "" for chunk in stream)
        *_, last = client.responses.create(model="lectern", input=QUESTION, stream=True)
    assert "".join(texts).startswith("You asked: How do I")
    assert (failed.value.code, failed.value.type) == ("upstream_unavailable", "server_error")
    assert is_short(failed.value.message)
    streamed = {"base_url": site.openai, "api_key": key, "model": "lectern", "messages": [["user", QUESTION]]}
    with pytest.raises(ThrownError) as langchain:
        clients.langchain().ask("stream", **streamed)
    assert (langchain.value.kind, langchain.value.message) == ("APIError", failed.value.message)
    assert last.type == "response.failed"
    assert last.response.error is not None
    assert last.response.error.message == failed.value.message


def test_javascript_s_streams_that_fail_throw(site: Site, clients: Clients) -> None:
    """The same for the SDK for JavaScript."""
    options = {"base_url": site.openai, "api_key": site.key()}
    with pytest.raises(ThrownError) as thrown:
        clients.openai().ask("chat_stream", **options, body={"model": "lectern", **ASKED})
    assert (thrown.value.kind, thrown.value.fields["code"]) == ("APIError", "upstream_unavailable")
    assert is_short(thrown.value.message)
    body = {"model": "lectern", "input": QUESTION}
    events = clients.openai().ask("response_stream", **options, body=body)["events"]
    assert events[-1]["type"] == "response.failed"
    assert events[-1]["response"]["error"]["message"] == thrown.value.message
