"""The contract of every `ApiKeys`: a key holds from when it is added until it expires or is revoked."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Connection, select

from lectern.adapters import sql_api_keys
from lectern.adapters.sql_api_keys import SqlApiKeys
from lectern.adapters.sql_database import SqlDatabase
from lectern.adapters.sql_turn_models import ApiKeyRow
from lectern.errors import StoreUnavailable, TooManyKeys
from lectern.ports import ApiKey, ApiKeys, Rate

NOW = datetime.now(UTC)


@pytest.fixture
def keys(database: SqlDatabase) -> ApiKeys:
    """The port over a database of each kind."""
    return SqlApiKeys(database)


def some_key(**fields: object) -> tuple[ApiKey, str]:
    """A key that no other test has, and its digest."""
    key = ApiKey(str(uuid4()), "Support bot", "x-_9", Rate(5, 60), NOW)
    return replace(key, **fields), uuid4().hex + uuid4().hex  # type: ignore[arg-type] # fields of a key


async def test_a_key_that_holds_is_there(keys: ApiKeys) -> None:
    """As it was added, under its digest, and in the list."""
    key, digest = some_key(name="Bot “Ü” 🦊\u202e", expires_at=NOW + timedelta(days=1))
    await keys.add(key, digest)
    assert (await keys.holding())[digest] == key
    assert key in await keys.all()


async def test_a_key_without_a_rate_or_an_end(keys: ApiKeys) -> None:
    """Both are left out, and come back so."""
    key, digest = some_key(rate=None)
    await keys.add(key, digest)
    assert (await keys.holding())[digest] == key


async def test_an_expired_key_does_not_hold(keys: ApiKeys) -> None:
    """It is listed all the same, so that its owner sees why."""
    key, digest = some_key(expires_at=NOW)
    await keys.add(key, digest)
    assert digest not in await keys.holding()
    assert key in await keys.all()


async def test_a_revoked_key_does_not_hold(keys: ApiKeys) -> None:
    """From then on; revoked again it keeps when that was first."""
    (key, digest), (other, others) = some_key(), some_key()
    await keys.add(key, digest)
    await keys.add(other, others)
    assert await keys.revoke(key.id)
    held = await keys.holding()
    assert (digest in held, others in held) == (False, True)
    [first] = [each for each in await keys.all() if each.id == key.id]
    assert first.revoked_at is not None
    assert abs(first.revoked_at - datetime.now(UTC)) < timedelta(minutes=5)
    assert await keys.revoke(key.id.upper())
    assert first in await keys.all()


@pytest.mark.parametrize("key_id", ["", "x", "\x00", "ü" * 5000, "00000000-0000-0000-0000-000000000000", "'; --"])
async def test_no_other_text_revokes_anything(keys: ApiKeys, key_id: str) -> None:
    """It names no key, and is no error."""
    key, digest = some_key()
    await keys.add(key, digest)
    assert not await keys.revoke(key_id)
    assert digest in await keys.holding()


async def test_a_digest_is_one_keys(keys: ApiKeys) -> None:
    """A second key with the same one is not kept."""
    (key, digest), (other, _) = some_key(), some_key()
    await keys.add(key, digest)
    with pytest.raises(StoreUnavailable):
        await keys.add(other, digest)
    assert (await keys.holding())[digest] == key


async def test_the_newest_come_first(empty_database: SqlDatabase) -> None:
    """Whatever the order in which they were added."""
    keys = SqlApiKeys(empty_database)
    added = [some_key(created_at=NOW - timedelta(minutes=minutes)) for minutes in (2, 1, 3)]
    for key, digest in added:
        await keys.add(key, digest)
    assert [key.id for key in await keys.all()] == [added[number][0].id for number in (1, 0, 2)]
    assert set(await keys.holding()) == {digest for _, digest in added}


async def test_there_is_room_for_so_many(empty_database: SqlDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of those that hold; a revoked or expired one takes none."""
    monkeypatch.setattr(sql_api_keys, "MOST_KEYS", 2)
    keys = SqlApiKeys(empty_database)
    expired, digest = some_key(expires_at=NOW)
    await keys.add(expired, digest)
    for key, digest in (first := some_key(), some_key()):
        await keys.add(key, digest)
    with pytest.raises(TooManyKeys):
        await keys.add(*some_key())
    await keys.revoke(first[0].id)
    await keys.add(*some_key())
    assert len(await keys.holding()) == 2


async def test_the_database_holds_no_key(empty_database: SqlDatabase) -> None:
    """Of what was added nothing but what is in `ApiKey`, and the digest."""
    key, digest = some_key()
    await SqlApiKeys(empty_database).add(key, digest)

    def rows(connection: Connection) -> list[dict[str, object]]:
        return [dict(row._mapping) for row in connection.execute(select(ApiKeyRow))]

    [row] = await empty_database.run(rows)
    assert row.keys() == {"id", "name", "digest", "hint", "limits", "created_at", "expires_at", "revoked_at"}
    assert (row["digest"], row["hint"], row["limits"]) == (digest, key.hint, "5/minute")
