"""Which hosts are looked at, by the settings that name them."""

import pytest
from pydantic import SecretStr

from lectern.config import Settings
from lectern.database_address import normal
from lectern.ops.network import SPACE_PORTS
from lectern.wiring.remotes import endpoints, through_proxy


def settings(**given: object) -> Settings:
    """Settings by name, and nothing of this machine's."""
    return Settings(_env_file=None, **given)  # type: ignore[arg-type] # settings by name


def places(**given: object) -> dict[str, str]:
    """`name → host:port` of each endpoint."""
    return {endpoint.name: endpoint.place for endpoint in endpoints(settings(**given))}


def test_nothing_configured_calls_nobody() -> None:
    """The default address of the model API counts only with a key."""
    assert places() == {}


def test_each_part_is_looked_at_where_it_listens() -> None:
    """The ports are those that the parts' own clients take: 6333 for Qdrant without one, 5432 for Postgres, 6379."""
    assert places(
        openai_api_key=SecretStr("sk-x"),
        openai_fallback_model="m",
        openai_fallback_base_url="http://models.example:8000/v1",
        cohere_api_key=SecretStr("co-x"),
        qdrant_url="https://x.cloud.qdrant.io",
        redis_url=SecretStr("rediss://default:p@redis.example"),
        database_url=SecretStr(normal("postgres://u:p@ep-x-pooler.eu.aws.neon.tech/x?sslmode=require")),
        better_auth_url="https://login.example.org/api/auth",
    ) == {
        "model API": "api.openai.com:443",
        "second model API": "models.example:8000",
        "Cohere": "api.cohere.com:443",
        "Qdrant": "x.cloud.qdrant.io:6333",
        "Redis": "redis.example:6379",
        "Postgres": "ep-x-pooler.eu.aws.neon.tech:5432",
        "Better Auth": "login.example.org:443",
    }


def test_a_host_that_serves_two_parts_is_looked_at_once() -> None:
    """Under the name of the first."""
    one = "http://127.0.0.1:9000"
    assert places(openai_base_url=f"{one}/v1", cohere_api_key=SecretStr("x"), cohere_base_url=one) == {
        "model API": "127.0.0.1:9000"
    }


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"redis_url": SecretStr("redis://:p@x.example")}, ("listens on 443", "counts limits for itself")),
        ({"qdrant_url": "https://x.example"}, (":443 in QDRANT_URL", "if it listens there")),
        (
            {"database_url": SecretStr("postgresql://u:p@x.neon.tech/x")},
            ("pooled address included", "listens on 443", "run Lectern where 5432 is let out"),
        ),
    ],
)
def test_a_port_that_spaces_do_not_document_has_its_way_out(given: dict[str, object], words: tuple[str, ...]) -> None:
    """What can be done, and no more than is known."""
    [endpoint] = endpoints(settings(**given))
    assert endpoint.port not in SPACE_PORTS
    assert all(word in endpoint.blocked for word in words)


@pytest.mark.parametrize(
    ("variables", "through"),
    [
        ({}, False),
        ({"https_proxy": "http://u:secret@proxy.example:3128"}, True),
        ({"https_proxy": "proxy.example:3128"}, True),
        ({"http_proxy": "http://proxy.example:3128"}, False),
        ({"https_proxy": "http://proxy.example:3128", "no_proxy": "api.cohere.com"}, False),
    ],
)
def test_a_proxy_stands_for_the_host(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], *, through: bool
) -> None:
    """As the clients read the environment; its password is not told."""
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    [endpoint] = endpoints(settings(cohere_api_key=SecretStr("x")))
    finding = through_proxy(endpoint)
    assert (finding is not None) == through
    if finding is not None:
        assert "through the proxy proxy.example:3128" in finding.found
        assert "secret" not in finding.found
