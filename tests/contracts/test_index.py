"""What every index promises, whatever stands behind it. Ranks of equals are never compared."""

from collections.abc import Callable
from contextlib import suppress

import anyio
from tests.sample_pages import page, section, small_site

from lectern.ports import Index, Passage


def places(passages: tuple[Passage, ...]) -> set[str]:
    """Where passages stand."""
    return {f"{passage.document}#{passage.anchor}" for passage in passages}


async def test_an_index_that_was_never_written_is_empty(index: Index) -> None:
    """Before the first ingest a search finds nothing, with no confidence, and is no error."""
    hits = await index.search("anything")
    assert hits.passages == ()
    assert hits.confidence == 0.0
    assert await index.sites() == {}
    assert await index.document("site", "/") is None


async def test_a_passage_says_where_it_stands(bakery: Index) -> None:
    """The best passage is the section that answers, complete with page, link, headings and quote."""
    hits = await bakery.search("how hot must the oven be to bake at first, in degrees?")
    best = hits.passages[0]
    assert (best.site, best.document, best.title, best.route) == ("bakery", "bread.md", "Bread", "/bread")
    assert (best.url, best.anchor, best.heading_path) == ("https://example.org/bread", "baking", ("Baking",))
    assert best.text.startswith("Bake at 240 degrees")
    assert best.quote in best.text
    assert 0 < hits.confidence <= 1


async def test_passages_are_distinct_sections_best_first(bakery: Index) -> None:
    """A section comes once, scores do not rise, and there are no more passages than asked for."""
    hits = await bakery.search("flour water bread crust", limit=2)
    assert len(hits.passages) == 2
    assert len({passage.id for passage in hits.passages}) == 2
    assert hits.passages[0].score >= hits.passages[1].score


async def test_the_title_and_the_headings_count(bakery: Index) -> None:
    """A word that stands only in a heading or a title finds the sections below it."""
    assert places((await bakery.search("cooling")).passages) == {"bread.md#cooling"}
    assert places((await bakery.search("team")).passages) == {"team.md#"}


async def test_a_document_is_found_by_its_route(bakery: Index) -> None:
    """A route gives the whole page: Markdown, address and sections in reading order."""
    document = await bakery.document("bakery", "/till")
    assert document is not None
    assert document.title == "The till"
    assert document.source.startswith("# The till")
    assert [part.heading_path for part in document.sections] == [("Refunds",), ("Closing",)]
    assert await bakery.document("bakery", "/nowhere") is None
    assert await bakery.document("elsewhere", "/till") is None


async def test_a_document_takes_the_place_of_the_one_with_its_path(bakery: Index) -> None:
    """After a change the old words find nothing and the new ones do, with the same passage id."""
    before = (await bakery.search("receipt")).passages[0]
    async with bakery.update("bakery") as update:
        await update.put([page("till.md", "The till", section("Refunds are paid by cheque.", "Refunds"))])
    assert (await bakery.search("receipt")).passages == ()
    after = (await bakery.search("cheque")).passages[0]
    assert after.id == before.id
    assert await bakery.sites() == {"bakery": 3}


async def test_a_removed_document_is_not_found(bakery: Index) -> None:
    """Removing a path takes all its sections out; a path that is not held is passed over."""
    async with bakery.update("bakery") as update:
        await update.remove(["till.md", "no-such-page.md"])
        assert set(update.digests) == {"bread.md", "team.md"}
    assert (await bakery.search("receipt ledger")).passages == ()
    assert await bakery.sites() == {"bakery": 2}


async def test_a_site_whose_last_page_went_is_gone(bakery: Index) -> None:
    """A site without pages is no site."""
    async with bakery.update("bakery") as update:
        await update.remove(list(update.digests))
    assert await bakery.sites() == {}


async def test_a_named_site_is_searched_alone(bakery: Index) -> None:
    """A search in one site never shows another's pages; without a name all are searched."""
    async with bakery.update("garage") as update:
        await update.put([page("oil.md", "Oil", section("Refunds for oil need the receipt."))])
        assert set(update.digests) == {"oil.md"}
    assert places((await bakery.search("receipt", site="garage")).passages) == {"oil.md#"}
    assert places((await bakery.search("receipt", site="bakery")).passages) == {"till.md#refunds"}
    assert places((await bakery.search("receipt")).passages) == {"oil.md#", "till.md#refunds"}
    assert (await bakery.search("receipt", site="nowhere")).passages == ()
    assert await bakery.sites() == {"bakery": 3, "garage": 1}


async def test_the_same_path_in_two_sites_is_two_documents(bakery: Index) -> None:
    """Paths are unique in their site only, and so are passage ids."""
    async with bakery.update("copy") as update:
        await update.put(small_site())
    hits = await bakery.search("sourdough starter")
    assert {passage.site for passage in hits.passages} == {"bakery", "copy"}
    assert len({passage.id for passage in hits.passages}) == len(hits.passages)


async def test_digests_tell_what_is_held(bakery: Index) -> None:
    """An update knows each held document's digest, and its own changes at once."""
    held = {document.path: document.digest for document in small_site()}
    async with bakery.update("bakery") as update:
        assert dict(update.digests) == held
        await update.put([page("new.md", "New", section("Something new."))])
        assert update.digests.keys() == {*held, "new.md"}
    async with bakery.update("another") as update:
        assert dict(update.digests) == {}


async def test_an_update_counts_what_it_holds(bakery: Index) -> None:
    """Counts include the update's own changes."""
    async with bakery.update("bakery") as update:
        counts = await update.counts()
        assert (counts.documents, counts.sections, counts.chunks) == (3, 7, 7)
        await update.remove(["bread.md"])
        assert (await update.counts()).sections == 3


async def test_an_exception_discards_the_whole_update(bakery: Index) -> None:
    """What an update did before it failed is never seen."""
    with suppress(ZeroDivisionError):
        async with bakery.update("bakery") as update:
            await update.remove(list(update.digests))
            await update.put([page("half.md", "Half", section("Half a change."))])
            raise ZeroDivisionError
    assert await bakery.sites() == {"bakery": 3}
    assert (await bakery.search("half change")).passages == ()


async def test_nothing_is_seen_before_the_commit(bakery: Index, open_again: Callable[[], Index]) -> None:
    """While an update is open, readers get the old index; after it, open readers get the new one."""
    reader = open_again()
    async with bakery.update("bakery") as update:
        await update.put([page("new.md", "New", section("Marzipan is new."))])
        assert (await reader.search("marzipan")).passages == ()
        assert (await bakery.search("marzipan")).passages == ()
    assert places((await reader.search("marzipan")).passages) == {"new.md#"}
    await reader.close()


async def test_updates_follow_each_other(index: Index, open_again: Callable[[], Index]) -> None:
    """Two updates that are opened at once both take effect, one after the other."""
    other = open_again()
    inside: list[str] = []

    async def put(target: Index, name: str) -> None:
        async with target.update("site") as update:
            inside.append(name)
            await update.put([page(f"{name}.md", name, section(f"All about {name}."))])
            await anyio.sleep(0.05)
            assert inside[-1] == name

    async with anyio.create_task_group() as tasks:
        for name in ("apples", "pears", "plums"):
            tasks.start_soon(put, index if name != "pears" else other, name)
    assert await index.sites() == {"site": 3}
    await other.close()


async def test_a_cancelled_update_leaves_room_for_the_next(bakery: Index) -> None:
    """Cancelling an update discards it and frees the lock."""
    with anyio.move_on_after(0.05):
        async with bakery.update("bakery") as update:
            await update.remove(["bread.md"])
            await anyio.sleep_forever()
    with anyio.fail_after(10):
        async with bakery.update("bakery") as update:
            assert "bread.md" in update.digests


async def test_what_was_written_is_there_for_the_next_process(bakery: Index, open_again: Callable[[], Index]) -> None:
    """Another opening of the same index finds the same."""
    again = open_again()
    await again.warm()
    assert await again.sites() == {"bakery": 3}
    assert again.describe().name == "index"
    assert again.describe().state == "ok"
    await again.close()
