"""The indexed pages, shown by Lectern itself."""

from tests.conftest import MakeClient
from tests.scripted import FixedIndex, hits

from lectern.pages.rendering import render
from lectern.ports import Document, Section

DOCUMENT = Document(
    path="guide/a.md",
    title="Guide <one>",
    route="/guide/a",
    url="/pages/docs/guide/a",
    source="",
    digest="",
    sections=(
        Section("", (), "The lead.", ("The lead.",)),
        Section("first-part", ("First part",), "Text.\n\n    code <b>\n    more", ("Text.",)),
        Section('x"><script>', ("First part", "<script>"), "<img src=x onerror=alert(1)>", ("x",)),
    ),
)


def test_each_section_has_its_anchor() -> None:
    """The fragment of a source's link finds its section."""
    html = render(DOCUMENT, "docs")
    assert '<section id="first-part" dir="auto"><h2><a href="#first-part">First part</a></h2>' in html
    assert '<pre dir="ltr" tabindex="0"><code>code &lt;b&gt;\nmore\n</code></pre>' in html


def test_nothing_of_a_page_becomes_markup() -> None:
    """Titles, headings, anchors and texts are shown as they were written."""
    html = render(DOCUMENT, "<site>")
    assert "<script>" not in html
    assert "<img" not in html
    assert "Guide &lt;one&gt;" in html


async def test_a_page_is_served_and_an_unknown_one_is_404(make_client: MakeClient) -> None:
    """The route after the site's name opens the page, whatever script or spaces are in it."""

    class OnePage(FixedIndex):
        async def document(self, site: str, route: str) -> Document | None:
            return DOCUMENT if (site, route) in {("docs", "/guide/a"), ("my docs", "/%D9%81/a%20b")} else None

    client = make_client(index=OnePage(hits()))
    response = await client.get("/pages/docs/guide/a")
    assert response.status_code == 200
    assert "script-src 'none'" in response.headers["content-security-policy"]
    assert (await client.get("/pages/my%20docs/%D9%81/a%20b")).status_code == 200
    assert (await client.get("/pages/docs/guide/b")).status_code == 404
    assert (await client.get("/pages/docs")).status_code == 404
