"""Readers: they open the page, ask, read the stream, follow up, search, and some leave half-way.

    locust -f loadtests/locustfile.py --headless -u 50 -r 25 -t 60s --host http://localhost:7860

`make load` does that and starts what it needs. Each streamed turn makes one line a milestone in the report:
`chat: accepted`, `chat: sources`, `chat: first_token`, `chat: done`, each in milliseconds since the question. A stream
that ends without its last event is a failure of `chat: done`. At the end the promises of `SLO` (a file, by default
slo.toml) decide the exit code. `THINK=a,b` is how long a reader thinks between two questions, in seconds.

Locust is a closed loop: a slow server is asked less. It is for scenarios; `openloop.py` measures.
"""

import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from locust import FastHttpUser, between, constant, events, task
from locust.env import Environment

from loadtests import reading, slo
from loadtests.turn import EVENT_STREAM, Turn

_THINK = tuple(float(part) for part in os.environ.get("THINK", "1,4").split(","))
_SLO = Path(os.environ.get("SLO", slo.DEFAULT))
_LEAVES, _FOLLOWS_UP = 0.1, 0.4
_AGENT = "lectern-loadtest"

Complaint = Callable[[dict[str, Any]], str]


class Reader(FastHttpUser):
    """A person in front of the site."""

    weight = 100
    wait_time = between(*_THINK)
    default_headers = {"User-Agent": _AGENT}  # noqa: RUF012 - locust's own attribute

    @task(6)
    def ask_and_read(self) -> None:
        """Ask, read what streams in, and perhaps follow up; some leave half-way."""
        if random.random() < _LEAVES:
            self._stream(random.choice(reading.QUESTIONS), leave_after=3)
            return
        session = self._stream(random.choice(reading.QUESTIONS))
        if session and random.random() < _FOLLOWS_UP:
            self._stream(random.choice(reading.FOLLOW_UPS), session)

    @task(2)
    def ask_for_json(self) -> None:
        """Ask as a front end that does not stream."""
        self._post("/chat", reading.chat(random.choice(reading.QUESTIONS)), reading.chat_complaint, "/chat as JSON")

    @task(2)
    def search(self) -> None:
        """Search without an answer."""
        self._post("/search", reading.search(random.choice(reading.QUESTIONS)), reading.search_complaint, "/search")

    @task(1)
    def open_page(self) -> None:
        """Open the chat page."""
        self.client.get("/", headers={"Accept": "text/html"}, name="/ (page)")

    def _post(self, path: str, body: dict[str, Any], complaint: Complaint, name: str) -> None:
        with self.client.post(path, json=body, name=name, catch_response=True) as response:
            if response.status_code == 200 and (wrong := complaint(response.json())):  # noqa: PLR2004 - HTTP
                response.failure(wrong)

    def _stream(self, question: str, session: str | None = None, leave_after: int | None = None) -> str | None:
        """Ask and read the stream; the conversation's id if the answer was whole."""
        turn, started = Turn(), time.perf_counter()
        headers = {"Accept": EVENT_STREAM, "Accept-Encoding": "identity", "Content-Type": "application/json"}
        body = reading.chat(question, session)
        with self.client.post(
            "/chat", json=body, headers=headers, name="/chat as a stream", stream=True, catch_response=True
        ) as response:
            if response.status_code != 200:  # noqa: PLR2004 - HTTP
                return None
            try:
                for frame in iter(lambda: response.stream.readline(b"\n\n"), b""):
                    if milestone := turn.take(frame.removesuffix(b"\n\n")):
                        self._milestone(milestone, started)
                    if leave_after is not None and turn.tokens >= leave_after:
                        return None
            except Exception as error:  # noqa: BLE001 - whatever ended the stream is what is reported
                self._milestone("done", started, f"broken after {len(turn.events)} events: {type(error).__name__}")
                return None
            finally:
                response.stream.release()
        if turn.complaint:
            self._milestone("done", started, turn.complaint)
            return None
        return turn.session

    def _milestone(self, name: str, started: float, complaint: str = "") -> None:
        milliseconds = (time.perf_counter() - started) * 1000
        self.environment.events.request.fire(
            request_type="SSE",
            name=f"chat: {name}",
            response_time=milliseconds,
            response_length=0,
            exception=RuntimeError(complaint) if complaint else None,
            context={},
        )


class Prober(FastHttpUser):
    """Asks twice a second how the service is."""

    fixed_count = 1
    wait_time = constant(0.5)
    default_headers = {"User-Agent": _AGENT}  # noqa: RUF012 - locust's own attribute

    @task
    def health(self) -> None:
        """Ask `/health`."""
        self.client.get("/health", name="/health")


@events.quitting.add_listener  # type: ignore[untyped-decorator] # locust leaves it so
def judge(environment: Environment, **_: object) -> None:
    """Hold the run against its promises; the exit code says whether they were kept."""
    entries = {entry.name: entry for entry in environment.stats.entries.values()}

    def percentile(name: str, percent: float) -> float | None:
        entry = entries.get(name)
        if entry is None or not entry.num_requests:
            return None
        return float(entry.get_response_time_percentile(percent / 100))

    verdicts = slo.judge(slo.load(_SLO), environment.stats.total.num_failures, percentile)
    for verdict in verdicts:
        print(f"{'kept  ' if verdict.kept else 'BROKEN'}  {verdict.text}: {verdict.measured}", file=sys.stderr)
    environment.process_exit_code = 0 if all(verdict.kept for verdict in verdicts) else 1
