"""What browsers are told: who may frame a page, and that nothing is guessed."""

import httpx2
import pytest
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send
from tests.conftest import MakeClient

from lectern.config import Settings
from lectern.web.policy import SPACE_ANCESTORS, BrowserPolicyMiddleware, content_policy, origin_of

SITE = "https://docs.example.org"


def ancestors(response: httpx2.Response) -> list[str]:
    """The sources of `frame-ancestors`."""
    (directive,) = [
        part for part in response.headers["content-security-policy"].split("; ") if part.startswith("frame-ancestors")
    ]
    return directive.split()[1:]


async def ask(response: Response, referer: str = "", origins: tuple[str, ...] = (SITE,)) -> httpx2.Response:
    """Send a response through the middleware; the rules allow previews of one team."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await response(scope, receive, send)

    def allows(origin: str) -> bool:
        return origin in origins or origin.endswith("-team.vercel.app")

    guarded = BrowserPolicyMiddleware(app, origins=origins, allows=allows)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(guarded), base_url="http://lectern.test") as client:
        return await client.get("/", headers={"Referer": referer} if referer else {})


async def test_a_page_names_who_may_frame_it() -> None:
    """A page without a policy of its own gets one that says only this; a page with one keeps it."""
    bare = await ask(HTMLResponse("<p>"))
    assert bare.headers["content-security-policy"] == f"frame-ancestors 'self' {SITE}"
    own = await ask(HTMLResponse("<p>", headers={"Content-Security-Policy": content_policy()}))
    assert own.headers["content-security-policy"] == f"{content_policy()}; frame-ancestors 'self' {SITE}"
    assert "x-frame-options" not in own.headers
    assert own.headers["referrer-policy"] == "strict-origin-when-cross-origin"


async def test_only_pages_can_be_framed_but_nothing_is_guessed() -> None:
    """A program's answer gets no policy, and its type is what it says."""
    answer = await ask(JSONResponse({}))
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "content-security-policy" not in answer.headers


@pytest.mark.parametrize(
    ("referer", "named"),
    [
        ("https://pr-7-team.vercel.app/guide", ["https://pr-7-team.vercel.app"]),
        ("https://PR-7-Team.Vercel.app/", ["https://pr-7-team.vercel.app"]),
        ("https://evil.example/", []),
        ("https://evil.example/https://pr-7-team.vercel.app", []),
        ("https://user@pr-7-team.vercel.app/", []),
        ("https://a;script-src *-team.vercel.app", []),
        ("https://*-team.vercel.app/", []),
        ("https://[::1]/-team.vercel.app", []),
        ("https://[bad/", []),
        ("data:text/html,-team.vercel.app", []),
        (f"{SITE}/guide", []),
        ("", []),
    ],
)
async def test_a_pattern_s_site_is_named_when_it_asks(referer: str, named: list[str]) -> None:
    """The origin of a Referer joins the policy only when the rules allow it, and never as anything but an origin."""
    page = await ask(HTMLResponse("<p>"), referer)
    assert ancestors(page) == ["'self'", SITE, *named]
    assert "Referer" in page.headers["vary"]


async def test_what_a_policy_cannot_say_is_left_out() -> None:
    """Patterns and IPv6 addresses would make a browser drop the source, or allow more than was meant."""
    origins = ("https://*-team.vercel.app", "https://*.example.org", "http://[::1]:3000", SITE, *SPACE_ANCESTORS)
    assert ancestors(await ask(HTMLResponse("<p>"), origins=origins)) == ["'self'", SITE, *SPACE_ANCESTORS]


@pytest.mark.parametrize(("url", "origin"), [("https://a.b/c?d#e", "https://a.b"), ("ftp://a.b", None), ("", None)])
def test_an_origin_is_a_scheme_and_a_host(url: str, origin: str | None) -> None:
    """Path, query and fragment of a URL say nothing about its origin."""
    assert origin_of(url) == origin


@pytest.mark.parametrize("path", ["/", "/docs"])
async def test_the_page_of_a_space_may_frame_it(make_client: MakeClient, settings: Settings, path: str) -> None:
    """On a Space every HTML page can stand in the Space's page; elsewhere the Hub is nobody."""
    html = {"Accept": "text/html"}
    on_space = settings.model_copy(update={"space_id": "owner/name", "cors_allowed_origins": (SITE,)})
    page = await make_client(changed=on_space).get(path, headers=html)
    assert ancestors(page) == ["'self'", SITE, *SPACE_ANCESTORS]
    elsewhere = await make_client().get(path, headers=html)
    assert ancestors(elsewhere) == ["'self'"]
