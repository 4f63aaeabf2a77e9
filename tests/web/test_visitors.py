"""Visitors' ids: given out, known again, made up, and over."""

import base64
import re
from http.cookies import SimpleCookie

import pytest

from lectern.keyring import Keyring
from lectern.web.visitors import LONGEST_SECONDS, SECURE_COOKIE, Visitor, Visitors

OLD, NEW = b"an old secret of 32 characters ..", b"a new secret of 32 characters ..."
NOW = 1_800_000_000.0


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock."""
    return Clock()


@pytest.fixture
def visitors(clock: Clock) -> Visitors:
    """Visitors of a server with one secret."""
    return Visitors(Keyring([OLD]), clock=clock)


def value(visitors: Visitors, visitor: Visitor) -> str:
    """What a browser sends back."""
    return visitors.cookie(visitor, secure=True).partition("=")[2].partition(";")[0]


def test_a_visitor_is_known_again(visitors: Visitors) -> None:
    """By the same id, without another cookie."""
    first = visitors.of(None)
    assert first.is_new
    assert re.fullmatch(r"[0-9a-f]{32}", first.id)
    assert visitors.of(value(visitors, first)) == Visitor(first.id, int(NOW))
    assert visitors.of(None).id != first.id


def test_over_https_the_cookie_goes_where_pages_of_other_sites_ask(visitors: Visitors) -> None:
    """Its prefix binds it to this host, and browsers take the prefix only with these attributes."""
    cookie = visitors.cookie(visitors.of(None), secure=True)
    assert cookie.startswith(f"{SECURE_COOKIE}=")
    assert cookie.endswith("; Max-Age=2592000; Path=/; HttpOnly; SameSite=None; Secure; Partitioned")
    assert "domain" not in cookie.lower()


def test_over_http_the_cookie_is_one_that_browsers_keep(visitors: Visitors) -> None:
    """`Secure` and the prefix are for https; on one machine `Lax` is enough, as ports make no other site."""
    cookie = visitors.cookie(visitors.of(None), secure=False)
    assert cookie.startswith("lectern_visitor=")
    assert cookie.endswith("; Max-Age=2592000; Path=/; HttpOnly; SameSite=Lax")
    assert SimpleCookie(cookie)["lectern_visitor"]["httponly"]


def test_an_id_ends_thirty_days_after_it_began(visitors: Visitors, clock: Clock) -> None:
    """However often its reader comes, and the cookie says so to the browser too."""
    first = visitors.of(None)
    shown = value(visitors, first)
    clock.now = NOW + LONGEST_SECONDS - 1
    assert visitors.of(shown).id == first.id
    assert "Max-Age=1;" in visitors.cookie(first, secure=True)
    clock.now = NOW + LONGEST_SECONDS
    after = visitors.of(shown)
    assert after.is_new
    assert after.id != first.id


def test_an_earlier_secret_s_visitor_is_known_and_signed_again(visitors: Visitors, clock: Clock) -> None:
    """The id and its end stay, so that after 30 days the earlier secret is needed no more."""
    first = visitors.of(None)
    shown = value(visitors, first)
    clock.now += 86400
    rotated = Visitors(Keyring([NEW, OLD]), clock=clock)
    again = rotated.of(shown)
    assert again == Visitor(first.id, int(NOW), is_stale=True)
    renewed = value(rotated, again)
    assert rotated.of(renewed) == Visitor(first.id, int(NOW))
    assert Visitors(Keyring([NEW]), clock=clock).of(renewed).id == first.id
    assert Visitors(Keyring([NEW]), clock=clock).of(shown).is_new


def test_what_was_made_up_is_a_stranger_s(visitors: Visitors, clock: Clock) -> None:
    """Another id, another date, another key, cut, too long, or nonsense: no error, and somebody new."""
    first = visitors.of(None)
    id_, born, signature = value(visitors, first).split(".")
    other = value(visitors, visitors.of(None)).split(".")
    padded = base64.urlsafe_b64encode(b"x" * 32).decode()
    forged = [
        f"{other[0]}.{born}.{signature}",
        f"{id_}.{int(NOW) + 1:x}.{signature}",
        f"{id_}.{born}.{other[2]}",
        f"{id_}.{born}.{padded}",
        f"{id_}.{born}",
        f"{id_}.{born}.",
        value(visitors, first)[:-1],
        f"{value(visitors, first)}.{'x' * 16384}",
        value(Visitors(Keyring([NEW]), clock=clock), first),
        *("", ".", "..", "None", "\xff\xfe", "\ud800", id_),
    ]
    for made_up in forged:
        assert visitors.of(made_up).is_new, made_up


def test_a_clock_that_was_wrong_makes_no_lasting_id(visitors: Visitors, clock: Clock) -> None:
    """What another replica gave out some seconds ahead is known; what is from the far future is not."""
    clock.now = NOW + 60
    ahead = value(visitors, visitors.of(None))
    clock.now = NOW + 10 * 365 * 86400
    far = value(visitors, visitors.of(None))
    clock.now = NOW
    assert not visitors.of(ahead).is_new
    assert visitors.of(far).is_new


def test_the_secret_shows_in_no_cookie(visitors: Visitors) -> None:
    """Neither it nor the key that is made from it."""
    cookie = visitors.cookie(visitors.of(None), secure=True)
    for secret in (OLD, Keyring([OLD]).current("visitor")):
        assert secret.hex() not in cookie
        assert base64.urlsafe_b64encode(secret).decode().rstrip("=") not in cookie
