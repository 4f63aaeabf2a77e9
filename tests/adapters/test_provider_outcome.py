"""What a provider's failures mean, and what is told of them."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lectern.adapters.provider import StatusError
from lectern.adapters.provider_outcome import Outcome, retry_after, translate
from lectern.errors import LecternError, UpstreamRejected, UpstreamTimeout, UpstreamUnavailable


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TimeoutError(), UpstreamTimeout),
        (aiohttp.ConnectionTimeoutError("x"), UpstreamTimeout),
        (aiohttp.ServerDisconnectedError("x"), UpstreamUnavailable),
        (aiohttp.ClientPayloadError("x"), UpstreamUnavailable),
        (aiohttp.InvalidURL("x"), UpstreamUnavailable),
        (ConnectionResetError(), UpstreamUnavailable),
        (ValueError("x"), UpstreamUnavailable),
        (StatusError(302), UpstreamRejected),
        (StatusError(422), UpstreamRejected),
        (StatusError(429), UpstreamUnavailable),
        (StatusError(429, code="insufficient_quota"), UpstreamRejected),
        (StatusError(502), UpstreamUnavailable),
    ],
)
def test_failures(error: Exception, kind: type[LecternError]) -> None:
    """Each failure has one meaning; an empty account is not worth a retry."""
    known = translate(error, "language model")
    assert type(known) is kind
    assert known.message.startswith("The language model ")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("0", 0), ("7", 7), ("1.5", 1.5), (None, None), ("", None), ("soon", None), ("-3", None), ("nan", None)],
)
def test_retry_after_in_seconds(value: str | None, seconds: float | None) -> None:
    """Seconds are seconds, and nonsense is nothing."""
    assert retry_after(value) == seconds


def test_retry_after_as_a_date() -> None:
    """A date in the future is the time until then; one in the past is now."""
    moment = datetime.now(UTC) + timedelta(minutes=10)
    assert retry_after(format_datetime(moment, usegmt=True)) == pytest.approx(600, abs=60)
    assert retry_after(format_datetime(moment - timedelta(days=1), usegmt=True)) == 0


@given(st.text())
def test_any_retry_after(value: str) -> None:
    """No header breaks the error it comes with."""
    seconds = retry_after(value)
    assert seconds is None or seconds >= 0


def test_only_a_plain_code_is_shown() -> None:
    """The operator sees a provider's code when it is one, never its prose."""
    outcome = Outcome("llm", "language model", "kind")
    for code, note in (
        ("invalid_api_key", "status 401 (invalid_api_key)"),
        ("Incorrect key: sk-1", "status 401"),
        ("", "status 401"),
    ):
        with pytest.raises(UpstreamRejected), outcome.translated():
            raise StatusError(401, code=code, complaint="Incorrect key: sk-1")
        assert outcome.describe().note == note


def test_a_defect_of_ours_is_not_blamed_on_the_provider() -> None:
    """What no provider causes passes through."""
    outcome = Outcome("llm", "language model", "kind")
    with pytest.raises(AssertionError), outcome.translated():
        raise AssertionError
    assert outcome.describe().state == "unknown"
