"""Who carries a key: what is asked of the database for it, how soon a change is noticed, and what a fault does."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo

import pytest

from lectern.errors import StoreUnavailable, Unauthorized
from lectern.integrations import identities
from lectern.integrations.desk import KeyDesk
from lectern.integrations.identities import FRESH_SECONDS, PAUSE_SECONDS, KeyIdentities
from lectern.integrations.tokens import new_token
from lectern.ports import ApiKey, Rate
from lectern.principal import Principal


class ListedKeys:
    """Keys in a dictionary, whose readings a test may count, hold up and have fail."""

    def __init__(self) -> None:
        self.kept: dict[str, ApiKey] = {}
        self.readings = 0
        self.begun = asyncio.Event()
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.trouble: StoreUnavailable | None = None

    async def add(self, key: ApiKey, digest: str) -> None:
        """Keep it."""
        self.kept[digest] = key

    async def holding(self) -> Mapping[str, ApiKey]:
        """What is kept when the reading begins."""
        self.readings += 1
        self.begun.set()
        found = {digest: key for digest, key in self.kept.items() if key.revoked_at is None}
        await self.goes_on.wait()
        if self.trouble is not None:
            raise self.trouble
        return found

    async def all(self) -> Sequence[ApiKey]:
        """What is kept."""
        return list(self.kept.values())

    async def revoke(self, key_id: str) -> bool:
        """Revoke it."""
        for digest, key in self.kept.items():
            if key.id == key_id:
                self.kept[digest] = replace(key, revoked_at=datetime.now(UTC))
                return True
        return False


class Clock:
    """Seconds as a test says."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        """The time; no two moments are the same."""
        self.seconds += 1e-6
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that only the test moves, and sleeping."""
    clock, give_way, here = Clock(), asyncio.sleep, threading.get_ident()

    async def sleep(seconds: float) -> None:
        if threading.get_ident() != here:  # a server that another test has left running in a thread
            await give_way(seconds)
            return
        clock.seconds += max(0.0, seconds)
        await give_way(0)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return clock


@pytest.fixture
async def keys() -> ListedKeys:
    """No key yet."""
    return ListedKeys()


@pytest.fixture
def source(keys: ListedKeys, clock: Clock) -> KeyIdentities:
    """The source over them."""
    return KeyIdentities(keys, now=clock)


async def made(keys: ListedKeys, *, rate: Rate | None = None, days: int | None = None) -> tuple[ApiKey, str]:
    """A new key, as the operator makes one."""
    return await KeyDesk(keys).add("Support  bot\n", rate=rate, days=days)


async def test_a_key_says_who_asks(keys: ListedKeys, source: KeyIdentities) -> None:
    """By its id, with its name on one line and the rate that it brings."""
    key, token = await made(keys, rate=Rate(5, 60))
    assert await source.by_token(token) == Principal("integration", key.id, name="Support bot", rate=Rate(5, 60))
    assert source.describe().state == "ok"


async def test_other_tokens_are_left_to_others(keys: ListedKeys, source: KeyIdentities) -> None:
    """And cookies; nothing is asked for them."""
    assert [await source.by_token(token) for token in ("lectern_x", "eyJhbGciOi", "hf_lk_x", "LK_x", "")] == [None] * 5
    assert await source.by_cookies({"lk_": (await made(keys))[1]}) is None
    assert keys.readings == 0
    assert source.describe().state == "unknown"


@pytest.mark.parametrize("token", ["lk_", "lk_x", "lk_" + "A" * 49, "lk_" + "é" * 49])
async def test_what_cannot_be_a_key_is_refused_without_asking(
    keys: ListedKeys, source: KeyIdentities, token: str
) -> None:
    """By its form and checksum."""
    with pytest.raises(Unauthorized):
        await source.by_token(token)
    assert keys.readings == 0


async def test_a_key_that_is_used_is_read_once_in_a_while(
    keys: ListedKeys, source: KeyIdentities, clock: Clock
) -> None:
    """Not for each request; a thousand at once wait for one reading."""
    _, token = await made(keys)
    await asyncio.gather(*(source.by_token(token) for _ in range(1000)))
    assert keys.readings == 1
    clock.seconds += FRESH_SECONDS - 0.1
    await source.by_token(token)
    assert keys.readings == 1
    clock.seconds += 0.2
    await source.by_token(token)
    assert keys.readings == 2


async def test_a_revoked_key_is_refused_within_seconds(keys: ListedKeys, source: KeyIdentities, clock: Clock) -> None:
    """As soon as what was read is too old to be believed, and that is ten seconds at most."""
    key, token = await made(keys)
    await source.by_token(token)
    await keys.revoke(key.id)
    assert FRESH_SECONDS <= 10
    clock.seconds += FRESH_SECONDS
    with pytest.raises(Unauthorized):
        await source.by_token(token)


async def test_an_expired_key_is_refused_at_once(
    keys: ListedKeys, source: KeyIdentities, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that still held when the keys were read a moment ago."""
    _, token = await made(keys, days=1)
    assert await source.by_token(token) is not None

    class Tomorrow(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override] # a moment, whatever the class
            return datetime.now(tz) + timedelta(days=1, seconds=1)

    monkeypatch.setattr(identities, "datetime", Tomorrow)
    with pytest.raises(Unauthorized):
        await source.by_token(token)
    assert keys.readings == 1


async def test_a_new_key_is_known_at_once(keys: ListedKeys, source: KeyIdentities, clock: Clock) -> None:
    """Also right after a reading that did not find it, and while one is under way that began before it was made."""
    with pytest.raises(Unauthorized):
        await source.by_token(new_token())
    began = clock.seconds
    _, token = await made(keys)
    assert await source.by_token(token) is not None
    assert clock.seconds == pytest.approx(began + PAUSE_SECONDS, abs=0.01)
    keys.goes_on.clear()
    early = asyncio.create_task(source.by_token(new_token()))
    keys.begun.clear()
    await keys.begun.wait()
    clock.seconds += 0.5
    _, token = await made(keys)
    late = asyncio.create_task(source.by_token(token))
    await asyncio.sleep(0)
    keys.goes_on.set()
    assert await late is not None
    with pytest.raises(Unauthorized):
        await early


async def test_made_up_keys_cause_one_reading_a_second(keys: ListedKeys, source: KeyIdentities, clock: Clock) -> None:
    """However many there are; a key that is known does not wait for them."""
    _, token = await made(keys)
    await source.by_token(token)
    began = clock.seconds
    refused = [source.by_token(new_token()) for _ in range(500)]
    known = source.by_token(token)
    results = await asyncio.gather(known, *refused, return_exceptions=True)
    assert isinstance(results[0], Principal)
    assert all(isinstance(result, Unauthorized) for result in results[1:])
    assert keys.readings == 2
    assert clock.seconds == pytest.approx(began + PAUSE_SECONDS, abs=0.01)


async def test_while_the_keys_cannot_be_read_nobody_is_told(
    keys: ListedKeys, source: KeyIdentities, clock: Clock
) -> None:
    """`StoreUnavailable` for all who wait, but a key that was read a moment ago; the next one asks again."""
    _, token = await made(keys)
    await source.by_token(token)
    keys.trouble = StoreUnavailable()
    assert await source.by_token(token) is not None
    clock.seconds += FRESH_SECONDS
    results = await asyncio.gather(*(source.by_token(token) for _ in range(20)), return_exceptions=True)
    assert [type(result) for result in results] == [StoreUnavailable] * 20
    assert (keys.readings, source.describe().state) == (2, "down")
    keys.trouble = None
    assert await source.by_token(token) is not None
    assert source.describe().state == "ok"


async def test_who_leaves_takes_no_reading_along(keys: ListedKeys, source: KeyIdentities) -> None:
    """The others who wait get their answer, from the same one."""
    _, token = await made(keys)
    keys.goes_on.clear()
    leaving, staying = (asyncio.create_task(source.by_token(token)) for _ in range(2))
    await keys.begun.wait()
    leaving.cancel()
    keys.goes_on.set()
    assert await staying is not None
    assert keys.readings == 1
    assert leaving.cancelled()


async def test_a_reading_ends_with_the_worker(keys: ListedKeys, source: KeyIdentities) -> None:
    """Whatever it waits for."""
    keys.goes_on.clear()
    waiting = asyncio.create_task(source.by_token(new_token()))
    await keys.begun.wait()
    await source.close()
    await asyncio.wait({waiting})
    assert waiting.cancelled()
