"""Words in memory say of every section what SQLite says of it, and forget what nobody asks for."""

from collections.abc import Iterator

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sample_pages import page, section

from lectern.adapters.lexicon.question import read_question
from lectern.adapters.local_index import LocalIndex, lexical, postings
from lectern.adapters.local_index.generation import Generation
from lectern.adapters.local_index.postings import Postings
from lectern.adapters.local_index.vocabulary import SiteWords
from lectern.ports import Document

WORDS = ("reducer", "reducers", "store", "state", "how", "why", "the", "action", "immutable", "middleware", "zebra")


@pytest.fixture(scope="module")
def generation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generation]:
    """Two sites whose pages have the same words, differently often."""
    folder = tmp_path_factory.mktemp("index")

    async def build() -> None:
        index = LocalIndex(folder)
        for site, step in (("one", 3), ("two", 5)):
            async with index.update(site) as update:
                await update.put([_page(number, step) for number in range(1, 60)])
        await index.close()

    anyio.run(build)
    opened = Generation(folder / (folder / "CURRENT").read_text(encoding="utf-8").strip())
    yield opened
    opened.retire()


def _page(number: int, step: int) -> Document:
    text = " ".join(WORDS[(number * step + place) % 10] for place in range(number))
    return page(f"{number}.md", f"Page {number}", section(text))


@settings(deadline=None)
@given(
    words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=6),
    site=st.sampled_from([None, "one", "two", "none"]),
    most=st.sampled_from([5, 40, 1000]),
)
def test_the_same_as_in_sql(generation: Generation, words: list[str], site: str | None, most: int) -> None:
    """Any question finds the same sections with the same scores, in one site or all, however deep is looked."""
    with pytest.MonkeyPatch.context() as patch, generation.reader() as reader:
        for module in (lexical, postings):
            patch.setattr(module, "MATCHED_CHUNKS", most)
            patch.setattr(module, "MATCHED_WINDOWS", most)
        query = read_question(" ".join(words), reader.stemmer, SiteWords(generation, reader.connection, site))
        said = lexical.lexical_matches(reader.connection, query, site)
        found = generation.postings(reader.connection).matches(reader.connection, query, site)
    # Of equals, which of them are within the depth is anybody's choice.
    assert sorted(round(match.score, 9) for match in found.values()) == pytest.approx(
        sorted(round(match.score, 9) for match in said.values()), abs=1e-6
    ) or most <= len(said)
    if most == 1000:
        assert found.keys() == said.keys()
        assert all(found[key].score == pytest.approx(match.score) for key, match in said.items())


def test_words_that_nobody_asks_for_are_forgotten(generation: Generation, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept is bounded, and forgetting changes no answer."""
    with generation.reader() as reader:

        def ask(words: Postings) -> list[list[float]]:
            return [words.chunks.scores(reader.connection, [word], None).tolist() for word in (*WORDS, *WORDS)]

        roomy = Postings.of(reader.connection)
        told = ask(roomy)
        assert len(roomy.chunks._postings) == len(WORDS)
        monkeypatch.setattr(postings, "MOST_POSTINGS", 250)
        small = Postings.of(reader.connection)
        assert ask(small) == told
        assert 0 < len(small.chunks._postings) < len(WORDS)
        assert small.chunks._kept == sum(len(rows) for rows, _ in small.chunks._postings.values()) <= 250
