"""The reader's address and scheme behind a proxy, whatever the caller sends."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from lectern.serving.proxies import ProxyHeadersMiddleware

EDGE, STRANGER = ("10.16.3.80", 4711), ("203.0.113.50", 4711)
TRUSTED = ("127.0.0.1", "::1", "10.0.0.0/8")
READER = "106.51.119.248"
Headers = list[tuple[bytes, bytes]]

# A busy machine is no counterexample.
patient = hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=300)


async def seen(
    headers: Headers, *, peer: tuple[str, int] | None = EDGE, kind: str = "http", scheme: str = "http"
) -> tuple[Any, str]:
    """Client and scheme as the app behind it sees them."""
    scope: dict[str, Any] = {"type": kind, "headers": headers, "client": peer, "scheme": scheme}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        taken.append((scope["client"], scope["scheme"]))

    async def never(*_: Any) -> None:
        raise AssertionError("nothing is received or sent")

    taken: list[tuple[Any, str]] = []
    await ProxyHeadersMiddleware(app, trusted=TRUSTED, https_hosts=("acme-docs.hf.space",))(scope, never, never)
    return taken[0]


def forwarded(*lines: str) -> Headers:
    """`X-Forwarded-For`, a header line each."""
    return [(b"x-forwarded-for", line.encode("latin-1")) for line in lines]


ADDRESSES = st.one_of(st.ip_addresses().map(str), st.sampled_from(["10.1.2.3", "127.0.0.1", "::1", "unknown", "", "*"]))
LINES = st.one_of(
    st.lists(ADDRESSES, max_size=5).map(", ".join), st.text(st.characters(max_codepoint=255), max_size=40)
)
OTHERS = st.sampled_from([b"x-real-ip", b"forwarded", b"x-forwarded-host", b"x-client-ip", b"true-client-ip"])


@patient
@given(
    lines=st.lists(LINES, max_size=4),
    others=st.lists(st.tuples(OTHERS, ADDRESSES.map(str.encode)), max_size=3),
    reader=st.ip_addresses(v=4).map(str) | st.sampled_from(["10.9.9.9", "127.0.0.1"]),
    appended=st.booleans(),
)
async def test_what_the_caller_sends_never_changes_the_address(
    lines: list[str],
    others: Headers,
    reader: str,
    appended: bool,  # noqa: FBT001 - drawn
) -> None:
    """The edge's entry decides, as the end of the caller's last line or as a line of its own, and nothing else."""
    lines = [*lines[:-1], f"{lines[-1]}, {reader}"] if appended and lines else [*lines, reader]
    client, _ = await seen(others + forwarded(*lines) + others)
    assert client == (reader, 0)


@patient
@given(lines=st.lists(LINES, max_size=4), proto=st.sampled_from([b"https", b"http", b"x"]))
async def test_a_strangers_headers_change_nothing(lines: list[str], proto: bytes) -> None:
    """From a peer that is no proxy of ours neither address nor scheme is believed; nor where there is no peer."""
    headers = [*forwarded(*lines), (b"x-forwarded-proto", proto)]
    assert await seen(headers, peer=STRANGER) == (STRANGER, "http")
    assert await seen(headers, peer=None) == (None, "http")


@pytest.mark.parametrize(
    ("entry", "client"),
    [
        (READER, (READER, 0)),
        (f" {READER}\t", (READER, 0)),
        (f"{READER}:51234", (READER, 51234)),
        ("2001:DB8::1", ("2001:db8::1", 0)),
        ("[2001:db8::1]", ("2001:db8::1", 0)),
        ("[2001:db8::1]:443", ("2001:db8::1", 443)),
        (f"::ffff:{READER}", (READER, 0)),
        ("", EDGE),
        (f"{READER},", EDGE),
        ("unknown", EDGE),
        ("_hidden", EDGE),
        ("999.1.1.1", EDGE),
        (f"{READER}:", EDGE),
        (f"{READER}:port", EDGE),
        (f"[{READER}]", EDGE),
        ("[2001:db8::1", EDGE),
        ("fe80::1%eth0", EDGE),
        ("\u0661.2.3.4", EDGE),
        (f"{READER} 198.51.100.1", EDGE),
    ],
)
async def test_the_last_entry_is_an_address_or_nothing(entry: str, client: tuple[str, int]) -> None:
    """Ports and brackets are understood; what is no address leaves the peer, and no earlier entry steps in."""
    headers = [(b"x-forwarded-for", b"198.51.100.1, " + entry.encode())]
    assert (await seen(headers))[0] == client


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "10.255.0.1", "::ffff:10.1.2.3"])
async def test_peers_are_compared_as_addresses(peer: str) -> None:
    """A network holds its addresses, also where a dual-stack socket writes them as IPv6."""
    assert (await seen(forwarded(READER), peer=(peer, 1)))[0] == (READER, 0)


async def test_a_peer_without_an_address_is_no_proxy() -> None:
    """A Unix socket's peer has no address to be believed by."""
    assert (await seen(forwarded(READER), peer=("", 0)))[0] == ("", 0)


@pytest.mark.parametrize(
    ("protos", "kind", "before", "after"),
    [
        ([b"https"], "http", "http", "https"),
        ([b"HTTPS"], "http", "http", "https"),
        ([b"http, https"], "http", "http", "https"),
        ([b"https", b"http"], "http", "http", "http"),
        ([b"http"], "http", "https", "http"),
        ([b"javascript"], "http", "http", "http"),
        ([b""], "http", "http", "http"),
        ([b"https"], "websocket", "ws", "wss"),
    ],
)
async def test_the_scheme_is_the_last_the_proxy_said(protos: list[bytes], kind: str, before: str, after: str) -> None:
    """Either http or https, in the words of the protocol; anything else is not taken."""
    headers = [(b"x-forwarded-proto", proto) for proto in protos]
    assert (await seen(headers, kind=kind, scheme=before))[1] == after


@pytest.mark.parametrize(
    ("host", "scheme"),
    [
        (b"acme-docs.hf.space", "https"),
        (b"Acme-Docs.HF.space:443", "https"),
        (b"acme-docs.hf.space.evil.example", "http"),
        (b"localhost:7860", "http"),
    ],
)
async def test_a_spaces_host_is_https_whatever_is_said(host: bytes, scheme: str) -> None:
    """The edge ends TLS and may say nothing of it, or http."""
    for peer in (EDGE, STRANGER):
        for said in ([], [(b"x-forwarded-proto", b"http")]):
            assert (await seen([(b"host", host), *said], peer=peer))[1] == scheme


def test_a_proxy_that_is_no_address_is_refused() -> None:
    """A name or a mistyped network fails when the server is made, not at the first request."""
    with pytest.raises(ValueError, match=r"10\.0\.0\.1/8"):
        ProxyHeadersMiddleware(None, trusted=["10.0.0.1/8"])  # type: ignore[arg-type]


async def test_other_kinds_of_scope_pass() -> None:
    """The lifespan has neither client nor headers."""
    passed = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        passed.append(scope)

    await ProxyHeadersMiddleware(app, trusted=TRUSTED)({"type": "lifespan"}, app, app)
    assert passed == [{"type": "lifespan"}]
