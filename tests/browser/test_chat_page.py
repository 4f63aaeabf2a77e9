"""The chat page in a real browser: answers, links, and what a reader sees when something goes wrong."""

import re
import socket
from collections.abc import Callable

from playwright.sync_api import Page, expect
from tests.browser.conftest import Visitor
from tests.browser.servers import Edge, Site

QUESTION = "How do I prime the pump?"


def ask(page: Page, question: str = QUESTION) -> None:
    """Type a question and send it by the keyboard."""
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")


def test_a_question_is_answered_with_sources_that_open_the_section(visitor: Visitor, lectern: str, site: Site) -> None:
    """A reader gets the passage, and a numbered source whose link is the very section of the site."""
    page = visitor.page()
    page.goto(lectern)
    expect(page.get_by_label("Your question")).to_be_focused()
    ask(page)
    expect(page.locator(".said")).to_contain_text("two litres of water")
    source = page.locator("ol.sources a").first
    expect(source).to_have_attribute("href", f"{site.origin('docs')}/pump#priming-the-pump")
    expect(source).to_have_attribute("target", "_blank")
    expect(source).to_have_attribute("rel", "noopener")
    expect(page.get_by_role("status")).to_contain_text("two litres of water")


def test_the_conversation_outlives_a_reload_until_a_new_one_is_begun(visitor: Visitor, lectern: str) -> None:
    """What was said is there after a reload, and gone after New chat."""
    page = visitor.page()
    page.goto(lectern)
    ask(page)
    expect(page.locator("ol.sources")).to_be_visible()
    page.reload()
    expect(page.locator(".said")).to_contain_text("two litres of water")
    expect(page.locator("ol.sources a").first).to_be_visible()
    page.get_by_role("button", name="New chat").click()
    page.reload()
    expect(page.locator("article")).to_have_count(0)


def test_long_code_scrolls_inside_its_block_on_a_narrow_screen(visitor: Visitor, lectern: str) -> None:
    """Code never makes the page wider than the frame, and its own scrolling can be reached by the keyboard."""
    page = visitor.page(width=380, height=620)
    page.goto(f"{lectern}/?embed=1")
    ask(page, "How do I run the pump from a script?")
    code = page.locator(".said pre").first
    expect(code).to_contain_text("pumpctl")
    assert code.evaluate("block => block.scrollWidth > block.clientWidth && block.tabIndex === 0")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_an_arabic_answer_runs_from_right_to_left(visitor: Visitor, lectern: str) -> None:
    """Each paragraph, quote and list takes its direction from its own text."""
    page = visitor.page(width=380, height=620)
    page.goto(lectern)
    ask(page, "كيف يتم تنظيف المضخة؟")
    expect(page.locator(".asked")).to_have_css("direction", "rtl")
    expect(page.locator("blockquote p", has_text="اغسل").first).to_have_css("direction", "rtl")
    expect(page.locator("blockquote").first).to_have_css("direction", "rtl")
    expect(page.locator("ol.sources")).to_have_css("direction", "rtl")


def test_an_answer_can_be_stopped_and_typing_goes_on_meanwhile(visitor: Visitor, talkative: str) -> None:
    """Enter does not cut an answer short, the Stop button does, and what came stays."""
    page = visitor.page()
    page.goto(talkative)
    ask(page)
    expect(page.locator(".said")).to_contain_text(re.compile(r"\w"))
    page.get_by_label("Your question").fill("And then?")
    page.keyboard.press("Enter")
    expect(page.locator("article")).to_have_count(1)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".error")).to_have_text("Stopped.")
    expect(page.get_by_label("Your question")).to_have_value("And then?")
    expect(page.get_by_label("Your question")).to_be_focused()


def test_an_answer_that_broke_off_can_be_tried_again(visitor: Visitor, talkative: str) -> None:
    """A failure that a retry may mend has a button that asks the same question anew."""
    page = visitor.page()
    page.goto(talkative)
    ask(page)
    again = page.get_by_role("button", name="Try again")
    done = page.locator("ol.sources").and_(page.locator(".said ~ ol"))
    expect(done).to_be_visible()
    if not again.is_visible():  # every second answer breaks off
        ask(page)
    again.click()
    expect(again).to_have_count(0)
    expect(page.get_by_role("button", name="Ask")).to_be_visible()
    expect(again).to_have_count(0)
    expect(page.locator("article").last.locator("ol.sources")).to_be_visible()


def test_what_stood_in_for_the_model_is_said(visitor: Visitor, serve: Callable[..., str]) -> None:
    """While the model is down the reader gets passages, and is told so."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and never listens
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}/v1"
        page = visitor.page()
        page.goto(serve(OPENAI_API_KEY="sk-browser", OPENAI_BASE_URL=address))
        ask(page)
        expect(page.locator(".said")).to_contain_text("two litres of water")
        expect(page.locator(".note")).to_have_text("Answered without the language model; instead: quoting.")


def test_a_server_that_wakes_up_is_waited_for(visitor: Visitor, edge: Edge) -> None:
    """The host's own page in place of an answer is no answer: the reader is told, and the question asked again."""
    visitor.expected = ["503"]
    page = visitor.page()
    page.goto(edge.url)
    edge.naps["/chat"] = 2
    ask(page)
    expect(page.locator(".note")).to_contain_text("waking up")
    expect(page.locator(".said")).to_contain_text("two litres of water")
    expect(page.locator(".note")).to_have_count(0)


def test_markup_in_an_answer_is_text(visitor: Visitor, lectern: str) -> None:
    """Neither markup nor a dangerous address in Markdown becomes part of the page."""
    page = visitor.page()
    page.goto(lectern)
    nasty = "<img src=x onerror=alert(1)> [x](javascript:alert(1)) [`a`](//evil.test) \u00010\u0001 **<b>** [1]"
    html = page.evaluate(
        "text => markdown(text, [{href: 'javascript:alert(2)', title: '\"><script>'}])",
        nasty,
    )
    box = page.evaluate_handle(
        "html => { const box = document.createElement('div'); box.innerHTML = html; return box; }", html
    )
    assert box.evaluate("box => box.querySelectorAll('img, script, b').length") == 0
    hrefs = box.evaluate("box => [...box.querySelectorAll('a')].map(link => link.getAttribute('href'))")
    assert hrefs == ["#", "#", "#"]
