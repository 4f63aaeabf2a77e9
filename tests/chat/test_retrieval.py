"""What readers get when a model judges what was found, and when it cannot."""

from collections.abc import Sequence

import httpx2
import pytest
from tests.scripted import FixedIndex, ScriptedLLM, hits, passage

from lectern.adapters.sql_store import SqlStore
from lectern.app import create_app
from lectern.chat.draft import Draft, Question
from lectern.chat.pipeline import Knobs, answer
from lectern.chat.retrieval import CANDIDATES
from lectern.config import Settings
from lectern.errors import LecternError, UpstreamTimeout
from lectern.events import Degraded, Delta, Done, Event, Sources
from lectern.ports import Part, Ports


class WordReranker:
    """Scores a text by whether it holds a word; fails when told to."""

    def __init__(self, word: str, error: LecternError | None = None) -> None:
        self.word = word
        self.error = error
        self.asked: list[tuple[str, list[str]]] = []

    async def rerank(self, query: str, texts: Sequence[str]) -> list[float]:
        """Judge."""
        self.asked.append((query, list(texts)))
        if self.error is not None:
            raise self.error
        return [float(self.word in text) for text in texts]

    def describe(self) -> Part:
        """Scripted."""
        return Part("rerank", "scripted", "ok")

    async def warm(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""


async def ask(reranker: WordReranker, store: SqlStore, knobs: Knobs) -> list[Event]:
    """One turn over thirty passages, of which the seventh is about bread."""
    found = hits(*[passage(number, "Bread." if number == 7 else f"Text {number}.") for number in range(1, 31)])
    ports = Ports(store=store, index=FixedIndex(found), llm=ScriptedLLM("So [1]."), reranker=reranker)
    return [event async for event in answer(Draft(Question("What about bread?")), ports, knobs)]


async def search(reranker: WordReranker, store: SqlStore, settings: Settings) -> list[str]:
    """The same passages as `POST /search` shows them."""
    found = hits(*[passage(number, "Bread." if number == 7 else f"Text {number}.") for number in range(1, 31)])
    ports = Ports(store=store, index=FixedIndex(found), llm=ScriptedLLM("So [1]."), reranker=reranker)
    transport = httpx2.ASGITransport(create_app(settings, ports))
    async with httpx2.AsyncClient(transport=transport, base_url="http://lectern.test") as http:
        response = await http.post("/search", json={"query": "bread?", "top_k": 3})
    assert response.status_code == 200
    return [result["snippet"].split(".")[0] for result in response.json()["results"]]


def quotes(events: list[Event]) -> list[str]:
    """What the reader is shown, in order."""
    [sources] = [event for event in events if isinstance(event, Sources)]
    return [source.quote for source in sources.sources]


async def test_what_answers_best_comes_first(store: SqlStore, knobs: Knobs) -> None:
    """More is found than shown, all of it is judged with where it stands, and the rest keeps the index's order."""
    reranker = WordReranker("Bread")
    events = await ask(reranker, store, knobs)
    shown = quotes(events)
    assert len(shown) == knobs.passages
    assert [quote.split(".")[0] for quote in shown[:3]] == ["Bread", "Text 1", "Text 2"]
    [(query, texts)] = reranker.asked
    assert query == "What about bread?"
    assert len(texts) == CANDIDATES
    assert all("\n" in text for text in texts)
    assert not any(isinstance(event, Degraded) for event in events)


@pytest.mark.parametrize("error", [UpstreamTimeout("Too slow.")])
async def test_without_a_judgement_the_order_stands(store: SqlStore, knobs: Knobs, error: LecternError) -> None:
    """A reranker that fails costs its order only: the answer comes, and says what it went without."""
    events = await ask(WordReranker("Bread", error), store, knobs)
    assert [quote.split(".")[0] for quote in quotes(events)] == [f"Text {number}" for number in range(1, 6)]
    assert Degraded("rerank", "upstream_timeout") in events
    assert any(isinstance(event, Delta) for event in events)
    assert isinstance(events[-1], Done)


async def test_a_search_is_judged_too(store: SqlStore, settings: Settings) -> None:
    """Results without an answer come in the same order, and as many as were asked for, judged or not."""
    assert await search(WordReranker("Bread"), store, settings) == ["Bread", "Text 1", "Text 2"]
    assert await search(WordReranker("Bread", UpstreamTimeout()), store, settings) == ["Text 1", "Text 2", "Text 3"]
