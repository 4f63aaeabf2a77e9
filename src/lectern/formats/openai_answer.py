"""What both of OpenAI's formats make of an answer: where it cites, what it cost, and what only Lectern tells."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from lectern.events import Degraded, Delta, Done, Event, Source, Sources, Started
from lectern.formats.citations import citations
from lectern.formats.sources import source_body, source_link, source_name


class Answer(Protocol):
    """A turn as far as it has come; `finish` and `outcome` are those of `lectern.events.Done`."""

    @property
    def conversation_id(self) -> str:
        """UUID, as text."""
        ...

    @property
    def turn_id(self) -> str:
        """UUID, as text."""
        ...

    @property
    def text(self) -> str:
        """What was said."""
        ...

    @property
    def sources(self) -> Sequence[Source]:
        """What `[n]` cites."""
        ...

    @property
    def degraded(self) -> Mapping[str, str]:
        """Parts that could not be used, with the reason's code."""
        ...

    @property
    def usage(self) -> Mapping[str, int]:
        """`prompt_tokens` and `completion_tokens`; empty when nobody counted them."""
        ...

    @property
    def finish(self) -> str:
        """Why it ended."""
        ...

    @property
    def outcome(self) -> str:
        """How it ended."""
        ...


class GrowingAnswer:
    """An `Answer`, from the events that have come."""

    def __init__(self) -> None:
        self.conversation_id = ""
        self.turn_id = ""
        self.sources: Sequence[Source] = ()
        self.degraded: dict[str, str] = {}
        self.usage: Mapping[str, int] = {}
        self.finish = ""
        self.outcome = ""
        self._text: list[str] = []

    @property
    def text(self) -> str:
        """What was said so far."""
        return "".join(self._text)

    def take(self, event: Event) -> None:
        """Note what the next event tells."""
        match event:
            case Delta():
                self._text.append(event.text)
            case Started():
                self.conversation_id, self.turn_id = event.conversation_id, event.turn_id
            case Sources():
                self.sources = event.sources
            case Degraded():
                self.degraded[event.part] = event.reason
            case Done():
                self.usage, self.finish, self.outcome = event.usage, event.finish, event.outcome
            case _:
                pass


def url_citations(answer: Answer, here: str) -> list[dict[str, Any]]:
    """`{start_index, end_index, title, url}` of each citation: `text[start_index:end_index]` is what stands there.

    By their sources' numbers: Open WebUI takes `[n]` for the n-th source that it is told of.

    Args:
        answer: The answer.
        here: The address at which this service was asked, for links to pages that are not published.
    """
    shown = [(source_name(source.json()), source_link(source.href, here)) for source in answer.sources]
    return [
        {"start_index": each.start, "end_index": each.end, "title": title, "url": url}
        for each in sorted(citations(answer.text, len(shown)), key=lambda each: (each.number, each.start))
        for title, url in (shown[each.number - 1],)
    ]


def counted(answer: Answer) -> tuple[int, int] | None:
    """Tokens of the prompt and of the answer, as the provider counted them; None when nobody did.

    Zeros, or an estimate, would be added to somebody's bill as if they were counts.
    """
    usage = answer.usage
    return (usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)) if any(usage.values()) else None


def extension(answer: Answer, here: str) -> dict[str, Any]:
    """What OpenAI's shape has no place for, under a key of its own, `lectern`, that other clients pass over."""
    sources = [source_body(source.json()).model_dump() for source in answer.sources]
    for source in sources:
        source["href"] = source_link(source["href"], here)
    return {
        "conversation_id": answer.conversation_id,
        "turn_id": answer.turn_id,
        "outcome": answer.outcome,
        "sources": sources,
        "degraded": dict(answer.degraded),
    }
