import pytest

from lectern.ingest.routes import is_category_index, route_of, strip_number_prefix


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("intro.md", "/intro"),
        ("api/Store.md", "/api/Store"),
        ("index.md", "/"),
        ("README.md", "/"),
        ("guides/index.mdx", "/guides/"),
        ("guides/readme.md", "/guides/"),
        ("guides/Guides.md", "/guides/"),
        ("guides/other/guides.md", "/guides/other/guides"),
        ("01-guides/guides.md", "/guides/guides"),
        ("01-guides/01-guides.md", "/guides/"),
        ("01-start/02_install.md", "/start/install"),
        ("dates/2021-11-notes.md", "/dates/2021-11-notes"),
        ("dates/7.0-upgrade.md", "/dates/7.0-upgrade"),
        ("with space.md", "/with%20space"),
        ("فہرست.md", "/%D9%81%DB%81%D8%B1%D8%B3%D8%AA"),
        ("a.b.md", "/a.b"),
        ("notes.markdown", "/notes"),
    ],
)
def test_paths_give_routes(path: str, route: str) -> None:
    """Folders, names, index pages and number prefixes make the route; its letters keep their case."""
    assert route_of(path) == route


@pytest.mark.parametrize(
    ("slug", "doc_id", "route"),
    [
        ("/absolute", None, "/absolute"),
        ("/", None, "/"),
        ("/folder/", None, "/folder/"),
        ("relative", None, "/start/relative"),
        ("./dot", None, "/start/dot"),
        ("../up", None, "/up"),
        ("../../../top", None, "/top"),
        ("a/b", None, "/start/a/b"),
        ("kept/", None, "/start/kept/"),
        ("..", None, "/"),
        (None, "the-id", "/start/the-id"),
        (None, "02-id", "/start/02-id"),
        ("slug", "id", "/start/slug"),
        ("already%20encoded", None, "/start/already%20encoded"),
        ("//twice//over", None, "/twice/over"),
    ],
)
def test_front_matter_gives_routes(slug: str | None, doc_id: str | None, route: str) -> None:
    """`slug` wins over `id`, which wins over the name; only a slug with `/` leaves the folder."""
    assert route_of("1-start/2-page.md", slug=slug, doc_id=doc_id) == route


def test_number_prefixes_can_be_kept() -> None:
    """`parse_number_prefixes: false` keeps those of the folders too."""
    assert route_of("1-start/2-page.md", number_prefixes=False) == "/1-start/2-page"


def test_an_index_page_keeps_its_folder_in_spite_of_an_id() -> None:
    """Only a slug moves an index page."""
    assert route_of("guides/index.md", doc_id="renamed") == "/guides/"
    assert route_of("guides/index.md", slug="moved") == "/guides/moved"


@pytest.mark.parametrize(
    ("name", "stripped"),
    [
        ("01-a", "a"),
        ("1. a", "a"),
        ("003 - a", "a"),
        ("1_a", "a"),
        ("1--a", "a"),
        ("1a", "1a"),
        ("a-1", "a-1"),
        ("2021-11-a", "2021-11-a"),
        ("1.2.3", "1.2.3"),
        ("10", "10"),
        ("1-", "1-"),
        ("٣-a", "٣-a"),
    ],
)
def test_number_prefixes(name: str, stripped: str) -> None:
    """Ordering numbers go; dates, versions and bare numbers stay."""
    assert strip_number_prefix(name) == stripped


def test_category_index_names() -> None:
    """`index`, `readme` and the folder's own name, in any case, stand for the folder."""
    assert is_category_index("INDEX", "x")
    assert is_category_index("Api", "docs/api")
    assert not is_category_index("docs", "docs/api")
