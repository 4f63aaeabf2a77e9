"""A start, timed from outside; and the client that asks until it is answered."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from loadtests.bench.row import Options
from loadtests.bench.rows import start


@pytest.mark.process
def test_a_start_is_timed_to_its_first_answers() -> None:
    """Both times are there, and neither is shorter than what the service itself says its imports took."""
    [repetition] = start.ROW.measure(Options(repeat=1, scale=0.1))
    assert repetition.values.keys() == {figure.name for figure in start.ROW.figures}
    own = repetition.detail["startup_seconds"]
    assert isinstance(own, dict)
    assert all(own["imports"] < seconds < 60 for seconds in repetition.values.values())


class _Waking(BaseHTTPRequestHandler):
    """Says 503 twice, and breaks off once, before it answers."""

    replies: Iterator[int]

    def do_POST(self) -> None:
        status = next(self.replies)
        if status:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_a_client_asks_until_it_gets_a_200() -> None:
    """Refused connections, other statuses and broken answers are all asked again; the moment is that of the 200."""
    port = start._free_port()
    _Waking.replies = iter((503, 0, 503, 200))
    asked = []

    def serve() -> None:
        time.sleep(0.1)
        with HTTPServer(("127.0.0.1", port), _Waking) as server:
            for _ in range(4):
                server.handle_request()

    thread = threading.Thread(target=serve)
    began = time.monotonic()
    thread.start()
    answered = start.until_answered(port, "/chat", b"{}", lambda: asked.append(1))
    thread.join(10)
    assert began + 0.1 <= answered <= time.monotonic()
    assert len(asked) >= 4
    assert next(_Waking.replies, None) is None


def test_nobody_asks_a_service_that_has_ended() -> None:
    """What `alive` raises ends the asking."""

    def ended() -> None:
        raise RuntimeError("It did not start")

    with pytest.raises(RuntimeError, match="It did not start"):
        start.until_answered(start._free_port(), "/health", None, ended)


@pytest.mark.process
def test_a_service_that_cannot_start_is_told_with_its_own_words() -> None:
    """A wrong setting ends the start; the message is the service's."""
    with (
        pytest.raises(RuntimeError, match=r"It did not start(?s:.*)WEB_CONCURRENCY"),
        start._started({"WEB_CONCURRENCY": "none", "PORT": "0"}) as (_, alive),
    ):
        start.until_answered(start._free_port(), "/health", None, alive)
