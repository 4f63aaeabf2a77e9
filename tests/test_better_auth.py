"""A real Better Auth, and Lectern beside it: what signs somebody in on the site is known here, and nothing else is.

The server is Better Auth's own code under Node, with its own database; Lectern is the whole app, from its settings.
"""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import jwt
import pytest
from fastapi import Request
from tests.adapters.signing import by_hand, hmac_by_hand
from tests.better_auth_server import Person, cookie_header, running_better_auth
from tests.database_servers import Postgres
from tests.web_server import Answer, running_web

from lectern.adapters.sql_migrations import migrate
from lectern.app import create_app
from lectern.config import Settings
from lectern.ports import Ports
from lectern.web.access import CallerDep

pytestmark = pytest.mark.process

SECRET = "a-secret-of-the-site-of-more-than-32-characters"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Site"]:
    """A site whose Better Auth runs for all tests of this file."""
    file = tmp_path_factory.mktemp("site") / "site.sqlite3"
    with running_better_auth(database=f"sqlite:{file}", secret=SECRET, cache="jwt") as url:
        yield Site(url, file)


class Site:
    """A running Better Auth.

    Attributes:
        url: Where it is.
        file: Its database.
    """

    def __init__(self, url: str, file: Path) -> None:
        self.url = url
        self.file = file

    def rotate(self) -> None:
        """Let the key that signs be over; Better Auth makes another for the next token, and shows both."""
        past = (datetime.now(UTC) - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        self._execute("UPDATE jwks SET expiresAt = ? WHERE expiresAt IS NULL", past)

    def revoke(self) -> None:
        """Forget all keys; Better Auth makes another."""
        self._execute("DELETE FROM jwks")

    def _execute(self, statement: str, *values: str) -> None:
        with closing(sqlite3.connect(self.file, timeout=30)) as connection, connection:
            connection.execute(statement, values)


@asynccontextmanager
async def lectern(folder: Path, **settings: Any) -> AsyncGenerator[httpx2.AsyncClient, None]:
    """The app with these settings, started as a worker starts it, and a route that tells who asks."""
    made = Settings(_env_file=None, data_dir=folder, **settings)
    migrate(made.sqlalchemy_url)
    app = create_app(made)

    @app.get("/who")
    async def who(request: Request, caller: CallerDep) -> dict[str, str]:
        ports: Ports = request.app.state.ports
        if caller.trouble is not None:
            raise caller.trouble
        principal = caller.principal
        for source in ports.identities:
            principal = await source.by_cookies(request.cookies) or principal
        return {"id": principal.id, "name": principal.name, "email": principal.email}

    async with AsyncExitStack() as opened:
        await opened.enter_async_context(app.router.lifespan_context(app))
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
        yield await opened.enter_async_context(httpx2.AsyncClient(transport=transport, base_url="http://lectern.test"))


async def who(client: httpx2.AsyncClient, token: str) -> httpx2.Response:
    """What Lectern says of a bearer token."""
    return await client.get("/who", headers={"Authorization": f"Bearer {token}"})


def told(person: Person) -> dict[str, str]:
    """What Lectern should know of somebody."""
    return {"id": f"user:{person.id}", "name": person.name, "email": person.email}


async def login(client: httpx2.AsyncClient) -> dict[str, str]:
    """The part `login` of /health."""
    part: dict[str, str] = (await client.get("/health")).json()["parts"]["login"]
    return part


async def test_who_signs_up_on_the_site_is_known_here(site: Site, tmp_path: Path) -> None:
    """By the token that the site gives, under Better Auth's id; two people are two."""
    async with lectern(tmp_path, better_auth_url=site.url) as client:
        for person in (Person(site.url), Person(site.url)):
            answer = await who(client, person.token())
            assert (answer.status_code, answer.json()) == (200, told(person))
        assert (await login(client))["state"] == "ok"
        assert "1 key of 127.0.0.1" in (await login(client))["note"]


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
async def test_each_algorithm_of_its_own_is_taken(algorithm: str, tmp_path: Path) -> None:
    """As its jwt plugin can be told; and a base path of its own."""
    database = f"sqlite:{tmp_path / 'site.sqlite3'}"
    with running_better_auth(database=database, secret=SECRET, algorithm=algorithm) as url:
        person = Person(url)
        token = person.token()
        assert jwt.get_unverified_header(token)["alg"] == algorithm
        async with lectern(tmp_path / "lectern", better_auth_url=f"{url}/api/auth") as client:
            assert (await who(client, token)).json() == told(person)


async def test_a_rotated_key_is_followed(site: Site, tmp_path: Path) -> None:
    """A token of the new key is good at once, one of the old is good as long as the site shows its key."""
    async with lectern(tmp_path, better_auth_url=site.url) as client:
        person = Person(site.url)
        old = person.token()
        assert (await who(client, old)).status_code == 200
        site.rotate()
        new = person.token()
        assert jwt.get_unverified_header(new)["kid"] != jwt.get_unverified_header(old)["kid"]
        assert (await who(client, new)).json() == told(person)
        assert (await who(client, old)).json() == told(person)
    site.revoke()
    newest = person.token()
    async with lectern(tmp_path / "another", better_auth_url=site.url) as client:
        assert (await who(client, newest)).status_code == 200
        assert (await who(client, old)).status_code == (await who(client, new)).status_code == 401


async def test_forgeries_of_a_real_token_are_refused(
    site: Site, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each is a 401 that repeats nothing, and the log has nothing of it."""
    person = Person(site.url)
    token = person.token()
    head, body, signature = token.split(".")
    claims = jwt.decode(token, options={"verify_signature": False})
    header = jwt.get_unverified_header(token)
    [key] = [k for k in httpx2.get(f"{site.url}/api/auth/jwks").json()["keys"] if k["kid"] == header["kid"]]
    public = jwt.PyJWK(key).key.public_bytes_raw()
    forged = {
        "none": f"{by_hand({'alg': 'none'}, claims).rpartition('.')[0]}.",
        "HS256 by the public key": hmac_by_hand({"alg": "HS256", "kid": header["kid"]}, claims, public),
        "another's signature": f"{head}.{body}.{Person(site.url).token().split('.')[2]}",
        "no signature": f"{head}.{body}.",
        "cut": token[:-20],
        "cut in the body": token[: len(head) + 20],
        "another algorithm": f"{jwt.encode(claims, 'x' * 64, 'HS256', header | {'alg': 'HS256'})}",
        "oversized": f"{head}.{body * 60}.{signature}",
    }
    async with lectern(tmp_path, better_auth_url=site.url, log_level="debug") as client:
        for name, held in forged.items():
            answer = await who(client, held)
            assert (name, answer.status_code, answer.json()["error"]) == (name, 401, "unauthorized")
            assert held[-20:] not in answer.text
    logged = "".join(capfd.readouterr())
    assert logged.count("GET /who 401") == len(forged)
    assert not [held for held in (person.email, person.name, person.id, body[:60], signature) if held in logged]


async def test_a_token_for_somebody_else_is_refused(tmp_path: Path) -> None:
    """Its audience is another, or its time is over; told the right audience, it is taken."""
    database = f"sqlite:{tmp_path / 'site.sqlite3'}"
    with running_better_auth(database=database, secret=SECRET, audience="https://shop.example.org") as url:
        person = Person(url)
        async with lectern(tmp_path / "a", better_auth_url=url) as client:
            assert (await who(client, person.token())).status_code == 401
        async with lectern(
            tmp_path / "b", better_auth_url=url, better_auth_audience="https://shop.example.org"
        ) as client:
            assert (await who(client, person.token())).status_code == 200
        issuer = {"better_auth_audience": "https://shop.example.org", "better_auth_issuer": "https://other.example.org"}
        async with lectern(tmp_path / "c", better_auth_url=url, **issuer) as client:
            assert (await who(client, person.token())).status_code == 401


async def test_an_expired_token_is_refused(tmp_path: Path) -> None:
    """Better Auth made it for no time at all, an hour ago."""
    with running_better_auth(database=f"sqlite:{tmp_path / 'site.sqlite3'}", secret=SECRET, lifetime="-1h") as url:
        async with lectern(tmp_path / "lectern", better_auth_url=url) as client:
            assert (await who(client, Person(url).token())).status_code == 401


async def test_a_login_host_that_goes_down_is_not_missed(tmp_path: Path) -> None:
    """A token is known by the keys in memory, after a restart by those on disk, and by pinned ones always."""
    with running_better_auth(database=f"sqlite:{tmp_path / 'site.sqlite3'}", secret=SECRET) as url:
        person = Person(url)
        token = person.token()
        pinned = httpx2.get(f"{url}/api/auth/jwks").text
        opened = lectern(tmp_path / "lectern", better_auth_url=url)
        client = await opened.__aenter__()
        assert (await who(client, token)).status_code == 200
    assert (await who(client, token)).json() == told(person)
    await opened.__aexit__(None, None, None)
    async with lectern(tmp_path / "lectern", better_auth_url=url) as client:
        assert (await who(client, token)).json() == told(person)
        assert (await login(client))["state"] == "ok"
    async with lectern(tmp_path / "pinned", better_auth_url=url, better_auth_jwks=pinned) as client:
        assert (await who(client, token)).json() == told(person)
        assert (await login(client))["note"] == "1 key, pinned"
    async with lectern(tmp_path / "new", better_auth_url=url) as client:
        answer = await who(client, token)
        assert (answer.status_code, answer.json()["error"]) == (503, "login_unavailable")
        assert (await login(client))["state"] == "down"
        assert (await client.get("/who")).status_code == 200


async def test_a_host_that_plays_the_site_signs_nobody_in(site: Site, tmp_path: Path) -> None:
    """It redirects to the true keys, or shows ten megabytes: no key is taken, whatever the token."""
    token = Person(site.url).token()
    for number, answer in enumerate(
        (Answer(302, b"", {"Location": f"{site.url}/api/auth/jwks"}), Answer(200, b"x" * 10_000_000), Answer(200, b"x"))
    ):
        with running_web({"GET /api/auth/jwks": answer}) as web:
            async with lectern(tmp_path / str(number), better_auth_url=web.url, better_auth_issuer=site.url) as client:
                assert (await who(client, token)).status_code == 503


async def test_a_session_cookie_is_looked_up_beside_lectern_s_own_tables(site: Site, tmp_path: Path) -> None:
    """In one file of both; the bearer plugin's token is the same session; who signs out is out at once."""
    shared = {"better_auth_secret": SECRET, "database_url": f"sqlite:///{site.file}"}
    async with lectern(tmp_path, **shared) as client:
        person = Person(site.url)
        only_token = {name: held for name, held in person.cookies.items() if name.endswith("session_token")}
        assert only_token
        for cookies in (only_token, person.cookies):
            assert (await client.get("/who", headers=cookie_header(cookies))).json() == told(person)
        assert (await who(client, person.bearer)).json() == told(person)
        assert (await login(client))["note"] == "its secret; its sessions in the database"
        carried = person.cookies
        person.sign_out()
        for cookies in (only_token, carried):
            assert (await client.get("/who", headers=cookie_header(cookies))).json()["id"].startswith("visitor:")
        assert (await who(client, person.bearer)).status_code == 401
        # Better Auth goes on beside Lectern's tables.
        assert Person(site.url).token()


async def test_a_session_cookie_is_looked_up_in_postgres(postgres: Postgres, tmp_path: Path) -> None:
    """The same, in one database of both on a server."""
    url = postgres.make(f"site_{uuid4().hex}")
    plain = url.replace("+psycopg2", "")
    with running_better_auth(database=plain, secret=SECRET) as site:
        async with lectern(tmp_path, better_auth_secret=SECRET, database_url=plain) as client:
            person = Person(site)
            carried = person.cookies
            assert (await client.get("/who", headers=cookie_header(carried))).json() == told(person)
            assert (await client.get("/who", headers=cookie_header(carried))).json() == told(person)
            person.sign_out()
            assert (await client.get("/who", headers=cookie_header(carried))).json()["id"].startswith("visitor:")


async def test_better_auth_s_cache_in_a_cookie_is_taken(site: Site, tmp_path: Path) -> None:
    """Where its database cannot be asked: HS256 by the shared secret; another secret opens nothing."""
    person = Person(site.url)
    data = {name: held for name, held in person.cookies.items() if name.endswith("session_data")}
    assert data
    async with lectern(tmp_path / "a", better_auth_secret=SECRET) as client:
        assert (await client.get("/who", headers=cookie_header(data))).json() == told(person)
        assert (await client.get("/who", headers=cookie_header(person.cookies))).json() == told(person)
    async with lectern(tmp_path / "b", better_auth_secret=SECRET[::-1]) as client:
        assert (await client.get("/who", headers=cookie_header(person.cookies))).json()["id"].startswith("visitor:")


async def test_many_readers_share_one_fetch(site: Site, tmp_path: Path) -> None:
    """However many come at once to a worker that has just started."""
    token = Person(site.url).token()
    keys = httpx2.get(f"{site.url}/api/auth/jwks").json()
    with running_web({"GET /api/auth/jwks": Answer(200, keys)}) as web:
        named = {"better_auth_issuer": site.url, "better_auth_audience": site.url}
        async with lectern(tmp_path, better_auth_url=web.url, **named) as client:
            answers = await asyncio.gather(*(who(client, token) for _ in range(50)))
            assert {answer.status_code for answer in answers} == {200}
            assert len(web.seen) == 1
