"""Every format: any turn becomes a legal stream, and any cut of it one that ends.

A new format is one more row of `FORMATS`, with a check of its own that is written from its protocol.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from hypothesis import HealthCheck, given, note
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tests.formats import legal_ai_sdk, legal_openai, legal_sse
from tests.formats.turns import positions_of, text_of, turns

from lectern.errors import LecternError, ShuttingDown, TurnLost
from lectern.events import Delta, Event
from lectern.formats.ai_sdk import AiSdkEncoder
from lectern.formats.format import Encoder
from lectern.formats.openai_chat import ChatCompletionEncoder
from lectern.formats.openai_responses import ResponseEncoder, ResponseHead
from lectern.formats.sse import SseEncoder


@dataclass(frozen=True, slots=True)
class Format:
    """One way to render turns.

    Attributes:
        name: What a failing test calls it.
        encoder: Makes the encoder of one stream.
        text_of: Checks a whole stream, and tells the text that a client ends up with.
    """

    name: str
    encoder: Callable[[], Encoder]
    text_of: Callable[[bytes], str]


HERE: Final = "https://lectern.example.org/"
FORMATS: Final = (
    Format("sse", SseEncoder, legal_sse.text_of_legal_stream),
    Format("ai-sdk", AiSdkEncoder, legal_ai_sdk.text_of_legal_stream),
    *(
        Format(
            f"ai-sdk-{'.'.join(map(str, version))}",
            partial(AiSdkEncoder, version, here=HERE),
            partial(legal_ai_sdk.text_of_legal_stream, version=version),
        )
        for version in ((5, 0, 91), (5, 0, 92), (6, 0, 14), (6, 0, 15), (7, 0, 0))
    ),
    Format(
        "openai-chat",
        partial(ChatCompletionEncoder, model="lectern", created=1, here=HERE),
        legal_openai.text_of_legal_completion,
    ),
    Format(
        "openai-chat-with-usage",
        partial(ChatCompletionEncoder, model="lectern", created=1, here=HERE, include_usage=True),
        partial(legal_openai.text_of_legal_completion, with_usage=True),
    ),
    Format(
        "openai-responses",
        partial(ResponseEncoder, ResponseHead("lectern", 1, HERE)),
        legal_openai.text_of_legal_response,
    ),
)

patient = hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
ERRORS: Final = st.sampled_from([ShuttingDown(), TurnLost()])


def each_format() -> Iterator[Format]:
    """The formats in turn; a failing example tells which it was at."""
    for form in FORMATS:
        note(form.name)
        yield form


def rendered(encoder: Encoder, events: Sequence[Event], cut: LecternError | None = None) -> bytes:
    """The stream of some events, cut after them if it says why."""
    frames: Iterable[bytes] = map(encoder.encode, positions_of(events), events)
    return b"".join(frames) + (encoder.cut(cut) if cut else b"")


@patient
@given(events=turns())
def test_any_turn_is_a_legal_stream(events: list[Event]) -> None:
    """Each part is one that clients take, in an order that they take, with one end; no character is lost or doubled."""
    for form in each_format():
        assert form.text_of(rendered(form.encoder(), events)) == text_of(events)


@patient
@given(events=turns(), place=st.integers(0), error=ERRORS)
def test_any_cut_stream_ends(events: list[Event], place: int, error: LecternError) -> None:
    """Wherever it is cut, also before its first event, exactly one end follows; the text is what was said so far."""
    sent = events[: place % len(events)]
    for form in each_format():
        assert form.text_of(rendered(form.encoder(), sent, error)) == text_of(sent)


@patient
@given(events=turns())
def test_the_same_events_make_the_same_bytes(events: list[Event]) -> None:
    """No clock, no dice, nothing left of the last stream: what one follower reads, any other does."""
    for form in each_format():
        assert rendered(form.encoder(), events) == rendered(form.encoder(), events)


@patient
@given(events=turns())
def test_how_deltas_are_cut_makes_no_difference(events: list[Event]) -> None:
    """A turn that is replayed with its text in one piece, or character by character, reads the same."""
    pieces = [Delta(character) for event in events if isinstance(event, Delta) for character in event.text]
    for deltas in (pieces, [Delta(text_of(events))] if pieces else []):
        again = _with_deltas(events, deltas)
        for form in each_format():
            assert form.text_of(rendered(form.encoder(), again)) == text_of(events)


def _with_deltas(events: Sequence[Event], deltas: Sequence[Event]) -> list[Event]:
    """The turn with other deltas in the place of its own, where its first one was."""
    first = next((number for number, event in enumerate(events) if isinstance(event, Delta)), 0)
    others = [event for event in events[first:] if not isinstance(event, Delta)] if deltas else events[first:]
    return [*events[:first], *deltas, *others]
