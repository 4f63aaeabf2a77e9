"""OpenAI's requests: what is asked, and what is refused with which word."""

from typing import Any

import pytest
from pydantic import ValidationError
from tests.scripted import FixedIndex, hits

from lectern.errors import InvalidRequest, ModelNotFound
from lectern.openai_api.reading import Asked, models, read, site_of
from lectern.openai_api.schemas import ChatCompletionRequest, ResponseRequest

USER = {"role": "user", "content": "What is a reducer?"}


class Sites(FixedIndex):
    """An index of these sites."""

    def __init__(self, *names: str) -> None:
        super().__init__(hits())
        self.names = names

    async def sites(self) -> dict[str, int]:
        """A page each."""
        return dict.fromkeys(self.names, 1)


def asked(*messages: Any, most_characters: int = 100) -> Asked:
    """What a conversation comes to."""
    body = ChatCompletionRequest.model_validate({"model": "lectern", "messages": list(messages)})
    return read(body.messages, field="messages", most_characters=most_characters)


def refusal(body: Any, kind: type[ChatCompletionRequest | ResponseRequest] = ChatCompletionRequest) -> str:
    """Why a body is refused, with the field before it."""
    with pytest.raises(ValidationError) as refused:
        kind.model_validate(body)
    fault = refused.value.errors()[0]
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg'].removeprefix('Value error, ')}"


def test_the_last_message_of_a_user_is_the_question() -> None:
    """What was said before it is the history, and what system and developer say are instructions."""
    found = asked(
        {"role": "system", "content": "Be brief."},
        USER,
        {"role": "assistant", "content": "A pure function [1]."},
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": "And a store?", "name": "ann"},
    )
    assert (found.text, found.instructions) == ("And a store?", "Be brief.\n\nBe kind.")
    assert [(turn.question, turn.answer) for turn in found.history] == [("What is a reducer?", "A pure function [1].")]


def test_what_follows_the_question_is_asked_for_anew() -> None:
    """An answer that a client wants made again, or gone on with."""
    assert asked(USER, {"role": "assistant", "content": "A"}) == Asked("What is a reducer?", [], "")


def test_messages_without_text_say_nothing() -> None:
    """Neither the question nor a turn."""
    found = asked(USER, {"role": "assistant", "content": None}, {"role": "user", "content": " "}, {"role": "assistant"})
    assert found == Asked("What is a reducer?", [], "")


def test_content_may_come_in_parts() -> None:
    """Of text, as clients that could also send images do."""
    parts = [{"type": "text", "text": "What is"}, {"type": "text", "text": "a reducer?"}]
    assert asked({"role": "user", "content": parts}).text == "What is\na reducer?"


def test_long_instructions_are_cut_and_long_questions_refused() -> None:
    """A question that lost its end would be another one."""
    assert len(asked({"role": "system", "content": "x" * 200}, USER).instructions) == 100
    with pytest.raises(InvalidRequest) as refused:
        asked({"role": "user", "content": "x" * 101})
    assert (refused.value.fields[0][0], "at most 100 characters" in refused.value.message) == ("messages", True)


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "system", "content": "Be brief."}],
        [{"role": "user", "content": ""}],
        [{"role": "user", "content": [{"type": "text", "text": "\n"}]}],
        [{"role": "assistant", "content": "Hello."}],
    ],
    ids=["system only", "empty", "blank part", "assistant only"],
)
def test_somebody_must_ask(messages: list[Any]) -> None:
    """Without a question there is no answer."""
    with pytest.raises(InvalidRequest, match="a message with role user must say something"):
        asked(*messages)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"n": 5}, "n: this model gives one answer"),
        ({"n": True}, "n: this model gives one answer"),
        ({"tool_choice": "required"}, "tool_choice: this model calls no tools"),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice: this model calls no tools"),
        ({"function_call": {"name": "f"}}, "function_call: this model calls no tools"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format: answers are prose"),
        ({"modalities": ["text", "audio"]}, "modalities: this model answers with text only"),
        ({"audio": {"voice": "alloy"}}, "audio: this model answers with text only"),
        ({"logprobs": True}, "logprobs: this model tells no log probabilities"),
        ({"top_logprobs": 3}, "top_logprobs: this model tells no log probabilities"),
        ({"messages": []}, "messages: List should have at least 1 item"),
        ({"messages": "Hello"}, "messages: Input should be a valid list"),
        ({"model": None}, "model: Input should be a valid string"),
        ({"stream": "yes"}, "stream: Input should be a valid boolean"),
    ],
    ids=str,
)
def test_what_this_model_cannot_do_is_refused_with_a_reason(changed: dict[str, Any], why: str) -> None:
    """And not passed over, as the answer would not be what was asked for."""
    assert refusal({"model": "lectern", "messages": [USER]} | changed).startswith(why)


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ({"role": "tool", "content": "42", "tool_call_id": "c"}, "role: messages of tools are not taken"),
        ({"role": "function", "content": "42", "name": "f"}, "role: messages of tools are not taken"),
        ({"role": "wizard", "content": "Hi"}, "role: must be one of system, developer, user, assistant, not 'wizard'"),
        ({"role": 7, "content": "Hi"}, "role: must be one of"),
        ({"content": "Hi"}, "role: Field required"),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]},
            "content: parts of type 'image_url' are not taken: this model reads text only",
        ),
        ({"role": "user", "content": [{"type": "input_audio"}]}, "content: parts of type 'input_audio' are not taken"),
        ({"role": "user", "content": [{"type": "text"}]}, "content: a part of type text must have its text"),
        ({"role": "user", "content": ["Hi"]}, "content: each part must be an object with a type"),
        ({"role": "user", "content": {"text": "Hi"}}, "content: must be a text or a list of parts"),
        ({"role": "user", "content": "a\x00b"}, "content: must not contain NUL characters"),
        ({"role": "user", "content": "a\ud800b"}, "content: must not contain half a character"),
        ({"role": "assistant", "tool_calls": [{"id": "c"}]}, "tool_calls: calls of tools are not taken"),
        ("Hi", ": Input should be a valid dictionary"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_message_that_is_not_read_says_why(message: Any, why: str) -> None:
    """In the history as in the question; the place is named."""
    told = refusal({"model": "lectern", "messages": [USER, message]})
    assert told.startswith(f"messages.1{why}" if why.startswith(":") else f"messages.1.{why}")


def test_what_tunes_a_model_is_passed_over() -> None:
    """As is what is not known, and tools that need not be called."""
    tuned = {"temperature": 0.2, "max_tokens": 5, "seed": 1, "user": "ann", "tools": [{"type": "function"}], "new": {}}
    harmless = {"n": 1, "tool_choice": "auto", "response_format": {"type": "text"}, "logprobs": False}
    body = ChatCompletionRequest.model_validate({"model": "lectern", "messages": [USER]} | tuned | harmless)
    assert not body.include_usage


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"input": []}, "input: List should have at least 1 item"),
        ({"input": [{"type": "function_call_output", "output": "42"}]}, "input.0.role: Field required"),
        ({"input": [USER | {"type": "reasoning"}]}, "input.0.type: only items of type message are taken"),
        ({"background": True}, "background: responses are made while their client waits"),
        ({"conversation": "conv_1"}, "conversation: go on by previous_response_id"),
        ({"prompt": {"id": "p"}}, "prompt: there are no stored prompts here"),
        ({"text": {"format": {"type": "json_object"}}}, "text.format: answers are prose"),
        ({"tool_choice": "required"}, "tool_choice: this model calls no tools"),
    ],
    ids=str,
)
def test_what_a_response_cannot_have_is_refused_with_a_reason(changed: dict[str, Any], why: str) -> None:
    """The same of the other request."""
    assert refusal({"model": "lectern", "input": "Hi"} | changed, ResponseRequest).startswith(why)


def test_an_input_is_a_text_or_messages() -> None:
    """Whose parts have names of their own."""
    for told in ("What is it?", [{"role": "user", "content": [{"type": "input_text", "text": "What is it?"}]}]):
        body = ResponseRequest.model_validate({"model": "lectern", "input": told})
        found = read(body.input, field="input", most_characters=100, instructions="Be brief.")
        assert found == Asked("What is it?", [], "Be brief.")


async def test_a_model_is_all_sites_or_one() -> None:
    """Where there is one only, it has no model beside the one for all, but may be named."""
    assert await models(Sites("guide", "api")) == ["lectern", "lectern/api", "lectern/guide"]
    assert await models(Sites("guide")) == ["lectern"]
    assert await site_of("lectern", Sites()) is None
    assert await site_of("lectern/guide", Sites("guide")) == "guide"


@pytest.mark.parametrize("name", ["gpt-4o", "lectern/", "lectern/other", "guide", "", "lectern/guide/x"])
async def test_a_model_that_is_none_is_not_found(name: str) -> None:
    """And the message says where those are that there are."""
    with pytest.raises(ModelNotFound, match="GET /v1/models") as refused:
        await site_of(name, Sites("guide"))
    assert refused.value.fields[0][0] == "model"
