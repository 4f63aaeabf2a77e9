"""An API that speaks OpenAI's language: its client, what its failures mean, and how the last call went.

The SDK retries nothing: whoever calls a port owns that decision. A client is made at its first use, inside the event
loop that uses it; making a provider opens nothing, so it can be done before a fork.
"""

import logging
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2
import openai

# The SDK would load this at its first call; here it is loaded before the fork, and shared by the workers.
import openai.lib._client_auth

from lectern.adapters.openai_frames import NoAnswer
from lectern.adapters.provider_http import make_client, origin, timed_out
from lectern.errors import LecternError, UpstreamRejected, UpstreamTimeout, UpstreamUnavailable
from lectern.ports import Part, State

logger = logging.getLogger(__name__)

FOREIGN = (
    *(openai.OpenAIError, httpx2.HTTPError, httpx2.InvalidURL, OSError, anyio.EndOfStream),
    *(ValueError, TypeError, AttributeError, LookupError, RecursionError),
)
"""What a call to a provider may raise: its failures, then what comes of reading garbage for an answer."""

_OWN_HOST = "api.openai.com"
_STATUS_TIMEOUTS = {408, 504}
_STATUS_TOO_MANY = 429
_STATUS_CONFLICT = 409
_STATUS_SERVER = 500


class OpenAIProvider:
    """One address and key, and the client for them.

    Args:
        base_url: Ends in the version, like `https://api.openai.com/v1`.
        api_key: None for a server that needs none.
        tls: Shared by all clients of a process, because making one costs 20 ms; None makes one.
        connect_timeout_seconds: Time to connect, TLS included.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str | None,
        tls: ssl.SSLContext | None = None,
        connect_timeout_seconds: float = 5,
    ) -> None:
        self.host = urlsplit(base_url).netloc.rpartition("@")[2]
        self.is_openai = self.host == _OWN_HOST
        self._base_url = base_url
        self._api_key = api_key
        self._tls = tls
        self._connect_seconds = connect_timeout_seconds
        self._client: openai.AsyncOpenAI | None = None

    @property
    def client(self) -> openai.AsyncOpenAI:
        """The SDK's client, made at the first use."""
        if self._client is None:
            http = make_client(self._tls, connect_timeout_seconds=self._connect_seconds)
            self._client = openai.AsyncOpenAI(
                # The SDK insists on a key; a server that needs none ignores it.
                api_key=self._api_key or "none",
                base_url=self._base_url,
                max_retries=0,
                timeout=http.timeout,
                http_client=http,
            )
        return self._client

    async def post(self, path: str, body: dict[str, Any]) -> httpx2.Response:
        """One call whose answer is read whole, as it came: the SDK's reading of it makes an object of each part.

        Raises:
            openai.OpenAIError: It failed, or the status is none of success.
        """
        return await self.client.post(path, cast_to=httpx2.Response, body=body)

    async def post_streamed(self, path: str, body: dict[str, Any]) -> httpx2.Response:
        """As `post`, but the answer's body is still to be read, and the caller closes it."""
        # The SDK hands out the bare response when it is asked for one, also of a stream.
        answer: Any = await self.client.post(
            path, cast_to=httpx2.Response, body=body, stream=True, stream_cls=openai.AsyncStream[Any]
        )
        response: httpx2.Response = answer
        return response

    async def close(self) -> None:
        """Close all connections. The provider can be used again."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()


class Outcome:
    """How the last call of one port went, and what its failures are called.

    Args:
        part: The port's name.
        what: What answers, as a message for readers calls it: `language model`.
        kind: What stands behind the port, for `describe`.
    """

    def __init__(self, part: str, what: str, kind: str) -> None:
        self._part = part
        self._what = what
        self._kind = kind
        self._state: State = "unknown"
        self._note = ""

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn the provider's failures into ours, chained to their cause, and remember how the call went."""
        try:
            yield
        except FOREIGN as error:
            self._failed(brief(error))
            raise translate(error, self._what) from error
        if self._state != "ok":
            self._state, self._note = "ok", ""

    def describe(self) -> Part:
        """The port as reports show it, from memory."""
        return Part(self._part, self._kind, self._state, self._note)

    def _failed(self, note: str) -> None:
        if (self._state, self._note) != ("down", note):
            logger.warning("%s (%s): %s", self._part, self._kind, note)
        self._state, self._note = "down", note


def translate(error: Exception, what: str) -> LecternError:
    """The error of ours that a failure means. Its message tells nothing of the key, the request or the answer.

    Args:
        error: One of `FOREIGN`.
        what: What failed, as a reader calls it.
    """
    if timed_out(error):
        return UpstreamTimeout(f"The {what} did not answer in time.")
    if isinstance(error, (openai.APIStatusError, httpx2.HTTPStatusError)):
        status, headers = error.response.status_code, error.response.headers
        if status in _STATUS_TIMEOUTS:
            return UpstreamTimeout(f"The {what} did not answer in time.")
        # An empty account is 429 too, but waiting does not fill it.
        later = status == _STATUS_TOO_MANY and getattr(error, "code", None) != "insufficient_quota"
        if not later and status != _STATUS_CONFLICT and status < _STATUS_SERVER:
            return UpstreamRejected(f"The {what} refused the request.")
        return UpstreamUnavailable(
            f"The {what} is not available right now.", retry_after_seconds=retry_after(headers.get("retry-after"))
        )
    return UpstreamUnavailable(f"The {what} is not available right now.")


def retry_after(value: str | None) -> float | None:
    """Seconds in a `Retry-After` header, which holds seconds or a date; None when it is missing or makes no sense."""
    if not value:
        return None
    try:
        if re.fullmatch(r"\d{1,6}(\.\d*)?", value):
            return float(value)
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def brief(error: Exception) -> str:
    """What happened, for the operator: never the key, nor a text of the provider, which may repeat the request."""
    if isinstance(error, openai.APIStatusError):
        code = error.code if isinstance(error.code, str) and re.fullmatch(r"[\w.-]{1,64}", error.code) else ""
        return f"status {error.status_code}" + (f" ({code})" if code else "")
    if isinstance(error, httpx2.HTTPStatusError):
        return f"status {error.response.status_code}"
    if isinstance(error, NoAnswer):
        return str(error)
    return type(origin(error)).__name__
