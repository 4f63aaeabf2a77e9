"""What no client makes, over bare sockets: bytes that are no text, numbers no machine holds, headers twice."""

import json
import re
import socket
from contextlib import suppress
from typing import Any, Final

import httpx2
import pytest
from tests.fuzz.callers import OPERATOR_TOKEN
from tests.serving.servers import Served

pytestmark = pytest.mark.process

HUGE: Final = "9" * 400
ANSWERED: Final = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n(.*?)\r\n\r\n(.*)", re.DOTALL)

PATHS: Final = (
    "%00",
    "%ff%fe",
    "%ED%A0%80",  # half a character, which UTF-8 forbids
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..%5c..%5c",
    "%F0%9F%98%80" * 50,
    "-1",
    HUGE,
    "%0d%0aSet-Cookie:%20a=b",
    "{id}",
    "%25%32%65",
    "0" * 5000,
)
QUERIES: Final = (
    f"limit={HUGE}&offset={HUGE}",
    "limit=-1&offset=-1",
    "limit=1e400&offset=nan",
    "limit=%00&offset=%00&format=%00&site=%00",
    "limit=1&limit=2&offset=1&offset=2&format=text&format=json",
    "limit=9223372036854775808&offset=9223372036854775807",
    "%ff=%ff&&&=&;",
    "limit=%D9%A1&offset=%EF%BC%91",  # digits of other scripts
)
HEADERS: Final = (
    b"Authorization: Bearer\r\n",
    b"Authorization: Bearer \xff\xfe\r\n",
    b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n",
    b"Authorization: Basic dXNlcjpwYXNz\r\n",
    b"Authorization: Bearer " + b"e" * 16_000 + b"\r\n",
    b"Authorization: Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.\r\n",
    b"X-Lectern-Authorization: Bearer \xc3\xa9\r\n",
    b"Cookie: =; ;;; a=\xff; better-auth.session_token=%00%ff.%zz\r\n",
    b"Cookie: " + b"better-auth.session_token=x; " * 400 + b"\r\n",
    b"Origin: null\r\n",
    b"Origin: https://a.example\r\nOrigin: https://b.example\r\n",
    b"Origin: \xff\r\n",
    b"Accept: " + b"text/html," * 500 + b"\r\n",
    b"Content-Type: application/json; charset=\xff\r\n",
    b"X-Forwarded-For: \xff, 1.2.3.4.5, [::\r\nX-Forwarded-Proto: gopher\r\n",
    b"X-Request-ID: \xe2\x80\xae\r\nReferer: http://[\r\n",
    b"Last-Event-ID: " + HUGE.encode() + b"\r\n",
    b"If-None-Match: \xff,,,W/\r\n",
    b"Host: \xff\r\n",
)
_TEXT: Final = ("message", "query", "title", "email", "password", "name", "comment", "text")
BODIES: Final = (
    b"",
    b"null",
    b"[]",
    b"{",
    b"\xef\xbb\xbf{}",
    '{"message": "x"}'.encode("utf-16"),
    b"\xff\xfe\x00",
    b"[" * 100_000,
    b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    b'{"message": "\\ud800", "query": "\\udfff", "title": "\\ud800", "email": "\\ud800@x.example", "name": "\\ud800"}',
    json.dumps(dict.fromkeys(_TEXT, "a\x00b")).encode(),
    json.dumps(dict.fromkeys(_TEXT, "\u202e\u0000\ufeff\u200d")).encode(),
    json.dumps(dict.fromkeys(_TEXT, " " * 20_000)).encode(),
    json.dumps(dict.fromkeys(_TEXT, "e\u0301" * 20_000)).encode(),
    json.dumps(dict.fromkeys(_TEXT, ["x"] * 100)).encode(),
    b'{"message": "x", "message": 1, "query": "x", "query": null}',
    f'{{"query": "x", "top_k": {HUGE}, "rating": {HUGE}, "limit": {HUGE}}}'.encode(),
    b'{"query": "x", "top_k": 1e400, "rating": NaN, "limit": -Infinity}',
    b'{"query": "x", "top_k": 9223372036854775808, "rating": 9223372036854775808}',
    b'{"message": "x", "session_id": "' + b"0" * 36 + b'"}',
    b'{"message": "x", "session_id": "{00000000-0000-0000-0000-000000000000}", "site": "\\u0000"}',
)


def ask(service: Served, head: bytes, body: bytes = b"") -> tuple[int, bytes, bytes]:
    """`(status, head, body)` of the answer to these very bytes."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=60) as connection:
        answer = b""
        # A body that is refused by its length is not read, so the connection ends with a reset behind the answer, which
        # may come while the body is still on its way.
        with suppress(ConnectionError):
            connection.sendall(head + b"Connection: close\r\n\r\n" + body)
        with suppress(ConnectionError):
            while part := connection.recv(65_536):
                answer += part
    found = ANSWERED.match(answer)
    assert found is not None, (head[:200], answer[:200])
    return int(found[1]), found[2], found[3]


def operations(service: Served) -> list[tuple[str, str, dict[str, Any]]]:
    """`(method, path, operation)` of the whole API."""
    document = httpx2.get(f"http://127.0.0.1:{service.port}/openapi.json").json()
    return [(verb.upper(), path, how) for path, ways in document["paths"].items() for verb, how in ways.items()]


def check(path: str, seen: tuple[int, bytes, bytes], what: object) -> None:
    """No 5xx, and for every error that reached the app a problem, or what the protocol of its path has for one."""
    status, head, body = seen
    assert status < 500, (what, seen)
    if status >= 400 and b"x-request-id" in head.lower():
        if path.startswith("/v1/") and b"application/json" in head.lower():
            assert json.loads(body)["error"].keys() == {"message", "type", "param", "code"}, (what, seen)
        elif path.startswith("/api/chat") and b"text/plain" in head.lower():
            assert 0 < len(body) < 300, (what, seen)
        else:
            assert b"application/problem+json" in head.lower(), (what, seen)
            assert json.loads(body)["status"] == status, (what, seen)


def test_odd_addresses(service: Served, runs: list[str]) -> None:
    """Whatever stands in a path or a query, it is answered, or refused with a problem."""
    count = 0
    for method, path, _ in operations(service):
        places = {re.sub(r"\{[^}]*\}", lambda _, odd=odd: odd, path) for odd in PATHS}  # type: ignore[misc]
        for target in sorted(places) + [f"{re.sub(r'[{}]', '', path)}?{query}" for query in QUERIES]:
            line = f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {OPERATOR_TOKEN}\r\n"
            if method in {"POST", "PUT", "PATCH"}:
                line += "Content-Type: application/json\r\nContent-Length: 0\r\n"
            check(path, ask(service, line.encode()), line[:300])
            count += 1
    runs.append(f"odd addresses: {count} requests")


def test_odd_headers(service: Served, runs: list[str]) -> None:
    """Whatever stands in a header, twice or too long, it is answered, or refused with a problem."""
    count = 0
    for method, path, _ in operations(service):
        target = re.sub(r"\{[^}]*\}", "x", path)
        for header in HEADERS:
            host = b"" if header.startswith(b"Host") else b"Host: localhost\r\n"
            head = f"{method} {target} HTTP/1.1\r\n".encode() + host + header
            body = b'{"message": "x", "query": "x"}' if method in {"POST", "PUT", "PATCH"} else b""
            head += f"Content-Length: {len(body)}\r\n".encode() if body else b""
            head += b"Content-Type: application/json\r\n" if body and b"Content-Type" not in header else b""
            check(path, ask(service, head, body), (method, path, header[:80]))
            count += 1
    runs.append(f"odd headers: {count} requests")


def test_odd_bodies(service: Served, runs: list[str]) -> None:
    """Whatever a body holds, it is answered, or refused with a problem; nothing of it reaches a log as a traceback."""
    count = 0
    for method, path, _ in operations(service):
        if method in {"GET", "DELETE"}:
            continue
        target = re.sub(r"\{[^}]*\}", "00000000-0000-4000-8000-000000000000", path)
        for body in BODIES:
            head = (
                f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n"
            )
            check(path, ask(service, head.encode(), body), (method, path, body[:80]))
            count += 1
    runs.append(f"odd bodies: {count} requests")
    assert "Traceback" not in service.log
