"""Chapters through the stub: what a prompt with blocks gets back, over real HTTP."""

import re
from collections.abc import Iterator

import httpx2
import pytest
from tests.loadtests.test_stub_llm import read_frames, text_of
from tests.stub_process import Stub

PIECE = "<g1>Reducers</g1> call <x2/> once.\nSee <x3/>, 2 times."
BLOCKS = f'<segment id="4">{PIECE}</segment>\n<segment id="7">Plain text</segment>'
TRANSLATE, ADAPT = "You translate into Urdu. Do not adapt.", "You adapt pieces. Never translate."


@pytest.fixture(scope="module")
def client(stub: Stub) -> Iterator[httpx2.Client]:
    """A client of the stub."""
    with httpx2.Client(base_url=stub.base_url, timeout=30) as client:
        yield client


def rewritten(client: httpx2.Client, model: str, system: str = TRANSLATE, **more: object) -> str:
    """What the blocks become."""
    messages = [{"role": "system", "content": system}, {"role": "user", "content": f"Pieces:\n{BLOCKS}"}]
    body = {"model": model, "messages": messages, "stream": True, **more}
    frames = read_frames(client.post("/chat/completions", json=body))
    assert len(frames) > 4 or "max_tokens" in more  # a word each
    return text_of(frames)


def test_a_translation_is_in_urdu_and_keeps_what_stands_in_it(client: httpx2.Client) -> None:
    """Blocks come back in their order, each word in other letters, and every placeholder and sign in its place."""
    text = rewritten(client, "stub-len1")
    assert re.findall(r'<segment id="(\d+)">', text) == ["4", "7"]
    first, second = re.findall(r">(.*?)</segment>", text, re.DOTALL)
    assert re.sub(r"[\u0600-\u06ff]+", "w", first) == "<g1>w</g1> w <x2/> w.\nw <x3/>, 2 w."
    assert not re.search(r"[A-Za-z]", second)


def test_an_adaptation_is_the_same_language(client: httpx2.Client) -> None:
    """Of the words translate, adapt and rewrite, the one that the rules begin with decides."""
    text = rewritten(client, "stub", ADAPT)
    assert rewritten(client, "stub", ADAPT.replace("adapt", "rewrite")) == text
    first, second = re.findall(r'">(.*?)</segment>', text, re.DOTALL)
    assert first == PIECE.replace("Reducers", "Reducers, simply said,")
    assert second == "Plain, simply said, text"


def test_misbehaviour_is_in_the_name(client: httpx2.Client) -> None:
    """`drop` loses the first placeholder of each block, `same` changes nothing, `lose` loses a block; in turns, too."""
    dropped = rewritten(client, "stub-drop")
    assert "<g1>" not in dropped
    assert "</g1>" in dropped
    assert rewritten(client, "stub-same") == BLOCKS
    assert '"7"' not in rewritten(client, "stub-lose")
    turns = ["<g1>" in rewritten(client, "stub-flaky2-drop") for _ in range(4)]
    assert turns == [True, False, True, False]


def test_a_limit_cuts_it(client: httpx2.Client) -> None:
    """A block that was cut has no end."""
    assert rewritten(client, "stub", max_tokens=4).count("</segment>") == 0


def test_requests_are_counted_by_kind(stub: Stub, client: httpx2.Client) -> None:
    """What a test is not to pay for is counted apart from all else."""
    before = stub.stats()["kinds"]
    rewritten(client, "stub")
    asked = {"model": "stub", "messages": [{"role": "user", "content": "Why?"}]}
    client.post("/chat/completions", json=asked)
    client.post("/chat/completions", json=asked | {"tools": [{"type": "function", "function": {"name": "x"}}]})
    client.post("/embeddings", json={"model": "stub-embed", "input": "x"})
    client.post("/v2/rerank", json={"model": "stub", "query": "x", "documents": ["y"]})
    after = stub.stats()["kinds"]
    for kind in ("rewrite", "answer", "tools", "embedding", "ranking"):
        assert after[kind] == before.get(kind, 0) + 1
