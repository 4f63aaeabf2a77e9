"""What an ingest promises: only what changed is read, nothing is lost by accident, the report says what was done."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lectern.adapters.local_index import LocalIndex
from lectern.errors import InvalidRequest
from lectern.ingest import documents, pipeline
from lectern.ingest.documents import read_document
from lectern.ingest.markdown import Page, Partials, read_markdown
from lectern.ingest.pipeline import NothingToIngest, Report, ingest, remove_site
from lectern.ingest.sources import ListingFailed, Skipped, Source, find_sources
from lectern.ports import Document


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder of three pages."""
    folder = tmp_path / "site"
    (folder / "guide").mkdir(parents=True)
    (folder / "index.md").write_text("# Welcome\n\nFlour and water.\n")
    (folder / "guide" / "bread.md").write_text("# Bread\n\nThe lead.\n\n## Baking\n\nBake it at 240 degrees.\n")
    (folder / "guide" / "cake.mdx").write_text("---\ntitle: Cake\nslug: /sweet\n---\n\n## Icing\n\nSugar.\n")
    return folder


@pytest.fixture
def index(tmp_path: Path) -> LocalIndex:
    """An empty index."""
    return LocalIndex(tmp_path / "index")


async def run(site: Path, index: LocalIndex, base_url: str | None = "https://example.org/docs/") -> Report:
    """One ingest of the site."""
    return await ingest(site, site="docs", base_url=base_url, index=index)


def files(index_folder: Path) -> dict[str, bytes]:
    """Every byte of the index."""
    return {str(file): file.read_bytes() for file in index_folder.rglob("*") if file.is_file()}


async def test_a_folder_becomes_a_searchable_site(site: Path, index: LocalIndex) -> None:
    """After the first ingest each section is found with its title, link and anchor, and the report counts it all."""
    report = await run(site, index)
    assert report.new == ("guide/bread.md", "guide/cake.mdx", "index.md")
    assert (report.changed, report.same, report.gone, report.skipped) == ((), 0, (), ())
    assert (report.counts.documents, report.counts.sections, report.counts.chunks) == (3, 4, 4)
    assert report.seconds > 0
    best = (await index.search("how hot do I bake it?", site="docs")).passages[0]
    assert (best.title, best.url, best.anchor) == ("Bread", "https://example.org/docs/guide/bread", "baking")
    assert (await index.search("sugar")).passages[0].url == "https://example.org/docs/sweet"


async def test_an_unchanged_folder_costs_no_parse_and_writes_nothing(
    site: Path, index: LocalIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second ingest recognises every page by its digest and leaves every byte of the index alone."""
    await run(site, index)
    before = files(tmp_path / "index")

    def never(*_: object, **__: object) -> Document:
        raise AssertionError

    monkeypatch.setattr(pipeline, "read_document", never)
    report = await run(site, index)
    assert (report.same, report.new, report.changed, report.gone, report.skipped) == (3, (), (), (), ())
    assert report.counts.documents == 3
    assert files(tmp_path / "index") == before


async def test_only_what_changed_is_read(site: Path, index: LocalIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed page, a new one and one that went are told apart; the others are not parsed."""
    await run(site, index)
    (site / "guide" / "bread.md").write_text("# Bread\n\nRye, this time.\n")
    (site / "guide" / "cake.mdx").rename(site / "guide" / "tart.mdx")
    read: list[str] = []

    def noting(source: Source, **options: object) -> Document | Skipped:
        read.append(source.path)
        return read_document(source, **options)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(pipeline, "read_document", noting)
    report = await run(site, index)
    assert read == ["guide/bread.md", "guide/tart.mdx"]
    assert (report.new, report.changed, report.gone) == (("guide/tart.mdx",), ("guide/bread.md",), ("guide/cake.mdx",))
    assert report.same == 1
    assert (await index.search("rye")).passages
    assert not (await index.search("degrees")).passages


async def test_a_changed_include_changes_its_page(site: Path, index: LocalIndex) -> None:
    """A page is read anew when a file that it includes has changed."""
    (site / "oven.txt").write_text("Gas.\n")
    (site / "guide" / "bread.md").write_text("# Bread\n\n{{#include ../oven.txt}}\n")
    await run(site, index)
    (site / "oven.txt").write_text("Electricity.\n")
    report = await run(site, index)
    assert report.changed == ("guide/bread.md",)
    assert (await index.search("electricity")).passages


async def test_another_base_url_changes_every_link(site: Path, index: LocalIndex) -> None:
    """The base URL is part of what a page is; without one, links are plain routes."""
    await run(site, index)
    report = await run(site, index, base_url=None)
    assert len(report.changed) == 3
    assert {passage.url for passage in (await index.search("flour")).passages} == {"/"}


async def test_a_listing_that_fails_half_way_deletes_nothing(
    site: Path, index: LocalIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages behind a folder that cannot be listed are not gone; the ingest fails and changes nothing."""
    await run(site, index)
    before = files(tmp_path / "index")

    def broken(root: Path) -> Iterator[Source | Skipped]:
        yield next(find_sources(root))
        raise ListingFailed("The folder guide cannot be listed.")

    monkeypatch.setattr(pipeline, "find_sources", broken)
    with pytest.raises(ListingFailed):
        await run(site, index)
    assert files(tmp_path / "index") == before


async def test_an_empty_folder_deletes_nothing(site: Path, index: LocalIndex, tmp_path: Path) -> None:
    """A folder without pages is more likely a mount that is missing than a site without pages."""
    await run(site, index)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(NothingToIngest, match="no Markdown page"):
        await run(empty, index)
    assert await index.sites() == {"docs": 3}


async def test_a_file_that_is_no_page_is_named_and_the_rest_goes_on(site: Path, index: LocalIndex) -> None:
    """Binary, huge, broken and unpublished files are in the report with their reasons; the pages are indexed."""
    (site / "binary.md").write_bytes(b"\x00\x01\x02")
    (site / "huge.md").write_text("a" * 5_000_001)
    (site / "matter.md").write_text("---\ntitle: [unclosed\n---\n\nText.\n")
    (site / "draft.md").write_text("---\ndraft: true\n---\n\nText.\n")
    (site / "blank.md").write_text("\n")
    report = await run(site, index)
    assert [skipped.path for skipped in report.skipped] == ["binary.md", "blank.md", "draft.md", "huge.md", "matter.md"]
    assert all(skipped.reason for skipped in report.skipped)
    assert report.counts.documents == 3


@pytest.mark.parametrize("blocked", ["guide/bread.md", "guide"])
async def test_a_page_that_cannot_be_read_now_stays(
    site: Path, index: LocalIndex, monkeypatch: pytest.MonkeyPatch, blocked: str
) -> None:
    """What only could not be read is kept as it was indexed, and the report says so."""
    await run(site, index)

    def blocking(root: Path) -> Iterator[Source | Skipped]:
        for found in find_sources(root):
            if not found.path.startswith(blocked):
                yield found
        yield Skipped(blocked, "unreadable: permission denied", keep=True)

    monkeypatch.setattr(pipeline, "find_sources", blocking)
    report = await run(site, index)
    assert report.gone == ()
    assert "guide/bread.md" in report.kept
    assert (await index.search("degrees")).passages


@pytest.mark.parametrize(
    "content",
    [b"\x00\xff", b"---\ntitle: [unclosed\n---\n\nText.\n", b"a" * 5_000_001],
    ids=["binary", "matter", "huge"],
)
async def test_a_page_that_became_unreadable_stays(site: Path, index: LocalIndex, content: bytes) -> None:
    """A page that was spoilt since the last ingest is named, and kept as it was."""
    await run(site, index)
    (site / "guide" / "bread.md").write_bytes(content)
    report = await run(site, index)
    assert [skipped.path for skipped in report.skipped] == ["guide/bread.md"]
    assert (report.kept, report.gone) == (("guide/bread.md",), ())
    assert (await index.search("degrees")).passages


@pytest.mark.parametrize(
    "content", ["---\ndraft: true\n---\n\nBake.\n", "---\nunlisted: true\n---\n\nBake.\n", "", "<!-- later -->\n"]
)
async def test_a_page_that_was_unpublished_goes(site: Path, index: LocalIndex, content: str) -> None:
    """A page that became a draft, unlisted or empty is not kept: its author took it back."""
    await run(site, index)
    (site / "guide" / "bread.md").write_text(content)
    report = await run(site, index)
    assert report.gone == ("guide/bread.md",)
    assert not (await index.search("degrees")).passages


async def test_a_page_that_trips_the_parser_costs_no_other(
    site: Path, index: LocalIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A defect of ours on one page is named; the others are indexed, and what was known of that page stays."""
    await run(site, index)

    def tripping(path: str, text: str, partials: Partials | None = None) -> Page:
        if path == "guide/bread.md":
            raise RecursionError
        return read_markdown(path, text, partials)

    monkeypatch.setattr(documents, "read_markdown", tripping)
    (site / "guide" / "bread.md").write_text("# Bread\n\nNew words.\n")
    (site / "new.md").write_text("# New\n\nMarzipan.\n")
    report = await run(site, index)
    assert [(skipped.path, skipped.reason) for skipped in report.skipped] == [
        ("guide/bread.md", "cannot be parsed: RecursionError")
    ]
    assert report.kept == ("guide/bread.md",)
    assert (await index.search("marzipan")).passages
    assert (await index.search("degrees")).passages


async def test_a_dry_run_reports_and_writes_nothing(site: Path, index: LocalIndex, tmp_path: Path) -> None:
    """A dry run says exactly what an ingest would do, and the index stays byte for byte."""
    await run(site, index)
    before = files(tmp_path / "index")
    (site / "new.md").write_text("# New\n\nMarzipan.\n")
    (site / "index.md").unlink()
    dry = await ingest(site, site="docs", base_url="https://example.org/docs/", index=index, dry_run=True)
    assert files(tmp_path / "index") == before
    real = await run(site, index)
    assert dry.dry_run
    assert (dry.new, dry.changed, dry.gone, dry.counts) == (real.new, real.changed, real.gone, real.counts)


async def test_sites_do_not_touch_each_other_unless_one_gives_way(site: Path, index: LocalIndex) -> None:
    """Ingesting one site leaves others alone, but a site that is to give way is removed once the new one stands."""
    await ingest(site / "index.md", site="demo", base_url=None, index=index)
    await run(site, index)
    assert await index.sites() == {"demo": 1, "docs": 3}
    report = await ingest(site, site="docs", base_url=None, index=index, retire=["demo", "docs", "never-there"])
    assert report.retired == ("demo",)
    assert await index.sites() == {"docs": 3}


async def test_a_site_can_be_removed(site: Path, index: LocalIndex) -> None:
    """Removing a site tells how many documents it had; one that is not there has none."""
    await run(site, index)
    assert await remove_site(index, "docs") == 3
    assert await remove_site(index, "docs") == 0
    assert await index.sites() == {}


async def test_an_ingest_can_be_limited_to_some_entries(site: Path, index: LocalIndex) -> None:
    """Only the named files and folders below the root are taken, with their routes below the root."""
    (site / "notes").mkdir()
    (site / "notes" / "secret.md").write_text("# Secret\n\nNot for readers.\n")
    report = await ingest(site, site="docs", base_url=None, index=index, only=["index.md", "guide"])
    assert report.new == ("guide/bread.md", "guide/cake.mdx", "index.md")


async def test_progress_comes_to_its_end(site: Path, index: LocalIndex) -> None:
    """Each stage is told, never goes back and ends at its total."""
    told: list[tuple[str, int, int]] = []
    await ingest(site, site="docs", base_url=None, index=index, progress=lambda *step: told.append(step))
    assert [stage for stage, _, _ in told[:1]] == ["listing"]
    reading = [(done, total) for stage, done, total in told if stage == "reading"]
    assert reading == sorted(reading)
    assert reading[-1] == (3, 3)


@pytest.mark.parametrize(("name", "base_url"), [("", None), ("  ", None), ("docs", "example.org"), ("docs", "ftp://x")])
async def test_a_nameless_site_or_a_base_url_that_is_none_is_refused(
    site: Path, index: LocalIndex, name: str, base_url: str | None
) -> None:
    """Both are refused before anything is read."""
    with pytest.raises(InvalidRequest):
        await ingest(site, site=name, base_url=base_url, index=index)
