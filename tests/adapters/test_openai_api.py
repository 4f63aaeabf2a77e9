"""What a provider's failures mean, and what making a provider costs."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lectern.adapters.openai_api import OpenAIProvider, Outcome, retry_after, translate
from lectern.errors import LecternError, UpstreamRejected, UpstreamTimeout, UpstreamUnavailable


def status_error(status: int, body: object = None, headers: dict[str, str] | None = None) -> openai.APIStatusError:
    """The SDK's error for a status."""
    request = httpx2.Request("POST", "http://provider/v1/chat/completions")
    return openai.APIStatusError("told", response=httpx2.Response(status, request=request, headers=headers), body=body)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TimeoutError(), UpstreamTimeout),
        (httpx2.ReadTimeout("x"), UpstreamTimeout),
        (httpx2.ReadError("x"), UpstreamUnavailable),
        (httpx2.InvalidURL("x"), UpstreamUnavailable),
        (ConnectionResetError(), UpstreamUnavailable),
        (ValueError("x"), UpstreamUnavailable),
        (openai.OpenAIError("x"), UpstreamUnavailable),
        (status_error(302), UpstreamRejected),
        (status_error(422), UpstreamRejected),
        (status_error(429), UpstreamUnavailable),
        (status_error(429, {"code": "insufficient_quota"}), UpstreamRejected),
        (status_error(502), UpstreamUnavailable),
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
    for body, note in (
        ({"code": "invalid_api_key", "message": "Incorrect key: sk-1"}, "status 401 (invalid_api_key)"),
        ({"code": "Incorrect key: sk-1"}, "status 401"),
        ("sk-1", "status 401"),
    ):
        with pytest.raises(UpstreamRejected), outcome.translated():
            raise status_error(401, body)
        assert outcome.describe().note == note


def test_a_defect_of_ours_is_not_blamed_on_the_provider() -> None:
    """What no provider causes passes through."""
    outcome = Outcome("llm", "language model", "kind")
    with pytest.raises(AssertionError), outcome.translated():
        raise AssertionError
    assert outcome.describe().state == "unknown"


def test_making_a_provider_opens_nothing() -> None:
    """A provider made before a fork has no client yet; the host it shows holds no secret of the address."""
    provider = OpenAIProvider(base_url="http://user:password@localhost:1234/v1", api_key="k")
    assert provider._client is None
    assert provider.host == "localhost:1234"


def test_the_first_call_imports_nothing_new_of_the_sdk() -> None:
    """All that a call needs of the SDK is loaded with the adapters, before the fork."""
    code = """
import sys, asyncio, ssl
from lectern.adapters.openai_api import OpenAIProvider
from lectern.adapters.openai_embeddings import OpenAIEmbeddings
from lectern.adapters.openai_llm import OpenAILLM
from lectern.ports import Message, Prompt
before = set(sys.modules)
async def main():
    provider = OpenAIProvider(base_url='http://127.0.0.1:9/v1', api_key=None, tls=ssl.create_default_context())
    for call in (
        anext(OpenAILLM(provider, model='m').stream(Prompt('q', (), (Message('user', 'q'),)))),
        OpenAIEmbeddings(provider, model='m').embed(['x'], purpose='query'),
    ):
        try:
            await call
        except Exception as error:
            print(type(error).__name__)
    await provider.close()
asyncio.run(main())
vendors = ('openai', 'httpcore2', 'httpx2', 'aiohttp', 'yarl')
print(sorted(name for name in set(sys.modules) - before if name.startswith(vendors)))
"""
    printed = subprocess.check_output([sys.executable, "-c", code], text=True, timeout=60).splitlines()
    assert printed == ["UpstreamUnavailable", "UpstreamUnavailable", "[]"]
