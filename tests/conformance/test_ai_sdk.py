"""The AI SDK's own client code against answers that take their time: resume and stop; and pages with `useChat`."""

from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from tests.conformance.asking import at_once, user_message
from tests.conformance.clients import Driver
from tests.conformance.conftest import QUESTION, Clients, OpenSite, Site
from tests.conformance.kept import kept_turn

MODEL = "stub-itl30-len2000"
"""A minute, which no test waits for: however slow the machine is, a client comes back before the end, and stops it."""

CUT_AT = 20
"""Characters of the answer, of about 8,000."""

STOP_AT = 100
"""More than that, and more than a client reads before it notices that it is cut."""


@pytest.fixture(scope="module")
def site(open_site: OpenSite) -> Site:
    """A service whose answers take their time."""
    return open_site(MODEL)


def asked(site: Site, **options: Any) -> dict[str, Any]:
    """What a driver needs to ask in a new chat."""
    return {"api": site.chat, "chat": str(uuid4()), "messages": [user_message(QUESTION)], **options}


def test_what_was_cut_is_resumed(site: Site, clients: Clients) -> None:
    """Each version, its page closed and opened again, gets the very message, up to what is kept; then, nothing."""

    def cut_and_resumed(driver: Driver) -> list[Any]:
        chat = asked(site)
        again = {"api": chat["api"], "chat": chat["chat"]}
        cut = driver.ask("send", **chat, cut_at=CUT_AT)
        return [cut, driver.ask("resume", **again, stop_at=len(cut["text"]) + STOP_AT), driver.ask("resume", **again)]

    done = at_once({version: partial(cut_and_resumed, driver) for version, driver in clients.ai_sdks().items()})
    for version, (cut, resumed, later) in done.items():
        kept = kept_turn(site.folder, resumed["message"]["id"])
        assert cut["errors"], version
        assert resumed["errors"] == [], version
        assert (kept.outcome, kept.answer) == ("cancelled", resumed["text"]), version
        assert CUT_AT <= len(cut["text"]) <= len(kept.answer) - STOP_AT, version
        assert (resumed["message"]["id"], resumed["text"][: len(cut["text"])]) == (cut["message"]["id"], cut["text"])
        assert later is None, version


def test_a_stop_ends_the_turn(site: Site, clients: Clients) -> None:
    """Each version reads to the end that the stop made; what was said so far is kept, as cancelled."""
    drivers = clients.ai_sdks()
    ways = {version: partial(drivers[version].ask, "send", **asked(site), stop_at=CUT_AT) for version in drivers}
    for version, read in at_once(ways).items():
        kept = kept_turn(site.folder, read["message"]["id"])
        assert (kept.outcome, kept.answer) == ("cancelled", read["text"]), version
        assert read["message"]["metadata"]["finish"] == "stopped", version
        assert len(read["text"]) >= CUT_AT, version
        assert read["errors"] == [], version
        assert read["parts"][-1]["type"] == "abort", version


def test_a_page_sends_and_resumes(site: Site, clients: Clients) -> None:
    """`useChat` draws the answer with its sources; a page that is opened meanwhile draws the same, once."""

    def sent_and_resumed(driver: Driver) -> list[Any]:
        page = {"api": site.chat, "chat": str(uuid4())}
        cut = driver.ask("send", **page, text=QUESTION, cut_at=CUT_AT)
        resumed = driver.ask("resume", **page, messages=cut["messages"][:1], stop_at=STOP_AT)
        return [cut, resumed, driver.ask("resume", **page, messages=resumed["messages"])]

    for version, driver in clients.use_chats().items():
        cut, resumed, later = sent_and_resumed(driver)
        question, answer = resumed["drawn"]
        kept = kept_turn(site.folder, resumed["messages"][-1]["id"])
        assert question == {"role": "user", "text": QUESTION, "sources": []}, version
        assert (answer["role"], answer["text"]) == ("assistant", kept.answer), version
        assert answer["sources"] == cut["drawn"][-1]["sources"] != [], version
        assert cut["statuses"] == ["ready", "submitted", "streaming"], version
        assert resumed["statuses"][-2:] == ["streaming", "ready"], version
        assert (later["answered"], later["drawn"], later["error"]) == (204, resumed["drawn"], None), version


def test_a_page_s_stop_button_stops(site: Site, clients: Clients) -> None:
    """The page keeps what it drew, and so does the service."""

    def stopped(driver: Driver) -> Any:
        return driver.ask("stop", api=site.chat, chat=str(uuid4()), text=QUESTION, stop_at=CUT_AT)

    done = at_once({version: partial(stopped, driver) for version, driver in clients.use_chats().items()})
    for version, told in done.items():
        kept = kept_turn(site.folder, told["messages"][-1]["id"])
        assert kept.outcome == "cancelled", version
        assert kept.answer.startswith(told["drawn"][-1]["text"]), version
        assert (told["statuses"][-1], told["error"]) == ("ready", None), version
