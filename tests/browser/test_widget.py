"""`widget.js` on a page of another site, which has a strict policy of its own."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import FrameLocator, Page, Playwright, Request, expect
from tests.browser.conftest import CHROMIUM, FLAGS, Visitor
from tests.browser.servers import Edge, Site

QUESTION = "How do I prime the pump?"
BLOCK = 2  # Chromium's own number for it
TOKEN = "operator-token-0123456789"

MakeProfile = Callable[..., Page]


@pytest.fixture
def profile(playwright: Playwright, tmp_path: Path) -> Iterator[MakeProfile]:
    """Starts a browser with a profile; all other pages are private ones, which block the storage of foreign frames."""
    with ExitStack() as running:

        def start(**settings: int) -> Page:
            (tmp_path / "Default").mkdir()
            everyone = {"cookie_controls_mode": 0, "block_third_party_cookies": False}
            preferences = {"profile": everyone | {"default_content_setting_values": settings}}
            (tmp_path / "Default" / "Preferences").write_text(json.dumps(preferences))
            context = playwright.chromium.launch_persistent_context(
                tmp_path, executable_path=CHROMIUM, args=list(FLAGS)
            )
            running.callback(context.close)
            return context.new_page()

        yield start


def put_on(site: Site, lectern: str, *, html: str = "", attributes: str = "") -> str:
    """Put the widget on a page of the site; gives the page's address."""
    page = (
        f'<!doctype html><html {html}><head><meta charset="utf-8"><title>Pump</title><link rel="icon" href="data:,">'
        f'<script src="{lectern}/widget.js" defer {attributes}></script></head>'
        '<body><h1>Guide</h1><p id="passage">The upper valve.</p></body></html>'
    )
    policy = f"default-src 'none'; img-src data:; script-src {lectern}; frame-src {lectern}"
    site.pages["/pump"] = (page, {"Content-Security-Policy": policy})
    return f"{site.origin('docs')}/pump"


def open_widget(page: Page) -> FrameLocator:
    """Open it; gives the frame."""
    page.get_by_role("button", name="Ask this site").click()
    frame = page.frame_locator("lectern-widget iframe")
    expect(frame.get_by_label("Your question")).to_be_focused()
    return frame


def test_it_opens_asks_answers_and_closes_by_the_keyboard(visitor: Visitor, lectern: str, site: Site) -> None:
    """One script is loaded, and nothing more before the reader asks for it; focus moves in, and back with Escape."""
    page = visitor.page()
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    globals_before = "Object.keys(window).length"
    page.goto(put_on(site, lectern))
    button = page.get_by_role("button", name="Ask this site")
    expect(button).to_have_attribute("aria-expanded", "false")
    assert [url for url in requested if url.startswith(lectern)] == [f"{lectern}/widget.js"]
    with_widget = page.evaluate(globals_before)
    plain = visitor.page()
    site.pages["/plain"] = ('<!doctype html><link rel="icon" href="data:,"><p>Plain</p>', {})
    plain.goto(f"{site.origin('docs')}/plain")
    assert with_widget == plain.evaluate(globals_before)

    button.focus()
    page.keyboard.press("Enter")
    frame = page.frame_locator("lectern-widget iframe")
    expect(frame.get_by_label("Your question")).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "true")
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    expect(frame.locator(".said")).to_contain_text("two litres of water")
    page.keyboard.press("Escape")
    expect(page.locator("lectern-widget iframe")).to_be_hidden()
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Enter")
    expect(frame.get_by_label("Your question")).to_be_focused()
    expect(frame.locator(".said")).to_contain_text("two litres of water")


def test_a_source_of_the_site_opens_where_the_reader_is(
    profile: MakeProfile, visitor: Visitor, lectern: str, site: Site
) -> None:
    """The link turns the reader's own page, and the conversation is still there on the next one."""
    page = profile()
    visitor.watch(page)
    page.goto(put_on(site, lectern))
    frame = open_widget(page)
    frame.get_by_label("Your question").fill(QUESTION)
    page.keyboard.press("Enter")
    frame.locator("ol.sources a").first.click()
    page.wait_for_url("**/pump#priming-the-pump")
    page.reload()
    expect(open_widget(page).locator(".said")).to_contain_text("two litres of water")


def test_the_selected_text_goes_with_the_question(visitor: Visitor, lectern: str, site: Site) -> None:
    """The reader sees what is sent along, and may leave it out."""
    page = visitor.page()
    bodies: list[str] = []

    def keep(request: Request) -> None:
        if request.method == "POST":
            bodies.append(json.loads(request.post_data or "{}").get("context"))

    page.on("request", keep)
    page.goto(put_on(site, lectern))
    page.evaluate("getSelection().selectAllChildren(document.getElementById('passage'))")
    frame = open_widget(page)
    expect(frame.locator("#context")).to_contain_text("The upper valve.")
    frame.get_by_label("Your question").fill(QUESTION)
    page.keyboard.press("Enter")
    expect(frame.locator("ol.sources")).to_be_visible()
    expect(frame.locator("#context")).to_be_hidden()
    frame.get_by_label("Your question").fill(QUESTION)
    page.keyboard.press("Enter")
    expect(frame.locator("ol.sources")).to_have_count(2)
    assert bodies == ["The upper valve.", None]


@pytest.fixture(scope="module")
def operated(serve: Callable[..., str]) -> str:
    """A Lectern that knows one token for sure: its operator's."""
    return serve(ADMIN_TOKEN=TOKEN)


@pytest.mark.parametrize(
    ("hook", "sent"),
    [
        (f"async () => '{TOKEN}'", f"Bearer {TOKEN}"),
        (f"() => '{TOKEN}'", f"Bearer {TOKEN}"),
        ("() => null", None),
        ("() => { throw new Error('signed out'); }", None),
        ("async () => ({ not: 'a token' })", None),
        ("'no function'", None),
    ],
    ids=["promised", "at once", "signed out", "throws", "nonsense", "no function"],
)
def test_the_page_says_who_its_reader_is(
    visitor: Visitor, operated: str, site: Site, hook: str, sent: str | None
) -> None:
    """Its token goes with each question, asked for anew; without one the question is a visitor's."""
    page = visitor.page()
    headers: list[str | None] = []

    def keep(request: Request) -> None:
        if request.method == "POST":
            headers.append(request.headers.get("x-lectern-authorization"))

    page.on("request", keep)
    page.goto(put_on(site, operated))
    page.evaluate(f"() => {{ window.asked = 0; window.lectern = {{ token: {hook} }}; }}")
    page.evaluate(
        "() => { const token = window.lectern.token;"
        " if (token.call) window.lectern.token = (...given) => { window.asked++; return token(...given); }; }"
    )
    frame = open_widget(page)
    for count in (1, 2):
        frame.get_by_label("Your question").fill(QUESTION)
        page.keyboard.press("Enter")
        expect(frame.locator("ol.sources")).to_have_count(count)
    assert headers == [sent, sent]
    assert page.evaluate("window.asked") == (0 if hook == "'no function'" else 2)


def test_only_the_frame_is_told_who_the_reader_is(visitor: Visitor, operated: str, site: Site) -> None:
    """The same words from the page itself do not even ask the page's function."""
    page = visitor.page()
    page.goto(put_on(site, operated))
    page.evaluate(
        f"() => {{ window.asked = 0; window.lectern = {{ token: () => {{ asked++; return '{TOKEN}'; }} }}; }}"
    )
    page.evaluate(
        "() => { window.heard = 0; addEventListener('message', ({ data }) => heard += data === 'lectern:token'); }"
    )
    open_widget(page)
    page.evaluate("postMessage('lectern:token', '*')")
    page.wait_for_function("heard === 1")
    assert page.evaluate("asked") == 0


def test_messages_of_another_window_change_nothing(visitor: Visitor, lectern: str, site: Site) -> None:
    """Frame and page believe each other only: neither a page's own message nor another frame's is heard."""
    page = visitor.page()
    page.goto(put_on(site, lectern))
    frame = open_widget(page)
    page.evaluate("postMessage('lectern:close', '*')")
    frame.locator("body").evaluate("() => postMessage({lectern: 'open', context: 'forged'}, '*')")
    frame.get_by_label("Your question").fill(QUESTION)
    page.keyboard.press("Enter")
    expect(frame.locator("ol.sources")).to_be_visible()
    expect(frame.locator("#context")).to_be_hidden()


@pytest.mark.parametrize(
    "where",
    [("", "", "right"), ('dir="rtl"', "", "left"), ("", 'data-position="left"', "left")],
    ids=["ltr", "rtl", "chosen"],
)
def test_it_stands_where_a_line_ends(visitor: Visitor, lectern: str, site: Site, where: tuple[str, str, str]) -> None:
    """The button is at the right, at the left of a right-to-left page, or where the site wants it."""
    html, attributes, side = where
    page = visitor.page()
    page.goto(put_on(site, lectern, html=html, attributes=attributes))
    box = page.get_by_role("button", name="Ask this site").bounding_box()
    assert box is not None
    assert (box["x"] > 500) == (side == "right")
    open_widget(page)
    panel = page.locator("lectern-widget section").bounding_box()
    assert panel is not None
    assert 0 <= panel["x"] <= panel["x"] + panel["width"] <= 1000


def test_it_fills_a_small_screen_and_takes_the_page_s_colours(visitor: Visitor, lectern: str, site: Site) -> None:
    """On a phone the panel is the screen; a site that is dark has a dark assistant, whatever the system prefers."""
    page = visitor.page(width=390, height=700)
    page.goto(put_on(site, lectern, html='data-theme="dark"', attributes='data-title="Ask the guide"'))
    page.get_by_role("button", name="Ask the guide").click()
    frame = page.frame_locator("lectern-widget iframe")
    expect(frame.locator("body")).to_have_css("background-color", "rgb(27, 27, 29)")
    panel = page.locator("lectern-widget section").bounding_box()
    assert panel == {"x": 0, "y": 0, "width": 390, "height": 700}
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("button", name="Ask the guide")).to_be_focused()


def test_a_sleeping_server_is_waited_for(visitor: Visitor, edge: Edge, site: Site) -> None:
    """While the host shows its own page, the panel says so, and asks again until the assistant is there."""
    visitor.expected = ["503"]
    page = visitor.page()
    page.goto(put_on(site, edge.url))
    edge.naps["/"] = 1
    page.get_by_role("button", name="Ask this site").click()
    expect(page.get_by_role("status")).to_contain_text("Waking up")
    expect(page.frame_locator("lectern-widget iframe").get_by_label("Your question")).to_be_focused()


def test_it_works_where_storage_is_blocked(profile: MakeProfile, visitor: Visitor, lectern: str, site: Site) -> None:
    """A browser that keeps nothing for anybody still answers, and goes on with the conversation."""
    page = profile(cookies=BLOCK)
    visitor.watch(page)
    sessions: list[object] = []

    def keep(request: Request) -> None:
        if urlsplit(request.url).path == "/chat":
            sessions.append(json.loads(request.post_data or "{}").get("session_id"))

    page.on("request", keep)
    page.goto(put_on(site, lectern))
    frame = open_widget(page)
    throws = "() => { try { sessionStorage.length; return false; } catch { return true; } }"
    assert frame.locator("body").evaluate(throws)
    for count in (1, 2):
        frame.get_by_label("Your question").fill(QUESTION)
        page.keyboard.press("Enter")
        expect(frame.locator("ol.sources")).to_have_count(count)
    assert [bool(session) for session in sessions] == [False, True]
