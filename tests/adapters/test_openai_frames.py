"""Reading frames: any cut of the bytes gives the same texts, and what is no frame is an error."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lectern.adapters.no_answer import NoAnswer
from lectern.adapters.openai_frames import StreamedAnswer
from lectern.ports import Completion, ToolCall, Usage


def frame(text: Any = None, finish: Any = None, *, ascii_only: bool = False, **more: Any) -> bytes:
    """One frame as providers send it."""
    chunk = {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}], **more}
    return b"data: " + json.dumps(chunk, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass") + b"\n\n"


def read(*parts: bytes) -> tuple[list[str], StreamedAnswer]:
    """The texts in the parts, and the answer they make.

    Raises:
        Exception: What is wrong with them.
    """
    answer = StreamedAnswer()
    texts = [answer.read(part) for part in parts]
    if answer.error is not None:
        raise answer.error
    return [text for text in texts if text], answer


@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), max_size=5),
    ascii_only=st.booleans(),
    data=st.data(),
)
def test_any_cut_gives_the_same_texts(texts: list[str], ascii_only: bool, data: st.DataObject) -> None:  # noqa: FBT001
    """Segments may end anywhere, inside a character too; line separators inside a text are text."""
    body = b": a comment\n\n" + b"".join(frame(text, ascii_only=ascii_only) for text in texts)
    body += frame(finish="stop") + b"data: [DONE]\n\n"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=8)))
    parts = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    found, answer = read(*parts)
    assert "".join(found) == "".join(texts)
    assert answer.finished
    assert answer.done
    assert answer.frames == len(texts) + 1


@given(text=st.text(min_size=1), data=st.data())
def test_characters_cut_into_two_escapes(text: str, data: st.DataObject) -> None:
    """A character beyond 16 bits that comes as two halves in two frames is whole again; any text can be encoded."""
    units = text.encode("utf-16-be", "surrogatepass")
    cut = 2 * data.draw(st.integers(0, len(units) // 2))
    halves = [units[:cut].decode("utf-16-be", "surrogatepass"), units[cut:].decode("utf-16-be", "surrogatepass")]
    found, _ = read(*(frame(half, ascii_only=True) for half in halves), frame("!"))
    "".join(found).encode()
    if not any("\ud800" <= character <= "\udfff" for character in text):
        assert "".join(found) == text + "!"


def test_why_it_ended_and_what_it_cost() -> None:
    """The last frames tell the finish and the usage, which may stand in a frame of its own."""
    usage = b'data: {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}}\n\n'
    _, answer = read(frame("a"), frame(finish="length"), usage)
    assert answer.completion() == Completion("length", Usage(7, 2))
    assert read(frame(finish="content_filter"))[1].completion() == Completion("filtered", None)
    assert read(frame("a", "eos"))[1].completion() == Completion("stop", None)


@pytest.mark.parametrize(
    "usage", [None, 7, [], {}, {"prompt_tokens": -1, "completion_tokens": 1}, {"prompt_tokens": "x"}]
)
def test_usage_that_is_none(usage: object) -> None:
    """Nonsense about tokens costs the reader nothing."""
    assert read(frame("a", "stop", usage=usage))[1].completion().usage is None


def test_an_answer_that_breaks_off() -> None:
    """Without a reason for its end an answer is not complete, whatever it says."""
    for parts in ([], [frame("a")], [frame("a"), b"data: [DONE]\n\n"]):
        with pytest.raises(NoAnswer, match="broke off"):
            read(*parts)[1].completion()


@pytest.mark.parametrize(
    "line",
    [
        b"data: {",
        b"data: null",
        b"data: []",
        b'data: {"error": {"message": "secret"}}',
        b'data: {"choices": 7}',
        b'data: {"choices": {"a": 1}}',
        b'data: {"choices": [null]}',
        b'data: {"choices": [{"delta": "x"}]}',
        b'data: {"choices": [{"delta": {"content": 7}}]}',
        b'data: {"choices": [{"delta": {"content": "\xff"}}]}',
        b'data: {"choices": [{"finish_reason": {"a": 1}}]}',
        b"data: " + b"[" * 100_000,
    ],
    ids=lambda line: line[:40].decode("latin-1"),
)
def test_garbage(line: bytes) -> None:
    """What is no frame is one of the errors that the adapter knows."""
    with pytest.raises((ValueError, TypeError, AttributeError, LookupError, RecursionError)) as caught:
        read(frame("a"), line + b"\n\n")
    assert "secret" not in str(caught.value)


def test_tokens_that_come_together_are_one_text() -> None:
    """A loop that is late, or a quick model, is not made to handle each token by itself."""
    assert read(frame("a") + frame("b"), frame("c"))[0] == ["ab", "c"]


def test_what_is_wrong_stands_behind_the_text_before_it() -> None:
    """No text is lost to what follows it."""
    answer = StreamedAnswer()
    assert answer.read(frame("a") + frame("b") + b"data: {\n\n" + frame("c")) == "ab"
    assert isinstance(answer.error, ValueError)


def test_a_line_without_an_end() -> None:
    """Bytes that never make a line do not fill the memory."""
    with pytest.raises(NoAnswer, match="without an end"):
        read(*[b"x" * 100_000] * 11)


def test_calls_come_with_the_completion() -> None:
    """An answer that may ask for tools has begun with the first piece of a call; elsewhere nobody looks for one."""
    piece = {"index": 0, "id": "call_7", "type": "function", "function": {"name": "add_task", "arguments": ""}}
    more = {"index": 0, "function": {"arguments": '{"title": "x"}'}}
    frames = [calling(piece), calling(more), frame(finish="tool_calls")]
    asking = StreamedAnswer(calls=True)
    assert asking.read(frames[0]) == ""
    assert asking.has_begun
    for part in frames[1:]:
        asking.read(part)
    assert asking.completion() == Completion("stop", None, (ToolCall("call_7", "add_task", '{"title": "x"}'),))
    _, plain = read(*frames)
    assert not plain.has_begun
    assert plain.completion() == Completion()


@pytest.mark.parametrize(("finish", "meant"), [("length", "length"), ("content_filter", "filtered")])
def test_an_answer_that_was_cut_asks_for_nothing(finish: str, meant: str) -> None:
    """Half of a call is none, and which one is half nobody can tell."""
    answer = StreamedAnswer(calls=True)
    answer.read(calling({"index": 0, "id": "a", "function": {"name": "delete_all"}}) + frame(finish=finish))
    assert (answer.completion().finish, answer.completion().tool_calls) == (meant, ())


def test_calls_with_garbage_behind_them() -> None:
    """Behind the last text only the price gets lost, but behind a call there may be another."""
    call = calling({"index": 0, "id": "a", "function": {"name": "list_tasks"}})
    for ending in (frame(finish="tool_calls") + b"data: {\n\n", calling(7, finish="tool_calls")):
        answer = StreamedAnswer(calls=True)
        answer.read(call + ending)
        with pytest.raises((ValueError, AttributeError)):
            answer.completion()


def calling(*pieces: Any, finish: str | None = None) -> bytes:
    """A frame with pieces of calls."""
    choice = {"index": 0, "delta": {"content": None, "tool_calls": list(pieces)}, "finish_reason": finish}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"
