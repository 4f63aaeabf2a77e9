"""Who asks, over the real app: the order of what a request may carry, the visitor's cookie, and what each kind may."""

import logging
import re
from collections.abc import Callable

import httpx2
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from tests.identities import COOKIE, ListedPeople
from tests.scripted import FixedIndex, ScriptedLLM, hits
from tests.web.callers import with_callers

from lectern.adapters.sql_store import SqlStore
from lectern.app import create_app
from lectern.config import Settings
from lectern.errors import LoginUnavailable, StoreUnavailable
from lectern.ports import MOST_CREDENTIAL_CHARACTERS, IdentitySource, Ports
from lectern.principal import Principal

ADMIN = "operator-token-0123456789"
SECRET = "a-secret-of-at-least-32-characters"
ANN, BEN = Principal("user", "ann"), Principal("account", "ben")
TOKENS = {"listed-ann": ANN, "listed-ben": BEN}
BEARER = {"Authorization": "Bearer listed-ann"}
HTTPS = "https://lectern.test"

Make = Callable[..., httpx2.AsyncClient]


@pytest.fixture
def make(store: SqlStore, settings: Settings) -> Make:
    """Makes a client of the real app with these sources of identities; it keeps cookies as a browser does."""

    def make(
        *sources: IdentitySource, url: str = HTTPS, client: str = "203.0.113.7", **given: object
    ) -> httpx2.AsyncClient:
        changed = settings.model_copy(update={"admin_token": SecretStr(ADMIN), "secret_key": SecretStr(SECRET)} | given)
        ports = Ports(store=store, index=FixedIndex(hits()), llm=ScriptedLLM(), identities=sources)
        app: FastAPI = with_callers(create_app(changed, ports))
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False, client=(client, 1))
        return httpx2.AsyncClient(transport=transport, base_url=url)

    return make


async def who(client: httpx2.AsyncClient, **headers: str) -> str:
    """The id of who asks with these headers, or the status of the refusal."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    response = await client.get("/whoami", headers=sent)
    return str(response.json()["id"]) if response.status_code == 200 else str(response.status_code)


async def test_a_token_goes_before_cookies_and_cookies_before_a_visitor(make: Make) -> None:
    """Each is looked at only when the ones before it are not there."""
    client = make(ListedPeople(TOKENS))
    assert (await who(client)).startswith("visitor:")
    assert await who(client, cookie=f"{COOKIE}=listed-ben") == "account:ben"
    assert await who(client, cookie=f"{COOKIE}=listed-ben", **BEARER) == "user:ann"
    assert await who(client, X_Lectern_Authorization="Bearer listed-ben", **BEARER) == "account:ben"


async def test_sources_are_asked_in_their_order(make: Make) -> None:
    """The first that knows the token says who it is, and none after it is asked."""
    first, second = ListedPeople({"one-x": ANN}, prefix="one-"), ListedPeople({"two-x": BEN}, prefix="two-")
    client = make(first, second)
    assert await who(client, Authorization="Bearer two-x") == "account:ben"
    assert (first.asked, second.asked) == (["two-x"], ["two-x"])
    assert await who(client, Authorization="Bearer one-x") == "user:ann"
    assert second.asked == ["two-x"]


@pytest.mark.parametrize(
    "token", ["listed-nobody", "of another kind", "other", "", "x" * (MOST_CREDENTIAL_CHARACTERS + 1), "x" * 16384]
)
@pytest.mark.parametrize("header", ["Authorization", "X-Lectern-Authorization"])
async def test_a_token_that_is_not_valid_is_refused(make: Make, header: str, token: str) -> None:
    """401 in a problem body that repeats nothing of it, also beside a good cookie, and without a visitor's cookie."""
    client = make(ListedPeople(TOKENS))
    headers = {header: f"Bearer {token}", "Cookie": f"{COOKIE}=listed-ben"}
    response = await client.get("/whoami", headers=headers)
    assert (response.status_code, response.json()["error"]) == (401, "unauthorized")
    assert response.headers["www-authenticate"] == "Bearer"
    assert "set-cookie" not in response.headers
    assert not token or token not in response.text


async def test_what_can_be_nobody_s_token_is_not_looked_up(make: Make) -> None:
    """Sources are asked neither about tokens of 16 KB nor about one of two."""
    source = ListedPeople(TOKENS)
    client = make(source)
    assert await who(client, Authorization=f"Bearer {'x' * 16384}") == "401"
    twice = [("Authorization", "Bearer listed-ann"), ("Authorization", "Bearer listed-ben")]
    assert (await client.get("/whoami", headers=twice)).status_code == 401
    await who(client, Cookie=f"a=1; {COOKIE}={'x' * 9000}")
    assert source.asked == ["cookies a"]


async def test_cookies_that_are_not_valid_make_a_visitor(make: Make) -> None:
    """A browser sends what is stale for ever; its reader can still ask."""
    client = make(ListedPeople(TOKENS))
    for cookie in (
        f"{COOKIE}=listed-gone",
        f"{COOKIE}=",
        "a",
        "=;=;;",
        f"{COOKIE}=\xff",
        f"__Host-lectern_visitor={'x' * 5000}",
    ):
        raw = [(b"cookie", cookie.encode("latin-1"))]
        response = await client.get("/whoami", headers=raw)
        assert response.status_code == 200, cookie
        assert response.json()["id"].startswith("visitor:")


async def test_on_a_space_the_hub_s_token_is_no_reader_s(make: Make) -> None:
    """Behind a private Space's edge a reader without credentials of Lectern's is a visitor; elsewhere it is refused."""
    space = make(ListedPeople(TOKENS), space_id="acme/docs")
    assert (await who(space, Authorization="Bearer hf_abc")).startswith("visitor:")
    assert await who(space, Authorization="Bearer hf_abc", X_Lectern_Authorization="Bearer listed-ann") == "user:ann"
    assert await who(make(ListedPeople(TOKENS)), Authorization="Bearer hf_abc") == "401"


async def test_the_operator_is_known_by_its_token(make: Make) -> None:
    """Without any source being asked; a token that only begins or ends like it is nobody's."""
    source = ListedPeople(TOKENS)
    client = make(source)
    assert await who(client, Authorization=f"Bearer {ADMIN}") == "operator:operator"
    assert source.asked == []
    for wrong in (f"{ADMIN}x", ADMIN[:-1], ADMIN.upper()):
        assert await who(client, Authorization=f"Bearer {wrong}") == "401"
    assert await who(make(admin_token=None), Authorization=f"Bearer {ADMIN}") == "401"


@pytest.mark.parametrize(
    ("headers", "signed_in", "operator"),
    [
        ({}, 401, 401),
        ({"Authorization": "Bearer listed-ann"}, 200, 403),
        ({"Cookie": f"{COOKIE}=listed-ben"}, 200, 403),
        ({"Authorization": f"Bearer {ADMIN}"}, 403, 200),
        ({"Authorization": "Bearer listed-gone"}, 401, 401),
    ],
)
async def test_what_each_kind_may(make: Make, headers: dict[str, str], signed_in: int, operator: int) -> None:
    """Readers have what is theirs, the operator has what is the operator's, and neither has the other's."""
    client = make(ListedPeople(TOKENS))
    assert (await client.get("/signed-in", headers=headers)).status_code == signed_in
    assert (await client.get("/operator", headers=headers)).status_code == operator


async def test_without_an_operator_there_is_nothing_of_an_operator(make: Make) -> None:
    """404 for all alike, a token that no source knows included."""
    client = make(ListedPeople(TOKENS), admin_token=None)
    for headers in ({}, BEARER, {"Authorization": f"Bearer {ADMIN}"}, {"Authorization": "Bearer "}):
        assert (await client.get("/operator", headers=headers)).status_code == 404


@pytest.mark.parametrize("error", [LoginUnavailable, StoreUnavailable])
@pytest.mark.parametrize("headers", [BEARER, {"Cookie": f"{COOKIE}=listed-ann"}])
async def test_while_it_cannot_be_told_who_asks_a_reader_is_a_visitor_with_a_reason(
    make: Make, error: type[LoginUnavailable], headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """Where anybody may ask the answer is given; what is a reader's own is 503, to be asked again."""
    client = make(ListedPeople(TOKENS, trouble=error()))
    with caplog.at_level(logging.WARNING):
        body = (await client.get("/whoami", headers=headers)).json()
    assert body["id"].startswith("visitor:")
    assert body["trouble"] == error.code
    refused = await client.get("/signed-in", headers=headers)
    assert (refused.status_code, refused.json()["error"]) == (503, error.code)
    assert refused.json()["retryable"] is True
    assert "login cannot tell who asks" in caplog.text
    assert "listed-ann" not in caplog.text


async def test_a_source_that_cannot_tell_leaves_it_to_the_others(make: Make) -> None:
    """Somebody another source knows is not troubled by it; nor is who carries nothing."""
    down = ListedPeople({}, prefix="", trouble=LoginUnavailable())
    client = make(down, ListedPeople(TOKENS))
    body = (await client.get("/whoami", headers=BEARER)).json()
    assert (body["id"], body["trouble"]) == ("user:ann", None)
    assert await who(client, Authorization="Bearer listed-gone") == "401"
    assert (await make(down).get("/whoami")).json()["trouble"] is None


async def test_it_is_settled_once_a_request(make: Make) -> None:
    """However many dependencies ask, the sources are asked once and all hear the same."""
    source = ListedPeople(TOKENS)
    client = make(source)
    assert (await client.get("/signed-in", headers=BEARER)).json() == {"id": "user:ann", "once": True}
    assert source.asked == ["listed-ann"]
    assert (await client.get("/whoami")).json()["once"] is True


@pytest.mark.parametrize(
    ("url", "name"), [(HTTPS, "__Host-lectern_visitor"), ("http://lectern.test", "lectern_visitor")]
)
async def test_a_visitor_is_given_a_cookie_once_and_known_by_it(make: Make, url: str, name: str) -> None:
    """The first answer has it, the next ones have none and the same reader."""
    client = make(url=url)
    first = await client.get("/whoami")
    assert first.json()["is_new"] is True
    assert first.headers["set-cookie"].partition("=")[0] == name
    shown = {"Cookie": first.headers["set-cookie"].partition(";")[0]}
    second = await client.get("/whoami", headers=shown)
    assert second.json() == first.json() | {"is_new": False}
    assert "set-cookie" not in second.headers


async def test_a_cookie_of_http_is_not_believed_over_https(make: Make) -> None:
    """Whoever stands on the way of http could have planted it."""
    plain = await make(url="http://lectern.test").get("/whoami")
    shown = {"Cookie": plain.headers["set-cookie"].partition(";")[0]}
    assert (await make(url=HTTPS).get("/whoami", headers=shown)).json()["is_new"] is True


@pytest.mark.parametrize(
    ("path", "status"), [("/whoami", 200), ("/stream", 200), ("/missing", 404), ("/defect", 500), ("/signed-in", 401)]
)
async def test_every_answer_to_a_visitor_has_the_cookie(make: Make, path: str, status: int) -> None:
    """A stream and an error too; and none of them may be kept on the way, by one header that says so."""
    response = await make().get(path)
    assert response.status_code == status
    assert response.headers["set-cookie"].startswith("__Host-lectern_visitor=")
    assert response.headers.get_list("cache-control") == ["private, no-store"]


async def test_a_body_that_is_wrong_is_refused_with_the_cookie(make: Make) -> None:
    """Who sends nonsense is counted like anybody else."""
    response = await make().post("/body", json={"number": "x"})
    assert response.status_code == 422
    assert "set-cookie" in response.headers


@pytest.mark.parametrize("headers", [BEARER, {"Cookie": f"{COOKIE}=listed-ben"}, {"Authorization": f"Bearer {ADMIN}"}])
async def test_who_is_known_gets_no_visitor_s_cookie(make: Make, headers: dict[str, str]) -> None:
    """And its answers are its own."""
    response = await make(ListedPeople(TOKENS)).get("/whoami", headers=headers)
    assert "set-cookie" not in response.headers
    assert response.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize("path", ["/", "/health", "/health/ready", "/widget.js", "/docs", "/nowhere"])
async def test_what_does_not_ask_who_it_is_gives_no_cookie(make: Make, path: str) -> None:
    """A reader who only reads is given no id."""
    assert "set-cookie" not in (await make().get(path)).headers


async def test_a_secret_that_was_replaced_still_knows_its_visitors(make: Make) -> None:
    """As long as it is among the fallbacks; they are signed again at once."""
    first = await make().get("/whoami")
    shown = {"Cookie": first.headers["set-cookie"].partition(";")[0]}
    new = SecretStr(SECRET[::-1])
    rotated = await make(secret_key=new, secret_key_fallbacks=SecretStr(SECRET)).get("/whoami", headers=shown)
    assert rotated.json()["id"] == first.json()["id"]
    assert rotated.json()["is_new"] is False
    renewed = {"Cookie": rotated.headers["set-cookie"].partition(";")[0]}
    assert await who(make(secret_key=new), **renewed) == first.json()["id"]
    assert await who(make(secret_key=new), **shown) != first.json()["id"]


@pytest.mark.parametrize(
    ("client", "address"), [("203.0.113.7", "203.0.113.7"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("unix", "")]
)
async def test_the_caller_s_address_is_the_reader_s(make: Make, client: str, address: str) -> None:
    """As the server knows it; of IPv6 the network."""
    assert (await make(client=client).get("/whoami")).json()["address"] == address


async def test_behind_a_trusted_proxy_the_address_is_the_last_it_names(make: Make) -> None:
    """And never one that the caller has written before it."""
    headers = {"X-Forwarded-For": "198.51.100.9, ::ffff:203.0.113.8"}
    assert (await make(client="127.0.0.1").get("/whoami", headers=headers)).json()["address"] == "203.0.113.8"
    assert (await make(client="192.0.2.1").get("/whoami", headers=headers)).json()["address"] == "192.0.2.1"


async def test_no_token_or_cookie_is_logged(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    """Whether it is good, wrong, or too long; nor is the reader's address."""
    client = make(ListedPeople(TOKENS))
    with caplog.at_level(logging.DEBUG):
        for token in ("listed-ann", "listed-gone", ADMIN, f"{ADMIN}x", "y" * 9000):
            await client.get("/whoami", headers={"Authorization": f"Bearer {token}", "Cookie": "secret-cookie=hunter2"})
    lines = [record for record in caplog.records if record.name.startswith("lectern")]
    assert lines
    said = " ".join(f"{record.getMessage()} {vars(record)}" for record in lines)
    assert not re.search(rf"listed-(ann|gone)|{ADMIN}|yyy|hunter2|203\.0\.113\.7", said)
