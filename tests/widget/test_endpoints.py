"""The chat page and the widget's script, as they are served; `tests/browser` uses them."""

import re

from tests.conftest import Client

MOST_BYTES = 5 * 1024
"""The widget is on every page of a site, so its size is a promise."""

MOST_PAGE_BYTES = 28 * 1024
"""The chat page is loaded when a reader opens it; 9 KB when it is compressed, as a proxy in front does."""


async def test_the_widget_is_a_small_script_that_any_site_may_load(client: Client) -> None:
    """A browser of another site takes it as a script, and keeps it for minutes."""
    response = await client.get("/widget.js")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"
    assert response.headers["cache-control"] == "public, max-age=300"
    assert len(response.content) < MOST_BYTES
    assert not re.search(r"\beval\b|innerHTML|new Function", response.text)


async def test_the_chat_page_is_small(client: Client) -> None:
    """All of it comes in one answer, and nothing after it."""
    page = await client.get("/", headers={"Accept": "text/html"})
    assert len(page.content) < MOST_PAGE_BYTES
    assert not re.search(r"""(?:src|href)=["'](?!data:,)[^"'$]""", page.text)


async def test_the_widget_is_sent_again_only_when_it_has_changed(client: Client) -> None:
    """Its entity tag answers 304, weak or in a list; another one gets the script."""
    tag = (await client.get("/widget.js")).headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        again = await client.get("/widget.js", headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (await client.get("/widget.js", headers={"If-None-Match": '"other"'})).status_code == 200
    assert (await client.head("/widget.js")).headers["etag"] == tag


async def test_every_script_and_style_of_the_chat_page_is_in_its_policy(client: Client) -> None:
    """The parts are put into the page before they are hashed, and none is left out."""
    page = await client.get("/", headers={"Accept": "text/html"})
    assert "{{" not in re.sub(r"<script>.*?</script>", "", page.text, flags=re.DOTALL)
    policy = page.headers["content-security-policy"]
    assert policy.count("'sha256-") == page.text.count("<script>") + page.text.count("<style>") == 5
    assert "unsafe" not in policy
