"""Turns' events, for tests of formats."""

from tests.scripted import passage

from lectern.events import Delta, Done, Event, Failed, Source, Sources, Started, Waking
from lectern.formats.format import Encoder

CONVERSATION = "6f9bb1a5-4c2c-4f53-9d3b-2f3d7f1f7b10"
TURN = "0b0e9c1c-8f4f-4b7e-9d21-6a3f1f5f9a77"
SOURCES = tuple(Source.of(passage(number, f"Text {number}.")) for number in (1, 2))
USAGE = {"prompt_tokens": 100, "completion_tokens": 3}


def turn(*pieces: str, end: Event | None = None, usage: dict[str, int] | None = None) -> list[Event]:
    """A whole turn that says these pieces."""
    done = Done("answered", usage=USAGE if usage is None else usage, timings={"total": 12.5})
    begin: list[Event] = [Started(CONVERSATION, TURN), Waking("llm"), Sources(SOURCES)]
    return [*begin, *map(Delta, pieces), end or done]


FAILED = Failed("upstream_timeout", "The language model did not answer in time.", retryable=True)


def rendered(encoder: Encoder, events: list[Event]) -> bytes:
    """A whole stream."""
    return b"".join(encoder.encode(position, event) for position, event in enumerate(events, start=1))
