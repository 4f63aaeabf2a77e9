"""The visitor's cookie in a real browser: whether it is kept, and to whom it is shown."""

import ssl
from collections.abc import Callable, Iterator

import pytest
import trustme
from playwright.sync_api import Browser, BrowserContext, Page
from tests.browser.servers import Edge, Site, running_edge
from tests.serving.servers import ROOT

ASK = """async (lectern) => {
  const response = await fetch(`${lectern}/whoami`, { credentials: "include" });
  return (await response.json()).id;
}"""


@pytest.fixture(scope="module")
def callers(serve: Callable[..., str], site: Site) -> str:
    """A Lectern that says who asks, and may be called from two names of the site."""
    allowed = ",".join(map(site.origin, ("docs", "blog")))
    return serve(
        APP_MODULE="tests.web.callers:create()", PYTHONPATH=f"{ROOT / 'src'}:{ROOT}", CORS_ALLOWED_ORIGINS=allowed
    )


@pytest.fixture
def https(callers: str) -> Iterator[Edge]:
    """The same behind an edge that ends TLS, as a Space's does."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    with running_edge(int(callers.rpartition(":")[2]), tls) as edge:
        yield edge


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser with nothing in it, which takes the test's certificate."""
    context = chromium.new_context(ignore_https_errors=True)
    yield context
    context.close()


def opened(context: BrowserContext, site: Site, name: str) -> Page:
    """A page of a name of the site."""
    site.pages["/page"] = ('<!doctype html><link rel="icon" href="data:,"><title>Page</title>', {})
    page = context.new_page()
    page.goto(f"{site.origin(name)}/page")
    return page


def test_over_https_a_page_of_another_site_is_known_again(context: BrowserContext, https: Edge, site: Site) -> None:
    """The browser keeps the cookie for that site, and shows it with the next question; no script can read it."""
    page = opened(context, site, "docs")
    first = page.evaluate(ASK, https.url)
    assert first.startswith("visitor:")
    assert page.evaluate(ASK, https.url) == first
    assert opened(context, site, "docs").evaluate(ASK, https.url) == first
    (cookie,) = context.cookies(https.url)
    assert cookie["name"] == "__Host-lectern_visitor"
    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "None")
    assert "lectern_visitor" not in page.evaluate("document.cookie")


def test_another_site_s_pages_are_somebody_else_s(context: BrowserContext, https: Edge, site: Site) -> None:
    """Nobody can be followed from one site to the next, as the browser keeps a cookie for each."""
    seen = {name: opened(context, site, name).evaluate(ASK, https.url) for name in ("docs", "blog")}
    own = context.new_page()
    own.goto(https.url + "/health")
    seen["own"] = own.evaluate(ASK, https.url)
    assert len(set(seen.values())) == 3
    for name in ("docs", "blog"):
        assert opened(context, site, name).evaluate(ASK, https.url) == seen[name]


def test_over_http_lectern_s_own_page_is_known_again(context: BrowserContext, callers: str) -> None:
    """On a laptop the chat page's reader is one reader."""
    page = context.new_page()
    page.goto(callers)
    first = page.evaluate(ASK, callers)
    assert page.evaluate(ASK, callers) == first
    assert [cookie["name"] for cookie in context.cookies(callers)] == ["lectern_visitor"]
