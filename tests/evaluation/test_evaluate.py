"""An evaluation of a real index: of a small site always, of a whole documentation site where one is at hand."""

import io
import json
import os
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pytest
from rich.console import Console
from tests.local_model import model_folder
from tests.sample_pages import small_site

from lectern.adapters.local_index import LocalIndex
from lectern.adapters.minilm import MiniLMEmbeddings
from lectern.config import Settings
from lectern.evaluation.evaluate import evaluate
from lectern.evaluation.questions import Answer, Question, load_questions
from lectern.evaluation.report import as_json, figures_table, misses_list
from lectern.ingest.pipeline import ingest
from lectern.ports import Part, Vector

SHARED = Path(__file__).parents[3] / "shared"
CORPUS = Path(os.environ.get("LECTERN_CORPUS", SHARED / "corpora" / "redux-docs" / "docs"))
QUESTIONS = Path(os.environ.get("LECTERN_QUESTIONS", SHARED / "questions" / "redux.jsonl"))
MIN_CONFIDENCE: float = Settings.model_fields["min_confidence"].default

BAKERY = [
    Question("b1", "How often do I feed the starter?", "direct", (Answer("bread.md", "Starter"),)),
    Question("b2", "why is my crust soft", "symptom", (Answer("bread.md", "Cooling"),)),
    Question("b3", "when can I take holidays", "direct", (Answer("team.md", None),)),
    Question("b4", "what do refnds need?", "typo", (Answer("till.md", "Refunds"),)),
    Question("b5", "refunds and closing", "multi", (Answer("till.md", "Refunds"), Answer("till.md", "Closing"))),
    Question("b6", "Who won the football world cup in Uruguay?", "unanswerable", ()),
]


@pytest.fixture
async def bakery(tmp_path: Path) -> LocalIndex:
    """An index of the small site."""
    index = LocalIndex(tmp_path / "index")
    async with index.update("bakery") as update:
        await update.put(small_site())
    return index


async def test_a_small_site_answers_its_questions(bakery: LocalIndex) -> None:
    """On a site of a few pages every question finds its section, and only the strange one is refused."""
    done: list[tuple[int, int]] = []
    evaluation = await evaluate(
        BAKERY, bakery, min_confidence=MIN_CONFIDENCE, site="bakery", progress=lambda *step: done.append(step)
    )
    assert evaluation.overall is not None
    assert evaluation.overall.section_at_5 == 1.0
    assert evaluation.misses == []
    assert (evaluation.false_refusals, evaluation.false_answers) == (0.0, 0.0)
    assert done == [(number, 6) for number in range(1, 7)]


class TopicEmbeddings:
    """Vectors by topic: what asks about money is near the till."""

    model = "topics"

    def __init__(self) -> None:
        self.purposes: list[str] = []

    async def embed(self, texts: Sequence[str], *, purpose: Literal["document", "query"]) -> list[Vector]:
        """Tell money from the rest."""
        self.purposes.append(purpose)
        return [[1.0, 0.0] if "till" in text.lower() or "money" in text else [0.0, 1.0] for text in texts]

    def describe(self) -> Part:
        """By topic."""
        return Part("embeddings", "topics", "ok")

    async def warm(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""


async def test_questions_are_embedded_when_there_is_a_model(bakery: LocalIndex) -> None:
    """With an embedding model a question is found by its meaning, and all of a batch are embedded in one call."""
    embeddings = TopicEmbeddings()
    async with bakery.update("bakery") as update:
        pending = await update.unembedded("topics")
        vectors = await embeddings.embed([text for _, text in pending], purpose="document")
        await update.put_vectors({key: vector for (key, _), vector in zip(pending, vectors, strict=True)}, "topics")
    money = Question("m", "money back?", "paraphrase", (Answer("till.md", "Refunds"),))
    lexical = await evaluate([money] * 3, bakery, min_confidence=0)
    hybrid = await evaluate([money] * 3, bakery, embeddings, min_confidence=0)
    assert lexical.overall is not None
    assert hybrid.overall is not None
    assert (lexical.overall.page_at_1, hybrid.overall.page_at_1) == (0.0, 1.0)
    assert embeddings.purposes == ["document", "query"]


async def test_a_report_shows_every_figure(bakery: LocalIndex) -> None:
    """The table, the list of misses and the JSON say the same."""
    wrong = Question("b7", "How often do I feed the starter?", "direct", (Answer("team.md", None),))
    evaluation = await evaluate([*BAKERY, wrong], bakery, min_confidence=MIN_CONFIDENCE)
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(figures_table(evaluation), misses_list(evaluation))
    text = console.export_text()
    for word in ("direct", "typo", "all", "section@5", "0.83", "Refused although", "b7", "team.md # lead", "not in 10"):
        assert word in text, word
    data = json.loads(json.dumps(as_json(evaluation)))
    assert data["overall"]["questions"] == 6
    assert data["by_kind"]["direct"]["section_at_5"] == pytest.approx(2 / 3)
    assert [question["id"] for question in data["questions"] if question["missed"]] == ["b7"]
    assert data["questions"][0]["found"][0] == {
        "path": "bread.md",
        "heading": ["Starter"],
        "score": pytest.approx(1, abs=2),
    }


@pytest.mark.skipif(not (CORPUS.is_dir() and QUESTIONS.is_file()), reason="the documentation site is not at hand")
async def test_a_whole_documentation_site_meets_its_floors(tmp_path: Path) -> None:
    """Words alone find the page and the section often enough, refuse few good questions, and are quick about it."""
    index = LocalIndex(tmp_path / "index")
    report = await ingest(CORPUS, site="redux", base_url="https://redux.js.org", index=index)
    assert report.counts.documents > 80
    assert report.seconds < 30  # 1 to 2 seconds
    again = await ingest(CORPUS, site="redux", base_url="https://redux.js.org", index=index)
    assert again.same == report.counts.documents
    assert again.seconds < 1  # the promise; it takes 0.03 seconds
    questions = load_questions(QUESTIONS)
    evaluation = await evaluate(questions, index, min_confidence=MIN_CONFIDENCE)
    assert evaluation.overall is not None
    assert evaluation.overall.page_at_5 >= 0.74
    assert evaluation.overall.section_at_5 >= 0.64
    assert evaluation.overall.mrr_at_10 >= 0.49
    assert evaluation.false_refusals is not None
    assert evaluation.false_refusals <= 0.05
    assert evaluation.false_answers is not None
    assert evaluation.false_answers <= 0.4
    took = []
    for question in questions:
        started = time.perf_counter()
        await index.search(question.question)
        took.append(time.perf_counter() - started)
    assert statistics.median(took) < 0.05  # about 0.005
    await index.close()


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(not (CORPUS.is_dir() and QUESTIONS.is_file()), reason="the documentation site is not at hand")
async def test_meaning_and_words_together_meet_their_floors(tmp_path: Path) -> None:
    """With the local model the page and the section are found more often than by words, and refusals stay as few."""
    index = LocalIndex(tmp_path / "index", model="all-MiniLM-L6-v2")
    embeddings = MiniLMEmbeddings(model_folder(), model="all-MiniLM-L6-v2", threads=os.cpu_count() or 1)
    report = await ingest(CORPUS, site="redux", base_url="https://redux.js.org", index=index, embeddings=embeddings)
    assert report.embedded is not None
    assert report.embedded.left == 0
    evaluation = await evaluate(load_questions(QUESTIONS), index, embeddings, min_confidence=MIN_CONFIDENCE)
    assert evaluation.overall is not None
    assert evaluation.overall.page_at_5 >= 0.88
    assert evaluation.overall.section_at_5 >= 0.80
    assert evaluation.overall.mrr_at_10 >= 0.62
    assert evaluation.false_refusals is not None
    assert evaluation.false_refusals <= 0.0625
    assert evaluation.false_answers is not None
    assert evaluation.false_answers <= 0.35
    await index.close()
