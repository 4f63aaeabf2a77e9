"""Calls of tools on the wire: OpenAI's own pieces, those of servers that differ, and what is no call."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lectern.adapters.no_answer import NoAnswer
from lectern.adapters.openai_tool_calls import CollectedCalls, with_tools
from lectern.ports import Message, Prompt, Tool, ToolCall

WELL = st.text(st.characters(exclude_categories=["Cs"]))


def piece(
    arguments: str | None = None, *, index: int | None = None, call: str | None = None, name: str | None = None
) -> dict[str, Any]:
    """A piece of a call as a frame has it; what is None is left out."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    whole = {"index": index, "id": call, "function": function or None}
    return {key: value for key, value in whole.items() if value is not None}


def collected(*pieces: Any) -> tuple[ToolCall, ...]:
    """The calls in pieces that come one in a frame."""
    calls = CollectedCalls()
    for item in pieces:
        calls.take([item])
    return calls.whole()


@given(pieces=st.lists(st.tuples(st.integers(0, 3), WELL), min_size=1, max_size=12))
def test_arguments_in_any_pieces_of_interleaved_calls(pieces: list[tuple[int, str]]) -> None:
    """However a model's calls are cut and mixed, each gets its own arguments, in the order in which they began."""
    begun: dict[int, str] = {}
    sent = []
    for number, text in pieces:
        first = number not in begun
        whose = {"call": f"id{number}", "name": f"tool{number}"} if first else {}
        sent.append(piece(text, index=number, **whose))
        begun[number] = begun.get(number, "") + text
    assert collected(*sent) == tuple(ToolCall(f"id{n}", f"tool{n}", text) for n, text in begun.items())


TWO = (ToolCall("a", "add", "{}"), ToolCall("b", "list", "[]"))


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([piece("{}", call="a", name="add"), piece("[]", call="b", name="list")], TWO),
        ([piece("{}", index=0, call="a", name="add"), piece("[]", index=0, call="b", name="list")], TWO),
        ([piece("{", call="a", name="add"), piece("}"), piece("[", call="b", name="list"), piece("]")], TWO),
        ([piece("{", call="a", name="add"), piece("[]", call="b", name="list"), piece("}", call="a")], TWO),
        ([piece("{", index=0, call="a", name="add"), piece("}", index=0, call="other")], TWO[:1]),
        ([piece("{", index=0, call="a", name="add"), piece("}", index=0, call="a", name="add")], TWO[:1]),
        ([piece("{", index=0, call="a", name="add"), piece("}", index=0, name="add")], TWO[:1]),
        ([piece(index=1, call="a"), piece(index=1, name="add"), piece("{}", index=1)], TWO[:1]),
        ([piece("{}", index=3, name="add")], (ToolCall("call_0", "add", "{}"),)),
        ([piece(index=0, call="a", name="add")], (ToolCall("a", "add", ""),)),
        ([piece("\ud83e", index=0, call="a", name="add"), piece("\udd8a", index=0)], (ToolCall("a", "add", "🦊"),)),
        ([piece("\ud83e", index=0, call="a", name="add")], (ToolCall("a", "add", "�"),)),
    ],
    ids=[
        "no index",
        "one index for all",
        "no index, in pieces",
        "no index, mixed by id",
        "another id with each piece",
        "the name with each piece",
        "the name with each piece, the id once",
        "id and name apart, counted from 1",
        "no id",
        "no arguments",
        "a character in two halves",
        "half a character",
    ],
)
def test_servers_that_differ(pieces: list[Any], expected: tuple[ToolCall, ...]) -> None:
    """What is known of servers that speak OpenAI's language in their own way comes out as calls all the same."""
    assert collected(*pieces) == expected


@pytest.mark.parametrize(
    "item",
    [
        None,
        7,
        "x",
        [],
        piece("{}"),
        piece("{}", index=0, call="a"),
        {"index": "0", "function": {"name": "add"}},
        {"index": True, "function": {"name": "add"}},
        {"index": 0, "function": "add"},
        {"index": 0, "function": {"name": 7}},
        {"index": 0, "function": {"name": "add", "arguments": {"title": "secret"}}},
        {"index": 0, "id": 7, "function": {"name": "add"}},
    ],
    ids=str,
)
def test_what_is_no_call(item: Any) -> None:
    """It is one of the errors that the adapter knows, and says nothing of what came."""
    with pytest.raises((NoAnswer, TypeError, AttributeError)) as caught:
        collected(item)
    assert "secret" not in str(caught.value)


def test_calls_are_bounded() -> None:
    """Neither many calls nor a long one fill the memory."""
    calls = CollectedCalls()
    calls.take([piece("{}", index=number, name="add") for number in range(64)])
    with pytest.raises(NoAnswer, match="without an end"):
        calls.take([piece("{}", index=64, name="add")])
    with pytest.raises(NoAnswer, match="without an end"):
        collected(piece(index=0, name="add"), *(piece("x" * 10_000, index=0) for _ in range(21)))


def test_a_prompt_without_tools_is_what_it_was() -> None:
    """Not a byte more goes out for those who ask for words only."""
    prompt = Prompt("Why?", (), (Message("system", "Be brief."), Message("user", "Why?")))
    assert json.dumps(with_tools(prompt)) == (
        '{"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]}'
    )


def test_a_conversation_with_tools() -> None:
    """Tools, what was asked for and what came of it stand where OpenAI wants them."""
    calls = (ToolCall("a", "add", '{"title": "x"}'), ToolCall("b", "list", ""))
    tool = Tool("add", "Adds a task.", {"type": "object", "properties": {"title": {"type": "string"}}})
    messages = (
        Message("user", "Add x."),
        Message("assistant", "", tool_calls=calls),
        Message("tool", "Added.", tool_call_id="a"),
        Message("assistant", "I look.", tool_calls=calls[1:]),
    )
    body = with_tools(Prompt("Add x.", (), messages, (tool,)))
    assert body["tools"] == [
        {
            "type": "function",
            "function": {"name": "add", "description": "Adds a task.", "parameters": tool.parameters},
        }
    ]
    listing = {"id": "b", "type": "function", "function": {"name": "list", "arguments": "{}"}}
    assert body["messages"][1:] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "add", "arguments": '{"title": "x"}'}},
                listing,
            ],
        },
        {"role": "tool", "content": "Added.", "tool_call_id": "a"},
        {"role": "assistant", "content": "I look.", "tool_calls": [listing]},
    ]
