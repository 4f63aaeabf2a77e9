"""Who may call, by which rule, and what is said when that is nobody."""

import pytest

from lectern.web.origins import OriginRules

LISTED = (
    "https://docs.example.org",
    "https://www.book.example",
    "https://*-team.vercel.app",
    "http://lan.example:8080",
)
SPACE = OriginRules(LISTED, space_hosts=("acme-docs.hf.space", "ask.example.org"))
LAPTOP = OriginRules(development=True)


@pytest.mark.parametrize(
    "origin", ["http://localhost", "http://localhost:3000", "http://127.0.0.1:5173", "http://[::1]:8080"]
)
def test_this_machine_may_call_in_development_only(origin: str) -> None:
    """Any port of localhost on a laptop; on a Space it would be a visitor's machine, unless it is listed."""
    assert LAPTOP.judge(origin).rule == "localhost in development"
    assert not SPACE.judge(origin).allowed
    assert "development only" in SPACE.hint(origin)
    assert OriginRules([origin]).judge(origin).rule == f"exact {origin}"


@pytest.mark.parametrize(
    "origin", ["https://localhost.evil.example", "http://127.0.0.2", "http://localhost.evil.example"]
)
def test_only_this_machine_is_this_machine(origin: str) -> None:
    """A name that begins like it is another."""
    assert not LAPTOP.judge(origin).allowed


@pytest.mark.parametrize(
    ("origin", "host", "scheme", "own"),
    [
        ("http://lectern.test:7860", "lectern.test:7860", "http", True),
        ("https://lectern.test", "Lectern.test", "https", True),
        ("https://lectern.test", "lectern.test:443", "https", True),
        ("https://lectern.test", "lectern.test", "http", True),  # TLS ends at a proxy that nobody told us of
        ("http://lectern.test", "lectern.test", "https", False),
        ("http://lectern.test:3000", "lectern.test:7860", "http", False),
        ("http://evil.example", "lectern.test", "http", False),
        ("null", "null", "http", False),
        ("http://lectern.test", "", "http", False),
    ],
)
def test_a_page_of_the_server_itself_may_call(origin: str, host: str, scheme: str, own: bool) -> None:  # noqa: FBT001
    """Host and port are the request's; over https no page over http is the server's."""
    assert OriginRules().judge(origin, host=host, scheme=scheme).allowed is own


@pytest.mark.parametrize(
    ("origin", "hint"),
    [
        ("http://docs.example.org", "https://docs.example.org is allowed; http and https are two origins."),
        ("https://lan.example:8080", "http://lan.example:8080 is allowed; https and http are two origins."),
        ("https://www.docs.example.org", "https://docs.example.org is allowed; a name with www and one without are"),
        ("https://book.example", "https://www.book.example is allowed; a name with www"),
        ("https://docs.example.org/", "https://docs.example.org is allowed; an origin ends before the first slash"),
        ("https://docs.example.org/intro?x", "https://docs.example.org is allowed; an origin ends before"),
        ("https://docs.example.org:8443", "https://docs.example.org is allowed; another port is another origin."),
        ("http://lan.example", "http://lan.example:8080 is allowed; another port"),
        ("docs.example.org", "https://docs.example.org is allowed; an origin begins with its scheme."),
        ("https://x.a-team.vercel.app", "https://a-team.vercel.app is allowed; a * stands for one part of a name"),
        ("http://ask.example.org", "https://ask.example.org is allowed; http and https"),
        ("null", "Sandboxed frames and local files are null"),
        ("https://evil.example", "Add it to CORS_ALLOWED_ORIGINS if it is a site of yours."),
        ("://", "Add it"),
        ("", "Add it"),
        ("https://" + "x" * 60_000, "Add it"),
    ],
)
def test_what_is_nearly_right_is_said(origin: str, hint: str) -> None:
    """The usual slips are named with the origin that is allowed; a stranger would have to be listed."""
    assert not SPACE.judge(origin).allowed
    assert SPACE.hint(origin).startswith(hint)
