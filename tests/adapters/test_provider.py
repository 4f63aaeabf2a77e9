"""A provider's connections, over real HTTP: what is sent, what is kept, what a refusal says."""

import ssl
import subprocess
import sys
from base64 import b64encode

import pytest
from tests.stub_process import Stub
from tests.web_server import Answer, running_web

from lectern.adapters.provider import Provider, StatusError

BODY = {"model": "stub-embed", "input": ["words"]}


def provider_at(url: str, key: str | None = "sk-secret") -> Provider:
    """A provider at an address."""
    return Provider(base_url=url, api_key=key, tls=ssl.create_default_context())


def test_making_a_provider_opens_nothing() -> None:
    """A provider made before a fork has no connection yet; the host it shows holds no secret of the address."""
    provider = provider_at("http://user:password@localhost:1234/v1")
    assert provider._session is None
    assert provider.host == "localhost:1234"


async def test_the_key_is_a_bearer_token() -> None:
    """The key goes with every call; without one, nothing does."""
    with running_web({"POST /v1/embeddings": Answer(body={"data": []})}) as web:
        for key in ("sk-secret", None):
            provider = provider_at(f"{web.url}/v1", key)
            assert await provider.post("/embeddings", BODY) == {"data": []}
            await provider.close()
        sent = [headers.get("authorization") for _, headers in web.seen]
    assert sent == ["Bearer sk-secret", None]


async def test_a_user_and_password_in_the_address() -> None:
    """They are sent as such, decoded, instead of the key."""
    with running_web({"GET /v1/models": Answer(body={"data": []})}) as web:
        provider = provider_at(web.url.replace("://", "://me:p%40ss@") + "/v1/")
        await provider.get("/models")
        await provider.close()
        [(_, headers)] = web.seen
    assert headers["authorization"] == f"Basic {b64encode(b'me:p@ss').decode()}"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"error": {"code": "invalid_api_key", "message": "no"}}, "invalid_api_key"),
        ({"error": {"code": 7}}, ""),
        ({"error": "no"}, ""),
        (["no"], ""),
        (b"<html>", ""),
        (b"", ""),
        (b"[" * 10_000, ""),
    ],
)
async def test_a_refusal_says_why(body: object, code: str) -> None:
    """The status, the provider's code, what it said and when to come again are there, whatever the body is."""
    with running_web({"POST /v1/x": Answer(429, body, {"Retry-After": "7"})}) as web:
        provider = provider_at(f"{web.url}/v1")
        with pytest.raises(StatusError) as caught:
            await provider.post("/x", BODY)
        await provider.close()
    assert (caught.value.status, caught.value.code, caught.value.retry_after) == (429, code, "7")
    assert str(caught.value) == "status 429"


async def test_a_long_refusal_is_not_read_to_its_end() -> None:
    """What a refusal says is kept only as far as it can say why."""
    with running_web({"POST /v1/x": Answer(400, b"x" * 10_000_000)}) as web:
        provider = provider_at(f"{web.url}/v1")
        with pytest.raises(StatusError) as caught:
            await provider.post("/x", BODY)
        await provider.close()
    assert len(caught.value.complaint) < 1_000_000


async def test_no_redirect_is_followed() -> None:
    """A key is never carried to where a server points."""
    with running_web({"POST /v1/x": Answer(307, headers={"Location": "/elsewhere"})}) as web:
        provider = provider_at(f"{web.url}/v1")
        with pytest.raises(StatusError, match="status 307"):
            await provider.post("/x", BODY)
        await provider.close()
        assert [request for request, _ in web.seen] == ["POST /v1/x"]


async def test_no_cookie_is_kept() -> None:
    """What one reader's call brings is not sent with another's."""
    with running_web({"GET /v1/models": Answer(body={}, headers={"Set-Cookie": "who=me"})}) as web:
        provider = provider_at(f"{web.url}/v1")
        await provider.get("/models")
        await provider.get("/models")
        await provider.close()
        assert all("cookie" not in headers for _, headers in web.seen)


async def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """`HTTP_PROXY` is asked for what is not on this machine, and `NO_PROXY` is heard."""
    with running_web({"GET http://model.invalid/v1/models": Answer(body={"data": [1]})}) as web:
        monkeypatch.setenv("http_proxy", web.url)
        provider = provider_at("http://model.invalid/v1")
        assert await provider.get("/models") == {"data": [1]}
        await provider.close()
        monkeypatch.setenv("no_proxy", "model.invalid")
        with pytest.raises(OSError, match=r"model\.invalid"):
            await provider.get("/models")
        await provider.close()


async def test_connections_are_used_again(stub: Stub) -> None:
    """Calls one after another share a connection."""
    provider = provider_at(stub.base_url)
    await provider.post("/embeddings", BODY)
    before = stub.stats()["connections"]
    for _ in range(3):
        await provider.post("/embeddings", BODY)
    assert stub.stats()["connections"] <= before + 1  # the one is the question for the numbers
    await provider.close()


def test_the_first_call_imports_nothing_new() -> None:
    """All that a call needs is loaded with the adapters, before the fork."""
    code = """
import sys, asyncio, ssl, uvloop
from lectern.adapters.openai_embeddings import OpenAIEmbeddings
from lectern.adapters.openai_llm import OpenAILLM
from lectern.adapters.provider import Provider
from lectern.ports import Message, Prompt
before = set(sys.modules)
async def main():
    provider = Provider(base_url='http://127.0.0.1:9/v1', api_key=None, tls=ssl.create_default_context())
    for call in (
        anext(OpenAILLM(provider, model='m').stream(Prompt('q', (), (Message('user', 'q'),)))),
        OpenAIEmbeddings(provider, model='m').embed(['x'], purpose='query'),
    ):
        try:
            await call
        except Exception as error:
            print(type(error).__name__)
    await provider.close()
uvloop.run(main())
vendors = ('aiohttp', 'yarl', 'multidict', 'propcache', 'frozenlist', 'lectern')
print(sorted(name for name in set(sys.modules) - before if name.startswith(vendors)))
"""
    printed = subprocess.check_output([sys.executable, "-c", code], text=True, timeout=60).splitlines()
    assert printed == ["UpstreamUnavailable", "UpstreamUnavailable", "[]"]
