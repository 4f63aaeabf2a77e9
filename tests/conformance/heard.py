"""What a client heard of an answer, in one shape, whatever the protocol and whoever read it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urljoin

_STATUSES = {"completed": "stop", "max_output_tokens": "length", "content_filter": "filtered"}
"""How a response ended, in Lectern's words."""
_REASONS = {"content_filter": "filtered", "content-filter": "filtered"}
"""Finish reasons of OpenAI and of the AI SDK that Lectern has another word for."""

Link = tuple[str, str]
"""A source's name and address."""


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer; None is what the client's protocol or its types have no place for.

    Attributes:
        text: All of it.
        sources: What was shown, in order.
        cited: What the text cites, in order.
        finish: Why it ended.
        usage: Tokens of the prompt and of the answer.
        total: Their sum.
    """

    text: str
    sources: tuple[Link, ...] | None = None
    cited: tuple[Link, ...] | None = None
    finish: str | None = None
    usage: tuple[int, int] | None = None
    total: int | None = None


def differences(heard: dict[str, Heard]) -> dict[str, dict[str, Any]]:
    """Each field on which clients that know it do not agree, or that only one of them knows."""
    found = {}
    for name in (field.name for field in fields(Heard)):
        told = {client: value for client, one in heard.items() if (value := getattr(one, name)) is not None}
        if len(set(told.values())) != 1 or len(told) == 1:
            found[name] = told
    return found


def native(body: dict[str, Any], here: str) -> Heard:
    """Lectern's own JSON."""
    metadata = body["metadata"]
    return Heard(
        body["message"], _links(body["sources"], here), finish=metadata["finish"], total=metadata["tokens_used"]
    )


def native_stream(events: Sequence[tuple[str, dict[str, Any]]], here: str) -> Heard:
    """Lectern's own SSE."""
    by_name = dict(events)
    usage = by_name["done"]["usage"]
    return Heard(
        "".join(data["text"] for name, data in events if name == "delta"),
        _links(by_name["sources"]["sources"], here),
        finish=by_name["done"]["finish"],
        usage=(usage["prompt_tokens"], usage["completion_tokens"]),
        total=sum(usage.values()),
    )


def ui_message(read: dict[str, Any]) -> Heard:
    """What the AI SDK read; the reason to finish is the part's, where the version knows one, else the metadata's."""
    message = read["message"]
    metadata = message["metadata"]
    finish = next(part for part in read["parts"] if part["type"] == "finish")
    return Heard(
        read["text"],
        tuple((part["title"], part["url"]) for part in message["parts"] if part["type"] == "source-url"),
        finish=_reason(finish.get("finishReason", metadata["finish"])),
        usage=(metadata["usage"]["prompt_tokens"], metadata["usage"]["completion_tokens"]),
        total=sum(metadata["usage"].values()),
    )


def completion(body: dict[str, Any], here: str) -> Heard:
    """A chat completion of an OpenAI SDK."""
    choice = body["choices"][0]
    message = choice["message"]
    return Heard(
        message["content"],
        _links(body["lectern"]["sources"], here) if "lectern" in body else None,
        _cited([each["url_citation"] for each in message.get("annotations") or ()]),
        _reason(choice["finish_reason"]),
        *_counts(body.get("usage"), "prompt_tokens", "completion_tokens"),
    )


def chunks(read: Sequence[dict[str, Any]], here: str) -> Heard:
    """A streamed chat completion of an OpenAI SDK."""
    choices = [chunk["choices"][0] for chunk in read if chunk["choices"]]
    assert [chunk for chunk in read if not chunk["choices"]] == [read[-1]], "one last chunk has the usage"
    annotations = [each for choice in choices for each in choice["delta"].get("annotations") or ()]
    lectern = [chunk["lectern"] for chunk in read if "lectern" in chunk]
    assert [choice["finish_reason"] for choice in choices[:-1]] == [None] * (len(choices) - 1)
    return Heard(
        "".join(choice["delta"].get("content") or "" for choice in choices),
        _links(lectern[0]["sources"], here),
        _cited([each["url_citation"] for each in annotations]),
        _reason(choices[-1]["finish_reason"]),
        *_counts(read[-1]["usage"], "prompt_tokens", "completion_tokens"),
    )


def response(body: dict[str, Any], here: str) -> Heard:
    """A response of an OpenAI SDK."""
    part = body["output"][0]["content"][0]
    return Heard(
        part["text"],
        _links(body["lectern"]["sources"], here),
        _cited(part["annotations"]),
        _status(body),
        *_counts(body["usage"], "input_tokens", "output_tokens"),
    )


def response_events(read: Sequence[dict[str, Any]], here: str) -> Heard:
    """A streamed response of an OpenAI SDK: its deltas, and the rest from its last event."""
    assert [event["sequence_number"] for event in read] == list(range(len(read)))
    last = response(read[-1]["response"], here)
    text = "".join(event["delta"] for event in read if event["type"] == "response.output_text.delta")
    assert last.text == text
    return last


def ai_message(read: dict[str, Any]) -> Heard:
    """What LangChain made of a chat completion, whose annotations it drops, or of a response."""
    usage = read["usage_metadata"]
    counts = (usage["input_tokens"], usage["output_tokens"])
    metadata = read["response_metadata"]
    if isinstance(read["content"], str):
        return Heard(read["content"], None, None, _reason(metadata["finish_reason"]), counts, usage["total_tokens"])
    (part,) = read["content"]
    return Heard(
        part["text"], None, _cited(part.get("annotations", ())), _status(metadata), counts, usage["total_tokens"]
    )


def _links(sources: Sequence[dict[str, Any]], here: str) -> tuple[Link, ...]:
    """The sources of Lectern's own shape: their page and headings, each once, and where they are."""
    names = (" › ".join(dict.fromkeys([source["title"], *source["heading_path"]])) for source in sources)
    return tuple(zip(names, (urljoin(here, source["href"]) for source in sources), strict=True))


def _cited(citations: Sequence[dict[str, Any]]) -> tuple[Link, ...]:
    return tuple((each["title"], each["url"]) for each in citations)


def _status(body: dict[str, Any]) -> str:
    ended = str(body["status"] if body["status"] == "completed" else body["incomplete_details"]["reason"])
    return _STATUSES.get(ended, ended)


def _reason(reason: str) -> str:
    return _REASONS.get(reason, reason)


def _counts(usage: dict[str, Any] | None, prompt: str, answer: str) -> tuple[tuple[int, int] | None, int | None]:
    if usage is None:
        return None, None
    return (usage[prompt], usage[answer]), usage["total_tokens"]
