"""What nobody should send: refused shortly, nothing stored, nothing told."""

import json
import logging
import sqlite3
from contextlib import closing
from typing import Any

import anyio
import pytest
from tests.accounts.conftest import PASSWORD, Service
from tests.contracts.test_accounts import a_login, an_account
from tests.scripted import FailingDatabase

from lectern.accounts import throttle
from lectern.accounts.identities import AccountIdentities
from lectern.accounts.tokens import Tokens
from lectern.adapters.sql_accounts import SqlAccounts
from lectern.errors import StoreUnavailable
from lectern.keyring import Keyring
from lectern.ports import Rate


def rows(service: Service) -> int:
    """How many accounts, logins and profiles there are."""
    with closing(sqlite3.connect(service.file)) as database:
        tables = ("accounts", "logins", "profiles")
        return sum(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables)


GOOD: dict[str, Any] = {"email": "ada@example.org", "password": PASSWORD, "name": "Ada"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "аda@example.org"},  # noqa: RUF001 - Cyrillic
        {"email": "ada@exаmple.org"},  # noqa: RUF001 - as above
        {"email": "ada\u200b@example.org"},
        {"email": "ａda@example.org"},  # noqa: RUF001 - full width
        {"email": "ada@bücher.example.org"},
        {"email": "ada"},
        {"email": "ada@"},
        {"email": "@example.org"},
        {"email": "ada@localhost"},
        {"email": "ada@example.org\r\nBcc: x@example.org"},
        {"email": "ada@example.org, bob@example.org"},
        {"email": "a" * 250 + "@example.org"},
        {"email": "x" * 100_000 + "@example.org"},
        {"email": 7},
        {"email": ["ada@example.org"]},
        {"email": None},
        {"email": "\ud800@example.org"},
        {"password": "short"},
        {"password": "x" * 257},
        {"password": "\ufdfa" * 200},  # one letter that NFKC makes eighteen of
        {"password": "e\u0301" * 4},  # eight code points, four letters in NFKC
        {"password": 12345678},
        {"password": None},
        {"password": "\ud800" * 10},
        {"password": "nul\x00nul\x00nul"},
        {"name": "n" * 201},
        {"name": {"first": "Ada"}},
        {"name": "a\x00b"},
        {"programmingLevel": "x" * 2001},
        {"learningGoals": ["x"] * 51},
        {"learningGoals": ["x" * 201]},
        {"learningGoals": [["x"]]},
        {"learningGoals": {"a": "b"}},
        {"proficiency": 3},
    ],
)
async def test_a_bad_sign_up_is_refused_and_nothing_kept(
    service: Service, wrong: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """422, short, without what was sent; no row, no hash, and nothing of it in the log."""
    with caplog.at_level(logging.DEBUG, logger="lectern"):
        answer = await service.client.post(
            "/api/auth/sign-up", content=json.dumps(GOOD | wrong), headers={"Content-Type": "application/json"}
        )
    assert answer.status_code == 422
    assert len(answer.content) < 2000
    [value] = wrong.values()
    if isinstance(value, str) and len(value) > 5:
        assert value not in answer.text
        assert value not in caplog.text
    assert rows(service) == 0
    assert service.passwords.hashed == 0
    assert "set-cookie" not in answer.headers or "lectern_login" not in answer.headers["set-cookie"]


async def test_a_punycode_domain_is_taken(service: Service) -> None:
    """Who has a mailbox at a domain of other letters writes it as the name system does."""
    made = await service.sign_up("ada@XN--Bcher-Kva.example")
    assert made["user"]["email"] == "ada@xn--bcher-kva.example"  # type: ignore[index]


async def test_one_password_typed_in_two_ways(service: Service) -> None:
    """A letter and its accent are the accented letter, and blanks around a password are part of it."""
    await service.sign_up("nfkc@example.org", password=" ete\u0301 in Gdansk ")
    for password, status in (
        (" et\u00e9 in Gdansk ", 200),
        ("et\u00e9 in Gdansk", 401),
        (" ete in Gdansk ", 401),
    ):
        body = {"email": "nfkc@example.org", "password": password}
        assert (await service.client.post("/api/auth/sign-in", json=body)).status_code == status


async def test_of_sign_ups_that_race_one_wins(service: Service) -> None:
    """Eight at once with one e-mail, in different spellings: one 201, seven 409, one account."""
    statuses = []

    async def try_it(number: int) -> None:
        email = "race@example.org" if number % 2 else "RACE@Example.org"
        answer = await service.client.post("/api/auth/sign-up", json=GOOD | {"email": email})
        statuses.append(answer.status_code)
        if answer.status_code == 409:
            assert answer.json()["error"] == "email_taken"

    async with anyio.create_task_group() as group:
        for number in range(8):
            group.start_soon(try_it, number)
    assert sorted(statuses) == [201] + [409] * 7
    assert rows(service) == 2  # the account and its login
    assert service.ports.store.describe().state == "ok"


async def test_an_unknown_email_is_answered_as_a_wrong_password_is(service: Service) -> None:
    """The same work, the same status, the same body but for the request's id; and a taken e-mail is hashed for, too."""
    await service.sign_up("known@example.org")
    bodies, work = [], []
    for email in ("known@example.org", "unknown@example.org"):
        before = (service.passwords.hashed, service.passwords.verified)
        answer = await service.client.post("/api/auth/sign-in", json={"email": email, "password": "wrong password"})
        assert answer.status_code == 401
        bodies.append({name: value for name, value in answer.json().items() if name != "request_id"})
        work.append((service.passwords.hashed - before[0], service.passwords.verified - before[1]))
    assert bodies[0] == bodies[1]
    assert work == [(0, 1), (0, 1)]
    hashed = service.passwords.hashed
    answer = await service.client.post("/api/auth/sign-up", json=GOOD | {"email": "known@example.org"})
    assert (answer.status_code, service.passwords.hashed - hashed) == (409, 1)


async def test_guessing_is_bounded(service: Service) -> None:
    """The eleventh attempt at an account from one address is refused unseen, for some minutes; other accounts go on."""
    await service.sign_up("victim@example.org")
    await service.sign_up("other@example.org")
    guess = {"email": "victim@example.org", "password": "wrong password"}
    statuses = [(await service.client.post("/api/auth/sign-in", json=guess)).status_code for _ in range(10)]
    assert statuses == [401] * 10
    before = service.passwords.verified
    answer = await service.client.post("/api/auth/sign-in/email", json=guess | {"password": PASSWORD})
    assert (answer.status_code, answer.json()["error"]) == (429, "rate_limited")
    wait = int(answer.headers["retry-after"])
    assert 1 <= wait <= 90
    assert service.passwords.verified == before
    right = {"email": "other@example.org", "password": PASSWORD}
    assert (await service.client.post("/api/auth/sign-in", json=right)).status_code == 200
    service.counters.now += wait
    answer = await service.client.post("/api/auth/sign-in", json=guess | {"password": PASSWORD})
    assert answer.status_code == 200


async def test_unknown_emails_are_bounded_alike(service: Service) -> None:
    """The throttle tells no more about who has an account than the answer does."""
    guess = {"email": "nobody@example.org", "password": "wrong password"}
    statuses = [(await service.client.post("/api/auth/sign-in", json=guess)).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]


async def test_one_address_has_its_share(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trying one password at many accounts, and making many, ends; a class of thirty at once passes both."""
    assert throttle.SIGN_UPS.count >= 30
    assert throttle.ATTEMPTS_FROM.count >= 30
    monkeypatch.setattr(throttle, "ATTEMPTS_FROM", Rate(3, 900))
    monkeypatch.setattr(throttle, "SIGN_UPS", Rate(3, 3600))
    sign_ups = [GOOD | {"email": f"user{number}@example.org"} for number in range(4)]
    made = [(await service.client.post("/api/auth/sign-up", json=body)).status_code for body in sign_ups]
    assert made == [201] * 3 + [429]
    tries = [{"email": body["email"], "password": "Password1"} for body in sign_ups]
    tried = [(await service.client.post("/api/auth/sign-in", json=body)).status_code for body in tries]
    assert tried == [401] * 3 + [429]


async def test_no_email_is_in_a_counters_key(service: Service) -> None:
    """Counters may be kept elsewhere; they learn no address."""
    await service.sign_up("secret.person@example.org")
    await service.client.post("/api/auth/sign-in", json={"email": "secret.person@example.org", "password": PASSWORD})
    assert len(service.counters.buckets) == 4
    assert "secret" not in repr(service.counters.buckets)


async def test_nothing_personal_is_logged(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    """No e-mail, name, password or token of a whole stay is in the log, at any level."""
    with caplog.at_level(logging.DEBUG):
        made = await service.sign_up("logged.person@example.org", name="Logged Person", proficiency="pro")
        token = made["session"]["accessToken"]  # type: ignore[index]
        body = {"email": "logged.person@example.org", "password": PASSWORD}
        await service.client.post("/api/auth/sign-in", json=body)
        await service.client.post("/api/auth/sign-in", json=body | {"password": "wrong pass phrase"})
        await service.client.post("/api/auth/sign-up", json=body)
        await service.client.get("/api/auth/export")
        await service.client.request("DELETE", "/api/auth/account", json={"password": PASSWORD})
    cookie = service.client.cookies.get("lectern_login") or "no cookie"
    for word in ("logged.person", "Logged Person", PASSWORD, "wrong pass phrase", token, cookie):
        assert word not in caplog.text


async def test_a_body_of_a_deletion_has_the_same_limits(service: Service) -> None:
    """A DELETE with a body is measured and typed as a POST is."""
    await service.sign_up()
    big = await service.client.request(
        "DELETE", "/api/auth/account", content=b" " * 5_000_000, headers={"Content-Type": "application/json"}
    )
    assert big.status_code == 413
    form = await service.client.request(
        "DELETE",
        "/api/auth/account",
        content=b"password=x",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert form.status_code == 415


async def test_while_the_database_is_down_a_login_says_nothing() -> None:
    """A signature alone lets nobody in who may have signed out; whoever asks is told why it cannot be told."""
    tokens = Tokens(Keyring([b"secret"]))
    identities = AccountIdentities(SqlAccounts(FailingDatabase(), Keyring([b"secret"])), tokens)
    token = tokens.write(a_login(an_account()))
    with pytest.raises(StoreUnavailable):
        await identities.by_token(token)
    with pytest.raises(StoreUnavailable):
        await identities.by_cookies({"lectern_login": token})
    assert identities.describe().state == "down"
    assert await identities.by_token("eyJhbGciOiJFZERTQSJ9.x.y") is None
    assert await identities.by_cookies({"lectern_login": "forged", "other": token}) is None
