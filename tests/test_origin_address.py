"""Origins and patterns of them: what is read, what is one, and what is refused with which advice."""

import re

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from lectern.origin_address import Origin, OriginPattern, normal, read

# A busy machine is no counterexample.
patient = hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize(
    ("written", "one"),
    [
        ("https://docs.example.org", "https://docs.example.org"),
        ("https://docs.example.org/", "https://docs.example.org"),
        ("HTTPS://Docs.Example.ORG:443", "https://docs.example.org"),
        ("http://docs.example.org:80/", "http://docs.example.org"),
        ("http://docs.example.org:443", "http://docs.example.org:443"),
        ("https://docs.example.org:8443", "https://docs.example.org:8443"),
        ("https://Bücher.example", "https://xn--bcher-kva.example"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("http://[0:0:0:0:0:0:0:1]:3000", "http://[::1]:3000"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("https://*-Team.vercel.app/", "https://*-team.vercel.app"),
        ("https://book-*-team.vercel.app", "https://book-*-team.vercel.app"),
        ("https://*.docs.example.org:443", "https://*.docs.example.org"),
        ("https://*.docs.example.org:8443", "https://*.docs.example.org:8443"),
        ("https://preview-*.example.co.uk", "https://preview-*.example.co.uk"),
        ("https://*.my-book.pages.dev", "https://*.my-book.pages.dev"),
        ("https://*.bücher.example", "https://*.xn--bcher-kva.example"),
    ],
)
def test_what_people_write_has_one_form(written: str, one: str) -> None:
    """Case, default ports, a last slash and the alphabet of a name make no difference; a port does."""
    assert normal(written) == one
    assert normal(one) == one


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("*", "list your sites"),
        ("null", "every sandboxed frame"),
        ("NULL", "every sandboxed frame"),
        ("docs.example.org", "write https://docs.example.org"),
        ("localhost:3000", "the scheme is missing"),
        ("//docs.example.org", "the scheme is missing"),
        ("ftp://docs.example.org", "only http and https"),
        ("https://docs.example.org/intro", "write https://docs.example.org"),
        ("https://docs.example.org//", "write https://docs.example.org"),
        ("https://docs.example.org?x=1", "write https://docs.example.org"),
        ("https://docs.example.org#top", "write https://docs.example.org"),
        ("https://reader:word@docs.example.org", "write https://docs.example.org"),
        ("https://", "not an origin"),
        ("https://docs..example.org", "empty part"),
        ("https://docs.example.org.", "empty part"),
        ("https://docs.example.org:99999", "cannot be read"),
        ("https://docs example.org", "not an origin"),
        ("http://localhost:*", "a port has no pattern"),
        ("https://*", "no domain after"),
        ("https://*.com", "anybody can register a name under com"),
        ("https://*.co.uk", "anybody can register a name under co.uk"),
        ("https://*-team.com", "anybody can register a name under com"),
        ("https://*vercel.app", "anybody can register a name under app"),
        ("https://*.vercel.app", "as https://*-team.vercel.app"),
        ("https://*.github.io", "as https://*-team.github.io"),
        ("https://*.hf.space", "as https://*-team.hf.space"),
        ("https://*a.vercel.app", "as https://*-team.vercel.app"),
        ("https://*-.vercel.app", "as https://*-team.vercel.app"),
        ("https://book-*.vercel.app", "as https://*-team.vercel.app"),
        ("https://*.localhost", "anybody can register a name under localhost"),
        ("https://a.*.app", "first part of the host"),
        ("https://*.*.example.org", "first part of the host"),
        ("https://*-*.example.org", "first part of the host"),
        ("https://*.docs.example.org:*", "a port has no pattern"),
        ("http://*.docs.example.org", "https only"),
        ("https://*.168.1.1", "cannot be read"),
        ("https://bü*.example.org", "first part of the host"),
    ],
)
def test_what_is_no_origin_of_ones_own_is_refused(written: str, advice: str) -> None:
    """Each refusal names the entry, and says why or what to write."""
    with pytest.raises(ValueError, match=re.escape(advice)) as caught:
        normal(written)
    assert str(caught.value).startswith(repr(written))


@pytest.mark.parametrize(
    ("origin", "matched"),
    [
        ("https://a-team.vercel.app", True),
        ("https://book-git-main-team.vercel.app", True),
        ("https://-team.vercel.app", False),
        ("https://team.vercel.app", False),
        ("https://a.b-team.vercel.app", False),
        ("https://a-team.vercel.app.evil.example", False),
        ("https://a-teamXvercel.app", False),
        ("https://a_b-team.vercel.app", False),
        ("https://a-team.vercel.app:8443", False),
        ("http://a-team.vercel.app", False),
    ],
)
def test_a_pattern_stands_for_a_part_of_one_label(origin: str, matched: bool) -> None:  # noqa: FBT001 - a table's column
    """The * is letters, digits and hyphens, at least one; everything else is as written, from end to end."""
    pattern = read("https://*-team.vercel.app")
    assert isinstance(pattern, OriginPattern)
    assert pattern.matches(Origin.parse(origin)) is matched


@patient
@given(st.text(max_size=40))
def test_only_one_label_of_the_owners_domain_ever_matches(text: str) -> None:
    """Whatever is put before the domain, what matches ends in it, and adds one label without a dot."""
    pattern = OriginPattern.parse("https://*.docs.example.org")
    try:
        origin = Origin.parse(f"https://{text}.docs.example.org")
    except ValueError:
        return
    label = origin.host.removesuffix(".docs.example.org")
    assert pattern.matches(origin) is (re.fullmatch("[a-z0-9-]+", label) is not None and origin.port is None)


@patient
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but a ValueError comes of a header that is no origin; what is read has one form."""
    try:
        origin = Origin.parse(text)
    except ValueError:
        return
    assert Origin.parse(str(origin)) == origin
