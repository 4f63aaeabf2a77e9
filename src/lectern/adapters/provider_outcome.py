"""How the last call to a provider went, what its failures mean, and what they are called."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp

from lectern.adapters.no_answer import NoAnswer
from lectern.adapters.provider import StatusError
from lectern.errors import LecternError, UpstreamRejected, UpstreamTimeout, UpstreamUnavailable
from lectern.ports import Part, State

logger = logging.getLogger(__name__)

FOREIGN = (
    *(StatusError, aiohttp.ClientError, OSError),
    *(ValueError, TypeError, AttributeError, LookupError, RecursionError),
)
"""What a call to a provider may raise: its failures, then what comes of reading garbage for an answer."""

_STATUS_TIMEOUTS = {408, 504}
_STATUS_TOO_MANY = 429
_STATUS_CONFLICT = 409
_STATUS_SERVER = 500


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
    if isinstance(error, TimeoutError):
        return UpstreamTimeout(f"The {what} did not answer in time.")
    if isinstance(error, StatusError):
        status = error.status
        if status in _STATUS_TIMEOUTS:
            return UpstreamTimeout(f"The {what} did not answer in time.")
        # An empty account is 429 too, but waiting does not fill it.
        later = status == _STATUS_TOO_MANY and error.code != "insufficient_quota"
        if not later and status != _STATUS_CONFLICT and status < _STATUS_SERVER:
            return UpstreamRejected(f"The {what} refused the request.")
        return UpstreamUnavailable(
            f"The {what} is not available right now.", retry_after_seconds=retry_after(error.retry_after)
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
    if isinstance(error, StatusError):
        shown = re.fullmatch(r"[\w.-]{1,64}", error.code)
        return f"status {error.status}" + (f" ({error.code})" if shown else "")
    return str(error) if isinstance(error, NoAnswer) else type(error).__name__
