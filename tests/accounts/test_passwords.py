"""Passwords: Argon2id with OWASP's parameters, the same work for nobody's, and a bounded number at once."""

import time

import anyio
import pytest
from argon2 import PasswordHasher, extract_parameters
from tests.accounts.conftest import PASSWORD, Service

from lectern.accounts import passwords
from lectern.accounts.passwords import Passwords
from lectern.errors import TooBusy


async def test_a_hash_has_the_parameters_that_owasp_asks_for() -> None:
    """Argon2id, 19 MiB, two passes, one lane; each hash has a salt of its own."""
    hasher = Passwords()
    one, other = await hasher.hash(PASSWORD), await hasher.hash(PASSWORD)
    assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert one != other
    assert await hasher.verify(one, PASSWORD)
    assert not await hasher.verify(one, PASSWORD + "x")


async def test_nobodys_hash_takes_the_same_work() -> None:
    """It has the parameters of a real one, is right for no password, and its check takes as long, within ten times."""
    hasher = Passwords()
    kept = await hasher.hash(PASSWORD)
    assert extract_parameters(hasher._nobodys) == extract_parameters(kept)
    seconds = []
    for candidate in (kept, None):
        started = time.perf_counter()
        assert not await hasher.verify(candidate, "another password")
        seconds.append(time.perf_counter() - started)
    assert seconds[0] / 10 < seconds[1] < seconds[0] * 10
    assert not await hasher.verify(None, "")


async def test_a_hash_that_is_none_is_not_right() -> None:
    """What somebody wrote into the database by hand lets nobody in, and raises nothing."""
    assert not await Passwords().verify("plain text", "plain text")


async def test_no_more_than_two_are_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest waits its turn, and is refused when that takes too long, so that memory stays bounded."""
    monkeypatch.setattr(passwords, "_PATIENCE_SECONDS", 0.2)
    hasher = Passwords()
    refused: list[bool] = []
    most: list[float] = []

    class Slow:
        """Takes its time."""

        def hash(self, password: str) -> str:
            """Notes how many are under way."""
            most.append(hasher._limiter.borrowed_tokens)
            time.sleep(2)
            return password

    hasher.__dict__["_hasher"] = Slow()

    async def one() -> None:
        try:
            await hasher.hash(PASSWORD)
        except TooBusy:
            refused.append(True)

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(one)
    assert max(most) == len(most) == 2
    assert len(refused) == 3


async def test_an_outdated_hash_is_made_anew(service: Service) -> None:
    """Whoever signs in leaves a hash of today's parameters behind, and the password stays the same."""
    made = await service.sign_up("old@example.org")
    account = await service.accounts.by_id(made["user"]["id"])  # type: ignore[index]
    assert account is not None
    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    await service.accounts.rehash(account, old)
    body = {"email": "old@example.org", "password": PASSWORD}
    wrong = await service.client.post("/api/auth/sign-in", json=body | {"password": "wrong password"})
    assert wrong.status_code == 401
    found = await service.accounts.by_id(account.id)
    assert found is not None
    assert found.password_hash == old
    for _ in range(2):
        assert (await service.client.post("/api/auth/sign-in", json=body)).status_code == 200
        found = await service.accounts.by_id(account.id)
        assert found is not None
        assert not service.passwords.is_outdated(found.password_hash)
    assert service.passwords.hashed == 2
