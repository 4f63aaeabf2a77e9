"""How Qdrant's server is reached: address, proxy, key, and answers that are none."""

from typing import Any

import pytest
from tests.web_server import Answer, running_web

from lectern.adapters.qdrant_index import QdrantConnection
from lectern.adapters.qdrant_index.transport import Transport
from lectern.errors import IndexUnavailable

LISTED = Answer(body={"result": {"collections": [{"name": "docs"}]}})


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://x.cloud.qdrant.io", "https://x.cloud.qdrant.io:6333"),
        ("https://x.cloud.qdrant.io:443", "https://x.cloud.qdrant.io:443"),
        ("http://localhost:7000/", "http://localhost:7000"),
        ("http://[::1]", "http://[::1]:6333"),
        ("https://proxy.example/qdrant", "https://proxy.example:6333/qdrant"),
        ("https://proxy.example:443/qdrant/", "https://proxy.example:443/qdrant"),
    ],
)
def test_the_port_is_the_one_in_the_url(url: str, address: str) -> None:
    """A written port is used, 443 too; without one it is Qdrant's own."""
    assert Transport(url).address == address


async def test_the_key_goes_with_each_call_to_the_path_in_the_url() -> None:
    """A server behind a path of its proxy is asked there, on one connection, until it is closed."""
    with running_web({"GET /qdrant/collections": LISTED}) as web:
        connection = QdrantConnection(f"{web.url}/qdrant", api_key="hunter2")
        for _ in range(2):
            assert await connection.read(lambda client: client.collections()) == ["docs"]
            await connection.close()
        assert [headers["api-key"] for _, headers in web.seen] == ["hunter2"] * 2


async def test_the_environments_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the login in its address; NO_PROXY excepts a host."""
    with running_web({"GET http://qdrant.example:6333/collections": LISTED, "GET /collections": LISTED}) as web:
        monkeypatch.setenv("http_proxy", web.url.replace("//", "//aladdin:sesame@"))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        for url in ("http://qdrant.example", web.url):
            connection = QdrantConnection(url)
            assert await connection.read(lambda client: client.collections()) == ["docs"]
            await connection.close()
        (_, through), (_, straight) = web.seen
    assert through["proxy-authorization"] == "Basic YWxhZGRpbjpzZXNhbWU="
    assert "proxy-authorization" not in straight


async def test_a_redirect_is_not_followed() -> None:
    """The key goes to the configured address and nowhere else."""
    with running_web({"GET /elsewhere": LISTED}) as other:
        moved = Answer(307, headers={"Location": f"{other.url}/elsewhere"})
        with running_web({"GET /collections": moved}) as web:
            connection = QdrantConnection(web.url, api_key="hunter2")
            with pytest.raises(IndexUnavailable):
                await connection.read(lambda client: client.collections())
            await connection.close()
        assert other.seen == []


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"null", b'"result"', {}, {"result": None}, {"result": {"collections": [{}]}}]
)
async def test_garbage_is_an_unavailable_index(body: Any) -> None:
    """Whatever answers with 200 and is no Qdrant: the error is ours, and its cause is kept."""
    with running_web({"GET /collections": Answer(body=body)}) as web:
        connection = QdrantConnection(web.url)
        with pytest.raises(IndexUnavailable) as caught:
            await connection.read(lambda client: client.collections())
        await connection.close()
    assert caught.value.__cause__ is not None


async def test_what_json_cannot_say_is_never_sent() -> None:
    """A vector with a number that is none ends here, as an unavailable index, and the server is not asked."""
    with running_web({}) as web:
        connection = QdrantConnection(web.url)
        vectors = {"00000000-0000-0000-0000-000000000000": {"meaning": [float("nan")]}}
        with pytest.raises(IndexUnavailable):
            await connection.write(lambda client: client.update_vectors("docs", vectors))
        await connection.close()
        assert web.seen == []
