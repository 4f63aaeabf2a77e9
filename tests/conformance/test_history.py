"""Conversations of the AI SDK's clients: what is sent of them, and what the model is told."""

from typing import Any
from uuid import uuid4

import pytest
from tests.conformance.asking import user_message
from tests.conformance.clients import AI_SDKS, exact
from tests.conformance.conftest import QUESTION, Clients, OpenSite, Site
from tests.conformance.kept import kept_turn
from tests.stub_process import Stub

MODEL = "stub-itl1-len60"
"""Another length than the other modules' models have: what it was asked last is what was asked here."""


@pytest.fixture(scope="module")
def site(open_site: OpenSite) -> Site:
    """A service."""
    return open_site(MODEL)


def asked(site: Site, **options: Any) -> dict[str, Any]:
    """What a driver needs to ask in a new chat."""
    return {"api": site.chat, "chat": str(uuid4()), "messages": [user_message(QUESTION)], **options}


@pytest.mark.parametrize("version", AI_SDKS)
@pytest.mark.parametrize("only_last", [False, True], ids=["whole history", "only the last message"])
def test_a_second_question_goes_on(
    site: Site, clients: Clients, provider: Stub, version: str, *, only_last: bool
) -> None:
    """The model is told the first turn once, whichever way the client sends its history."""
    driver = clients.ai_sdk(version)
    chat = asked(site, only_last=only_last)
    first = driver.ask("send", **chat)
    messages = [*chat["messages"], first["message"], user_message("And how long do they take?")]
    second = driver.ask("send", **{**chat, "messages": messages})
    assert second["errors"] == []
    told = provider.last(MODEL)["body"]["messages"]
    assert [message["content"] for message in told].count(first["text"]) == 1
    kept = kept_turn(site.folder, second["message"]["id"])
    assert kept.conversation_id == kept_turn(site.folder, first["message"]["id"]).conversation_id


@pytest.mark.parametrize("version", AI_SDKS)
def test_an_answer_is_made_again(site: Site, clients: Clients, provider: Stub, version: str) -> None:
    """What `regenerate` sends is the same question, and the model is not told the answer that is replaced."""
    driver = clients.ai_sdk(version)
    chat = asked(site)
    first = driver.ask("send", **chat)
    again = driver.ask("send", **chat, trigger="regenerate-message")
    assert again["errors"] == []
    assert again["text"] == first["text"]
    told = provider.last(MODEL)["body"]["messages"]
    assert first["text"] not in [message["content"] for message in told]


@pytest.mark.parametrize("version", AI_SDKS)
def test_each_version_takes_what_it_says_it_knows(site: Site, clients: Clients, version: str) -> None:
    """With `X-AI-SDK-Version` a stream has what that version added, and the strict ones read it still."""
    headers = {"X-AI-SDK-Version": exact(version)}
    read = clients.ai_sdk(version).ask("send", **asked(site), headers=headers)
    finish = next(part for part in read["parts"] if part["type"] == "finish")
    assert read["errors"] == []
    assert finish.get("finishReason") == (None if version == "5.0.0" else "stop")
