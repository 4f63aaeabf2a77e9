"""What axe-core finds: nothing serious, in light and dark, on the chat page and on a page with the widget open."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from tests.browser.conftest import Visitor
from tests.browser.servers import Site
from tests.browser.test_chat_page import ask
from tests.browser.test_widget import open_widget, put_on


def serious(page: Page) -> list[str]:
    """The serious and critical violations, each with its first element."""
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [
        f"{violation['id']}: {violation['nodes'][0]['html']}"
        for violation in found
        if violation["impact"] in {"serious", "critical"}
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/?embed=1"])
def test_the_chat_page_has_no_serious_violation(visitor: Visitor, lectern: str, path: str, scheme: str) -> None:
    """Before a question and with an answer that holds code, sources and quotes."""
    page = visitor.page(width=380, height=620, scheme=scheme)
    page.goto(f"{lectern}{path}")
    assert serious(page) == []
    ask(page, "How do I run the pump from a script?")
    expect(page.locator("ol.sources")).to_be_visible()
    assert serious(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_indexed_page_has_no_serious_violation(visitor: Visitor, lectern: str, scheme: str) -> None:
    """Its headings, links and code can be read by everybody."""
    page = visitor.page(scheme=scheme)
    page.goto(f"{lectern}/pages/guide/pump")
    assert serious(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_widget_has_no_serious_violation(visitor: Visitor, lectern: str, site: Site, scheme: str) -> None:
    """Closed and open, on a page that is otherwise in order."""
    page = visitor.page(scheme=scheme)
    page.goto(put_on(site, lectern, html='lang="en"'))
    assert serious(page) == []
    open_widget(page)
    assert serious(page) == []
