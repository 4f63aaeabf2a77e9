"""Cookies across sites, as a real browser treats them: https, credentials, and no third-party cookies but partitioned.

The front end, the assistant's server and a second front end are three sites (`docs`, `ask` and `blog` of `localhost`).
"""

import ssl
from collections.abc import Callable, Iterator

import pytest
import trustme
from playwright.sync_api import Browser, BrowserContext, Page, Playwright
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.servers import Edge, Site, running_edge, running_site

VISITOR = "__Host-lectern_visitor="
ASK = """async (base) => {
  const response = await fetch(`${base}/chat`, { method: "POST", credentials: "include",
    headers: { "Content-Type": "application/json" }, body: JSON.stringify({ message: "How do I prime the pump?" }) });
  return [response.status, document.cookie];
}"""
CALL = """async ([base, method, path, body]) => {
  const response = await fetch(`${base}${path}`, { method, credentials: "include",
    headers: body ? { "Content-Type": "application/json" } : {}, body: body ? JSON.stringify(body) : undefined });
  return [response.status, await response.json()];
}"""


@pytest.fixture(scope="module")
def strict(playwright: Playwright) -> Iterator[Browser]:
    """A browser without third-party cookies, as they will all be."""
    flags = [*FLAGS, "--test-third-party-cookie-phaseout"]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
    yield browser
    browser.close()


@pytest.fixture
def context(strict: Browser) -> Iterator[BrowserContext]:
    """One reader's browser; it knows the authority of no test, so it takes any certificate."""
    context = strict.new_context(ignore_https_errors=True)
    yield context
    context.close()


@pytest.fixture(scope="module")
def tls() -> ssl.SSLContext:
    """A certificate for all names."""
    certificate = trustme.CA().issue_cert("localhost", "*.localhost")
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(made)
    return made


@pytest.fixture(scope="module")
def sites(tls: ssl.SSLContext) -> Iterator[Site]:
    """Two front ends over https: `docs` and `blog` of its names."""
    with running_site(tls) as site:
        site.pages["/page"] = ('<!doctype html><link rel="icon" href="data:,"><title>Page</title>', {})
        yield site


@pytest.fixture
def ask(serve: Callable[..., str], sites: Site, tls: ssl.SSLContext) -> Iterator[Edge]:
    """The assistant's server behind an edge that ends TLS."""
    allowed = f"{sites.origin('docs')},{sites.origin('blog')}"
    lectern = serve(CORS_ALLOWED_ORIGINS=allowed, FORWARDED_ALLOW_IPS="127.0.0.1", SECRET_KEY="s" * 40)
    with running_edge(int(lectern.rpartition(":")[2]), tls) as edge:
        yield edge


def visit(context: BrowserContext, sites: Site, name: str) -> Page:
    """Open a front end."""
    page = context.new_page()
    page.goto(f"{sites.origin(name)}/page")
    return page


def base(ask: Edge) -> str:
    """Where the front ends were told that the server is."""
    return f"https://ask.localhost:{ask.port}"


def cookies(ask: Edge, method: str = "POST") -> list[str]:
    """The cookies that came with each request."""
    return [cookie for verb, _, cookie in ask.seen if verb == method]


def test_a_visitor_is_known_again_on_the_same_site_only(context: BrowserContext, sites: Site, ask: Edge) -> None:
    """The signed id comes back from the site that it was given to, not from another one; no script sees it."""
    docs = visit(context, sites, "docs")
    assert docs.evaluate(ASK, base(ask)) == [200, ""]
    assert docs.evaluate(ASK, base(ask)) == [200, ""]
    first, second = cookies(ask)
    assert first == ""
    assert second.startswith(VISITOR)
    blog = visit(context, sites, "blog")
    assert blog.evaluate(ASK, base(ask)) == [200, ""]
    assert cookies(ask)[2] == ""
    assert blog.evaluate(ASK, base(ask)) == [200, ""]
    assert cookies(ask)[3].startswith(VISITOR)
    assert cookies(ask)[3] != second


def test_a_reader_stays_signed_in(context: BrowserContext, sites: Site, ask: Edge) -> None:
    """Sign-up, a new page of the same site, and sign-out, by a cookie that crosses sites."""
    account = {"email": "ada@example.org", "password": "correct horse battery staple", "programmingLevel": "beginner"}
    docs = visit(context, sites, "docs")
    status, _ = docs.evaluate(CALL, [base(ask), "POST", "/api/auth/sign-up", account])
    assert status == 201
    again = visit(context, sites, "docs")
    status, who = again.evaluate(CALL, [base(ask), "GET", "/api/auth/session", None])
    assert (status, who["session"]["user"]["email"]) == (200, "ada@example.org")
    elsewhere = visit(context, sites, "blog")
    assert elsewhere.evaluate(CALL, [base(ask), "GET", "/api/auth/session", None]) == [200, {"session": None}]
    assert again.evaluate(CALL, [base(ask), "POST", "/api/auth/sign-out", {}])[0] == 200
    assert again.evaluate(CALL, [base(ask), "GET", "/api/auth/session", None]) == [200, {"session": None}]
