"""What every index promises about vectors."""

from contextlib import suppress

import pytest
from tests.sample_pages import page, section

from lectern.ports import Index, Vector

BREAD, MONEY, PEOPLE = [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]


def meaning(text: str) -> Vector:
    """A vector by topic, as a model would give it."""
    if text.startswith("Bread"):
        return BREAD
    return MONEY if text.startswith("The till") else PEOPLE


async def embed(index: Index, model: str = "topics", site: str = "bakery") -> int:
    """Give every chunk that has none a vector; return how many there were."""
    async with index.update(site) as update:
        pending = await update.unembedded(model)
        await update.put_vectors({key: meaning(text) for key, text in pending}, model)
    return len(pending)


async def test_the_text_to_embed_says_where_it_stands(bakery: Index) -> None:
    """Each chunk comes once, with its page's title and its headings in front."""
    async with bakery.update("bakery") as update:
        pending = await update.unembedded("topics")
    texts = [text for _, text in pending]
    assert len(texts) == len(set(texts)) == 7
    assert any("Bread" in text and "Baking" in text and "Cooling" in text and "crust" in text for text in texts)


async def test_the_texts_of_some_pages_can_be_asked_for(bakery: Index) -> None:
    """Of held pages and of pages just put, with what has its vector left out as ever; a path that is none has none."""
    async with bakery.update("bakery") as update:
        await update.put([page("new.md", "New", section("Fresh words."))])
        asked = await update.unembedded("topics", ["till.md", "new.md", "none.md"])
        assert [text for _, text in asked] == [
            "New\nFresh words.",
            "The till > Refunds\nRefunds need the receipt and the manager's key. Press the red button twice.",
            "The till > Closing\nCount the drawer at closing time and write the sum into the ledger.",
        ]
        assert await update.unembedded("topics", []) == []
        await update.put_vectors({key: meaning(text) for key, text in asked[:2]}, "topics")
        assert await update.unembedded("topics", ["new.md", "till.md"]) == asked[2:]
    async with bakery.update("bakery") as update:
        assert await update.unembedded("topics", ["new.md", "till.md"]) == asked[2:]
        assert len(await update.unembedded("topics", ["bread.md"])) == 4


async def test_a_meaning_is_found_without_a_common_word(bakery: Index) -> None:
    """A query whose words stand nowhere finds the sections that its vector is near to."""
    await embed(bakery)
    hits = await bakery.search("zzz", vector=MONEY, limit=2)
    assert {passage.document for passage in hits.passages} == {"till.md"}


async def test_words_and_meaning_count_together(bakery: Index) -> None:
    """Among sections of one meaning the one with the question's words comes first."""
    await embed(bakery)
    hits = await bakery.search("ledger drawer", vector=MONEY)
    assert hits.passages[0].anchor == "closing"


async def test_a_search_without_a_vector_stays_lexical(bakery: Index) -> None:
    """Vectors in the index change nothing for a query that brings none."""
    before = await bakery.search("receipt")
    await embed(bakery)
    assert await bakery.search("receipt") == before


async def test_vectors_respect_the_site(bakery: Index) -> None:
    """Another site's chunks are not near, however near they are."""
    async with bakery.update("shop") as update:
        await update.put([page("money.md", "The till", section("Coins."))])
    await embed(bakery)
    await embed(bakery, site="shop")
    assert {passage.site for passage in (await bakery.search("zzz", vector=MONEY, site="shop")).passages} == {"shop"}


async def test_an_unchanged_chunk_is_never_embedded_twice(bakery: Index) -> None:
    """After a change only the changed chunks want a vector, and a repeated text wants one only."""
    assert await embed(bakery) == 7
    assert await embed(bakery) == 0
    async with bakery.update("bakery") as update:
        await update.remove(["team.md"])
        await update.put(
            [page("till.md", "The till", section("New words.", "Closing"), section("New words.", "Closing"))]
        )
        assert [text for _, text in await update.unembedded("topics")] == ["The till > Closing\nNew words."]
    assert await embed(bakery) == 1
    hits = await bakery.search("zzz", vector=MONEY, limit=2)
    assert {passage.document for passage in hits.passages} == {"till.md"}


async def test_vectors_of_an_update_that_failed_are_not_kept(bakery: Index) -> None:
    """Vectors are part of the atomic change."""
    with suppress(ZeroDivisionError):
        async with bakery.update("bakery") as update:
            pending = await update.unembedded("topics")
            await update.put_vectors({key: meaning(text) for key, text in pending}, "topics")
            assert await update.unembedded("topics") == []
            raise ZeroDivisionError
    assert await embed(bakery) == 7


async def test_vectors_of_two_models_are_never_compared(bakery: Index) -> None:
    """Another model wants all chunks anew, and a query vector of another length finds by words alone."""
    await embed(bakery, "topics")
    async with bakery.update("bakery") as update:
        pending = await update.unembedded("other")
        assert len(pending) == 7
        await update.put_vectors({key: [0.6, 0.8] for key, _ in pending}, "other")
    async with bakery.update("bakery") as update:
        assert len(await update.unembedded("topics")) == 7
    hits = await bakery.search("receipt", vector=MONEY)
    assert [passage.anchor for passage in hits.passages] == ["refunds"]


@pytest.mark.parametrize("vector", [[], [1.0], [float("nan")] * 3, [float("inf"), 0.0, 0.0], [1.0] * 5000])
async def test_a_vector_that_is_none_is_passed_over(bakery: Index, vector: list[float]) -> None:
    """A vector of another length, or of no numbers, leaves the words to decide."""
    await embed(bakery)
    assert (await bakery.search("receipt", vector=vector)).passages[0].anchor == "refunds"


async def test_uneven_vectors_are_refused(bakery: Index) -> None:
    """A batch of vectors of different lengths is an error, and nothing of it is kept."""
    async with bakery.update("bakery") as update:
        (first, _), (second, _), *_ = await update.unembedded("topics")
        with pytest.raises(ValueError, match="one length"):
            await update.put_vectors({first: [1.0], second: [1.0, 0.0]}, "topics")
    assert await embed(bakery) == 7


async def test_an_index_with_few_vectors_answers_by_words(bakery: Index) -> None:
    """While most chunks wait for their vector, those that have one are not preferred."""
    async with bakery.update("bakery") as update:
        pending = await update.unembedded("topics")
        await update.put_vectors({key: PEOPLE for key, text in pending if text.startswith("The team")}, "topics")
    hits = await bakery.search("receipt", vector=PEOPLE)
    assert hits.passages[0].anchor == "refunds"
