"""The same question, asked by every client in each of its ways."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx2
import openai
from tests.conformance import heard
from tests.conformance.clients import AI_SDKS, Driver
from tests.conformance.conftest import QUESTION, Clients, Site
from tests.conformance.heard import Heard
from tests.service_process import SSE, events

Asking = Callable[[], Heard]


def user_message(text: str) -> dict[str, Any]:
    """A message as `useChat` makes it."""
    return {"id": uuid4().hex[:16], "role": "user", "parts": [{"type": "text", "text": text}]}


def openai_sdk(site: Site, key: str) -> openai.OpenAI:
    """OpenAI's SDK for Python, which asks once."""
    return openai.OpenAI(base_url=site.openai, api_key=key, max_retries=0)


def by_all(site: Site, clients: Clients, key: str) -> dict[str, Heard]:
    """What each heard, by the client's name and its way."""
    with openai_sdk(site, key) as client:
        model = client.models.list().data[0].id
        ways: dict[str, Asking] = {
            **dict(_native(site, key)),
            **dict(_ai_sdk(site, clients, key)),
            **dict(_openai_python(site, client, model)),
            **dict(_openai_js(site, clients.openai(), key, model)),
            **dict(_langchain(site, clients.langchain(), key, model)),
        }
        return {name: ask() for name, ask in ways.items()}


def at_once(tasks: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """Do these at the same time, each in a thread, and give what each returned."""
    with ThreadPoolExecutor(len(tasks)) as threads:
        begun = {name: threads.submit(task) for name, task in tasks.items()}
        return {name: task.result() for name, task in begun.items()}


def _native(site: Site, key: str) -> Iterator[tuple[str, Asking]]:
    headers = {"Authorization": f"Bearer {key}"}
    body = {"message": QUESTION}

    def whole() -> Heard:
        answer = httpx2.post(f"{site.url}/chat", json=body, headers=headers, timeout=60).raise_for_status()
        return heard.native(answer.json(), site.url)

    def streamed() -> Heard:
        with httpx2.stream("POST", f"{site.url}/chat", json=body, headers=headers | SSE, timeout=60) as answer:
            return heard.native_stream(list(events(answer.iter_lines())), site.url)

    yield "native JSON", whole
    yield "native SSE", streamed


def _ai_sdk(site: Site, clients: Clients, key: str) -> Iterator[tuple[str, Asking]]:
    headers = {"Authorization": f"Bearer {key}"}
    for version in AI_SDKS:
        for only_last in (False, True):

            def ask(version: str = version, *, only_last: bool = only_last) -> Heard:
                chat = {"chat": str(uuid4()), "messages": [user_message(QUESTION)], "only_last": only_last}
                read = clients.ai_sdk(version).ask("send", api=site.chat, headers=headers, **chat)
                assert read["errors"] == []
                return heard.ui_message(read)

            yield f"ai {version}, {'the last message' if only_last else 'the whole history'}", ask


def _openai_python(site: Site, client: openai.OpenAI, model: str) -> Iterator[tuple[str, Asking]]:
    asked: Any = {"model": model, "messages": [{"role": "user", "content": QUESTION}]}
    streamed: Any = asked | {"stream": True, "stream_options": {"include_usage": True}}
    response: Any = {"model": model, "input": QUESTION}

    def raw() -> Heard:
        with client.chat.completions.with_streaming_response.create(**asked) as answer:
            return heard.completion(answer.parse().model_dump(), site.url)

    def helper() -> Heard:
        with client.responses.stream(**response) as stream:
            *_, last = stream
        return heard.response(last.model_dump(warnings=False)["response"], site.url)  # the helper's own classes warn

    ways: dict[str, Asking] = {
        "chat": lambda: heard.completion(client.chat.completions.create(**asked).model_dump(), site.url),
        "chat stream": lambda: heard.chunks(
            [chunk.model_dump() for chunk in client.chat.completions.create(**streamed)], site.url
        ),
        "chat raw": raw,
        "response": lambda: heard.response(client.responses.create(**response).model_dump(), site.url),
        "response stream": lambda: heard.response_events(
            [event.model_dump() for event in client.responses.create(**response, stream=True)], site.url
        ),
        "response helper": helper,
    }
    for name, way in ways.items():
        yield f"openai for Python, {name}", way


def _openai_js(site: Site, driver: Driver, key: str, model: str) -> Iterator[tuple[str, Asking]]:
    body = {"model": model, "messages": [{"role": "user", "content": QUESTION}]}
    streamed = body | {"stream_options": {"include_usage": True}}
    response = {"model": model, "input": QUESTION}

    def ask(command: str, body: dict[str, Any]) -> Any:
        return driver.ask(command, base_url=site.openai, api_key=key, body=body)

    ways: dict[str, Asking] = {
        "chat": lambda: heard.completion(ask("chat", body), site.url),
        "chat stream": lambda: heard.chunks(ask("chat_stream", streamed)["chunks"], site.url),
        "chat helper": lambda: heard.completion(ask("chat_helper", streamed), site.url),
        "response": lambda: heard.response(ask("response", response)["response"], site.url),
        "response stream": lambda: heard.response_events(ask("response_stream", response)["events"], site.url),
    }
    for name, way in ways.items():
        yield f"openai for JavaScript, {name}", way


def _langchain(site: Site, driver: Driver, key: str, model: str) -> Iterator[tuple[str, Asking]]:
    options: dict[str, Any] = {"base_url": site.openai, "api_key": key, "model": model}
    for command in ("invoke", "stream"):
        for responses in (False, True):

            def ask(command: str = command, *, responses: bool = responses) -> Heard:
                read = driver.ask(command, **options, responses=responses, messages=[["user", QUESTION]])
                return heard.ai_message(read)

            yield f"LangChain, {command} of {'responses' if responses else 'chat completions'}", ask
