"""What pages of other sites may do with Lectern, as a real browser enforces it: call it, and frame it."""

import pytest
from playwright.sync_api import Frame, Page
from tests.browser.conftest import Visitor
from tests.browser.servers import Site

STREAM = """async (lectern) => {
  const response = await fetch(`${lectern}/chat`, { method: "POST", credentials: "include",
    headers: { "Content-Type": "application/json", Accept: "text/event-stream" },
    body: JSON.stringify({ message: "How do I prime the pump?" }) });
  const names = [], reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = "";;) {
    const { value, done } = await reader.read();
    if (done) return { status: response.status, id: response.headers.get("X-Request-ID"), names };
    rest += value;
    names.splice(0, names.length, ...[...rest.matchAll(/^event: (.*)$/gm)].map((match) => match[1]));
  }
}"""


def visit(visitor: Visitor, site: Site, name: str, *, body: str = "") -> Page:
    """Open a page on one of the site's names."""
    site.pages["/page"] = (f'<!doctype html><link rel="icon" href="data:,"><title>Page</title>{body}', {})
    page = visitor.page()
    page.goto(f"{site.origin(name)}/page")
    return page


def framed(page: Page) -> Frame:
    """The page's only frame, when it shows something, be it an error."""
    page.wait_for_load_state()
    (frame,) = page.main_frame.child_frames
    while not frame.url:  # a refused frame may get its address after the page is loaded; the test's own limit ends this
        page.wait_for_timeout(20)
    return frame


def test_a_page_of_an_allowed_site_streams_with_credentials(visitor: Visitor, site: Site, lectern: str) -> None:
    """Preflight, credentials and the stream itself all pass, and the request's id can be read."""
    answer = visit(visitor, site, "docs").evaluate(STREAM, lectern)
    assert answer["status"] == 200
    assert answer["id"]
    assert answer["names"][:2] == ["started", "sources"]
    assert answer["names"][-1] == "done"
    assert "delta" in answer["names"]


def test_a_page_of_another_site_reads_nothing(visitor: Visitor, site: Site, lectern: str) -> None:
    """The browser keeps the answer from a page whose site is not allowed."""
    visitor.expected = ["blocked by CORS policy", "net::ERR_FAILED"]
    page = visit(visitor, site, "foreign")
    outcome = page.evaluate(f"(lectern) => ({STREAM})(lectern).catch((error) => error.name)", lectern)
    assert outcome == "TypeError"


@pytest.mark.parametrize("path", ["/", "/pages/guide/pump"])
def test_an_allowed_site_may_frame_the_pages(visitor: Visitor, site: Site, lectern: str, path: str) -> None:
    """The frame shows the page."""
    page = visit(visitor, site, "docs", body=f'<iframe src="{lectern}{path}"></iframe>')
    assert framed(page).locator("h1").inner_text() in {"Ask this site", "The water pump"}


@pytest.mark.parametrize("path", ["/", "/pages/guide/pump", "/docs"])
def test_another_site_may_not_frame_them(visitor: Visitor, site: Site, lectern: str, path: str) -> None:
    """The browser refuses, and says that it is the policy."""
    visitor.expected = ["frame-ancestors"]
    page = visit(visitor, site, "foreign", body=f'<iframe src="{lectern}{path}"></iframe>')
    assert framed(page).url == "chrome-error://chromewebdata/"
