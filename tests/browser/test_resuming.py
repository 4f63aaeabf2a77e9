"""Answers that survive: cut streams, sleeping pages, reloads and the Stop button, in a real browser."""

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Visitor
from tests.browser.servers import Edge, running_edge
from tests.browser.test_chat_page import ask
from tests.serving.servers import until
from tests.stub_process import running_stub

CUT = "net::ERR_"
"""What the browser says of a connection that was cut."""


@dataclass(frozen=True, slots=True)
class Slow:
    """A Lectern whose model takes seconds for an answer.

    Attributes:
        url: Where it is.
        file: Its database.
    """

    url: str
    file: Path

    def kept(self) -> list[tuple[str, str]]:
        """`(outcome, answer)` of each kept turn, the newest last."""
        with closing(sqlite3.connect(self.file)) as connection:
            return connection.execute("select outcome, answer from turns order by created_at").fetchall()


@pytest.fixture(scope="module")
def slow(serve: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slow]:
    """One for all tests of this file."""
    file = tmp_path_factory.mktemp("slow") / "lectern.sqlite3"
    with running_stub() as stub:
        model = {"OPENAI_API_KEY": "sk-browser", "OPENAI_BASE_URL": stub.base_url, "OPENAI_MODEL": "stub-itl50-len120"}
        yield Slow(serve(DATABASE_URL=f"sqlite:///{file}", **model), file)


@pytest.fixture
def before(slow: Slow) -> Iterator[Edge]:
    """An edge before it."""
    with running_edge(int(slow.url.rpartition(":")[2])) as edge:
        yield edge


def whole(page: Page) -> None:
    """Wait until the answer is there, with its sources and without a complaint."""
    expect(page.get_by_role("button", name="Ask")).to_be_visible()
    expect(page.locator("ol.sources")).to_have_count(1)
    expect(page.locator(".note")).to_have_count(0)


def said(page: Page) -> list[dict[str, Any]]:
    """What the page has kept of answers."""
    kept: list[dict[str, Any]] = json.loads(page.evaluate("sessionStorage.getItem('lectern-talk')") or "[]")
    return kept


def follows(edge: Edge) -> int:
    """How often a stream was gone on with."""
    return sum(path.endswith("/stream") for _, path, _ in edge.seen)


@pytest.mark.parametrize("seed", range(3))
def test_an_answer_cut_at_any_byte_is_whole(visitor: Visitor, slow: Slow, before: Edge, seed: int) -> None:
    """By resets and by ends that look like any other: no letter is missing, and none is there twice."""
    place = Random(seed).randint  # the same places each time
    # In the sources, which are sent whole; behind them; and then in what is said. A reset may take along what was sent
    # just before it, so the two cuts behind which something has to be are even.
    first, third = 2 * place(150, 450), 2 * place(1250, 2000)
    before.cuts.extend([first, place(1, 300), third, *(place(40, 400) for _ in range(7))])
    cuts = len(before.cuts)
    visitor.tolerated = [CUT]
    page = visitor.page()
    page.goto(before.url)
    page.evaluate("RETURNS.fill(0)")
    ask(page)
    whole(page)
    assert [turn["text"] for turn in said(page)] == [slow.kept()[-1][1]]
    assert slow.kept()[-1][0] == "answered"
    assert (follows(before), len(before.cuts)) == (cuts, 0)
    assert page.evaluate("sessionStorage.getItem('lectern-turn')") is None


def test_a_server_that_is_away_for_a_while_is_waited_for(visitor: Visitor, slow: Slow, before: Edge) -> None:
    """The reader is told that the connection broke off while it does, and not any more when the answer goes on."""
    visitor.expected = [CUT]
    before.cuts.append(701)
    before.refusals = 2
    page = visitor.page()
    page.goto(before.url)
    ask(page)
    expect(page.locator(".note")).to_contain_text("The connection broke off; going on with the answer")
    whole(page)
    assert said(page)[-1]["text"] == slow.kept()[-1][1]


@pytest.mark.parametrize("event", ["online", "visible"])
def test_a_silent_connection_is_left_when_the_page_is_back(
    visitor: Visitor, slow: Slow, before: Edge, event: str
) -> None:
    """As after a phone slept or changed its network: nothing comes over it any more, and no error either."""
    before.cuts.append(-700)
    page = visitor.page()
    page.goto(before.url)
    ask(page)
    expect(page.locator(".said")).to_contain_text(re.compile(r"\w"))

    def is_back() -> bool:
        if event == "online":
            page.context.set_offline(True)
            page.context.set_offline(False)
        else:
            page.evaluate("heard -= 60_000; document.dispatchEvent(new Event('visibilitychange'))")
        return follows(before) >= 1

    until(is_back)
    whole(page)
    assert said(page)[-1]["text"] == slow.kept()[-1][1]


def test_a_connection_that_is_silent_for_long_is_left(visitor: Visitor, slow: Slow, before: Edge) -> None:
    """Without any event; a living stream is not, as it says something every few seconds."""
    before.cuts.append(-700)
    page = visitor.page()
    page.goto(before.url)
    ask(page)
    expect(page.locator(".said")).to_contain_text(re.compile(r"\w"))
    until(lambda: page.evaluate("heard -= 60_000") and follows(before) == 1, 60)
    whole(page)
    assert said(page)[-1]["text"] == slow.kept()[-1][1]


def test_trying_ends_and_can_be_begun_again(visitor: Visitor, slow: Slow, before: Edge) -> None:
    """After so many times the reader is told; Try again goes on with the same answer and asks no second time."""
    visitor.expected = [CUT]
    before.cuts.append(701)
    before.refusals = 8
    turns = len(slow.kept())
    page = visitor.page()
    page.goto(before.url)
    page.evaluate("RETURNS.fill(0)")
    ask(page)
    expect(page.locator(".error")).to_contain_text("The connection broke off.")
    assert before.refusals == 0
    page.get_by_role("button", name="Try again").click()
    whole(page)
    assert len(slow.kept()) == turns + 1
    assert said(page)[-1]["text"] == slow.kept()[-1][1]
    assert [path for method, path, _ in before.seen if method == "POST"] == ["/chat"]


def test_a_reload_goes_on_with_the_answer(visitor: Visitor, slow: Slow, before: Edge) -> None:
    """From its beginning, as the page has forgotten what came; what was said before stays."""
    page = visitor.page()
    page.goto(before.url)
    ask(page)
    whole(page)
    ask(page, "And why?")
    expect(page.locator(".said").last).to_contain_text(re.compile(r"\w"))
    page.reload()
    expect(page.locator(".asked").last).to_have_text("And why?")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    expect(page.get_by_role("button", name="Ask")).to_be_visible()
    assert [turn["text"] for turn in said(page)] == [answer for _, answer in slow.kept()[-2:]]
    assert page.locator("ol.sources").count() == 2
    assert follows(before) == 1


def test_stop_stops_the_turn(visitor: Visitor, slow: Slow, before: Edge) -> None:
    """On the server, for whoever else follows it; what was said is kept there as on the page."""
    page = visitor.page()
    page.goto(before.url)
    ask(page)
    expect(page.locator(".said")).to_contain_text(re.compile(r"\w"))
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".error")).to_have_text("Stopped.")
    assert [method for method, path, _ in before.seen if path.startswith("/chat/turns/")] == ["DELETE"]
    assert slow.kept()[-1] == ("cancelled", said(page)[-1]["text"])


def test_stop_while_the_server_is_away_leaves_at_once(visitor: Visitor, slow: Slow, before: Edge) -> None:
    """The reader is not kept waiting for a server that cannot be told."""
    visitor.expected = ["503"]
    page = visitor.page()
    page.goto(before.url)
    ask(page)
    expect(page.locator(".said")).to_contain_text(re.compile(r"\w"))
    before.naps[f"/chat/turns/{page.evaluate('running.turn.id')}"] = 1
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".error")).to_have_text("Stopped.")
    assert page.evaluate("sessionStorage.getItem('lectern-turn')") is None
    until(lambda: bool(slow.kept()))


def test_an_answer_that_is_gone_is_told(visitor: Visitor, slow: Slow, before: Edge) -> None:
    """The page says that the server has it no more, and asks again when its reader wants that."""
    visitor.expected = ["404"]
    page = visitor.page()
    page.goto(before.url)
    gone = {"id": "00000000-0000-4000-8000-000000000000", "question": "How do I prime the pump?", "context": ""}
    page.evaluate("gone => sessionStorage.setItem('lectern-turn', JSON.stringify(gone))", gone)
    page.reload()
    expect(page.locator(".error")).to_contain_text("The server no longer has this answer.")
    page.get_by_role("button", name="Try again").click()
    whole(page)
    assert said(page)[-1]["text"] == slow.kept()[-1][1]


@pytest.mark.parametrize("kept", ["", "no JSON", "null", "7", "[]", '{"id": 7}', '{"question": "x"}'])
def test_what_is_no_turn_is_not_gone_on_with(visitor: Visitor, lectern: str, kept: str) -> None:
    """Whatever stands in the tab's storage, the page opens and answers."""
    page = visitor.page()
    page.goto(lectern)
    page.evaluate("kept => sessionStorage.setItem('lectern-turn', kept)", kept)
    page.reload()
    expect(page.locator("article")).to_have_count(0)
    ask(page)
    expect(page.locator(".said")).to_contain_text("two litres of water")
