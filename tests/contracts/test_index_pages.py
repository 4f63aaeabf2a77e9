"""What every index promises of its pages: the list of them, and that each is kept as it was written."""

from dataclasses import replace

from tests.sample_pages import page, section, small_site

from lectern.ports import Index, Page

WRITTEN = (
    "---\ntitle: 'The “till”'\nsidebar_position: 2\n---\n\nimport Tabs from '@theme/Tabs';\n\n"
    "# The till {#till}\n\n```js title=a.js\nconst a = `\\t{b}`\t// é\n```\n\n\n"
    ":::tip\n\u0627\u0631\u062f\u0648  \n:::\n\n  <Tabs />   \n\n"
)


def listed(*documents: tuple[str, str, str], site: str = "bakery") -> list[Page]:
    """Pages of `(path, route, title)`."""
    return [Page(site, path, route, title, f"https://example.org{route}") for path, route, title in documents]


async def test_pages_are_listed_by_path(bakery: Index) -> None:
    """Each once, with site, path, route, title and address."""
    assert list(await bakery.pages("bakery")) == listed(
        ("bread.md", "/bread", "Bread"), ("team.md", "/team", "The team"), ("till.md", "/till", "The till")
    )


async def test_an_empty_index_lists_nothing(index: Index) -> None:
    """Before the first ingest, and of a site that there is not."""
    assert list(await index.pages()) == []
    assert list(await index.pages("nowhere")) == []


async def test_pages_of_all_sites_are_listed_by_site(bakery: Index) -> None:
    """A named site's alone; without a name all of them."""
    async with bakery.update("annex") as update:
        await update.put(small_site()[:1])
    assert [(found.site, found.path) for found in await bakery.pages()] == [
        ("annex", "bread.md"),
        ("bakery", "bread.md"),
        ("bakery", "team.md"),
        ("bakery", "till.md"),
    ]
    assert list(await bakery.pages("annex")) == listed(("bread.md", "/bread", "Bread"), site="annex")
    assert list(await bakery.pages("nowhere")) == []


async def test_the_list_is_the_same_object_until_the_index_changes(bakery: Index) -> None:
    """Who works something out from it need not do so twice; an ingest makes another one."""
    before = await bakery.pages()
    assert await bakery.pages() is before
    async with bakery.update("bakery") as update:
        await update.remove(["till.md"])
        await update.put([page("new.md", "New", section("Marzipan is new."))])
    after = await bakery.pages()
    assert after is not before
    assert [found.path for found in after] == ["bread.md", "new.md", "team.md"]


async def test_more_pages_than_one_request_carries_are_listed(index: Index) -> None:
    """Nothing is left out of a long list, and nothing comes twice."""
    async with index.update("site") as update:
        await update.put([page(f"p{number:04}.md", f"P{number}", section("Text.")) for number in range(1100)])
    assert [found.path for found in await index.pages("site")] == [f"p{number:04}.md" for number in range(1100)]


async def test_a_page_is_kept_as_it_was_written(index: Index) -> None:
    """Character by character: front matter, MDX, blanks at the ends of lines and other scripts."""
    async with index.update("site") as update:
        await update.put([replace(page("till.md", "The till", section("Text.")), source=WRITTEN)])
    document = await index.document("site", "/till")
    assert document is not None
    assert document.source == WRITTEN
