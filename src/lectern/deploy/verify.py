"""Ask the Space itself: is it well, and does it answer? Over HTTP, as a reader does, through a noisy edge."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from lectern.deploy.errors import FAILED, LATER, DeployError
from lectern.deploy.rollout import Clock

QUESTION: Final = "What is this documentation about?"

_AGAIN_SECONDS: Final = 2.0
_ANSWER_SECONDS: Final = 150.0
"""As REQUEST_TIMEOUT_SECONDS: the server ends a request by then."""
_NOISE: Final = frozenset({404, 408, 429, 500, 502, 503, 504})
"""What the edge answers, in HTML, while a Space starts, and now and then while it runs (8 to 23 % of requests on a bad
day). A 404 is a private Space's before its host is known everywhere."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the Space said.

    Attributes:
        status: Of `/health`: healthy or degraded.
        version: Lectern's.
        message: The answer's text.
        sources: How many sections it names.
    """

    status: str
    version: str
    message: str
    sources: int


class Verifier:
    """Asks one Space.

    Args:
        host: As the Hub names it, https://….
        token: The Hub's token, for a private Space only; the edge asks for it and the app sees it.
        clock: Time.
    """

    def __init__(self, host: str, *, token: str | None, clock: Clock) -> None:
        local = urlsplit(host).hostname in ("127.0.0.1", "localhost")
        self._headers = {"authorization": f"Bearer {token}"} if token and (local or host.startswith("https:")) else {}
        self._host, self._clock = host.rstrip("/"), clock

    def wake(self) -> None:
        """Call the app once, whatever it says."""
        with self._client(5.0) as client:
            try:
                client.get("/health")
            except httpx2.HTTPError:
                return

    def verify(self, question: str, deadline: float) -> Answer:
        """Read `/health`, then ask one question.

        Raises:
            DeployError: The app does not answer before the deadline, or answers with an error of its own.
        """
        with self._client(30.0) as client:
            health = self._json(lambda: client.get("/health"), "/health", deadline)
        with self._client(_ANSWER_SECONDS) as client:
            answer = self._json(lambda: client.post("/chat", json={"message": question}), "/chat", deadline)
        message = answer.get("message")
        if not isinstance(message, str) or not message.strip():
            raise DeployError(f"{self._host}/chat gave no answer: is Lectern what runs there?", FAILED)
        return Answer(str(health.get("status")), str(health.get("version")), message, len(answer.get("sources") or ()))

    def _client(self, timeout_seconds: float) -> httpx2.Client:
        return httpx2.Client(base_url=self._host, headers=self._headers, timeout=timeout_seconds)

    def _json(self, call: Callable[[], httpx2.Response], path: str, deadline: float) -> dict[str, Any]:
        """The JSON object that a call answers, tried again while only the edge speaks."""
        while True:
            last = "no connection"
            try:
                response = call()
                body = _object(response)
                if response.status_code == httpx2.codes.OK and body is not None:
                    return body
                last = f"status {response.status_code}"
                retryable = body is not None and bool(body.get("retryable"))
                if body is not None and not retryable:
                    said = body.get("detail") or body.get("message") or body.get("title") or "no reason given"
                    raise DeployError(f"{self._host}{path} answers {last}: {str(said)[:300]}", FAILED)
                if response.status_code not in _NOISE and not retryable:
                    raise DeployError(f"{self._host}{path} answers {last}, and no JSON: what runs there?", FAILED)
            except httpx2.HTTPError as error:
                last = type(error).__name__
            if self._clock.now() >= deadline:
                raise DeployError(
                    f"The Hub says that the Space runs, but {self._host}{path} does not answer ({last}). Look at its "
                    "log, then run the same command again.",
                    LATER,
                )
            self._clock.sleep(_AGAIN_SECONDS)


def _object(response: httpx2.Response) -> dict[str, Any] | None:
    """The JSON object in a response; None for the edge's HTML."""
    if "json" not in response.headers.get("content-type", ""):
        return None
    try:
        body = response.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None
