"""The contract of every `Rewrites`: a piece is made by one, and is there for all."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Connection, select, update
from tests.contracts.processes import at_once

from lectern.adapters.sql_database import SqlDatabase
from lectern.adapters.sql_models import RewriteRow
from lectern.adapters.sql_rewrites import RENEW_AFTER, SqlRewrites
from lectern.ports import Claim, Rewrites


@pytest.fixture
def rewrites(database: SqlDatabase) -> Rewrites:
    """The port over a database of each kind."""
    return SqlRewrites(database)


def some_keys(count: int) -> list[str]:
    """Keys that no other test has: digests of 64 hexadecimal digits."""
    return [uuid4().hex + uuid4().hex for _ in range(count)]


async def used_at(database: SqlDatabase, key: str) -> datetime:
    """When a use of a text was noted last."""

    def look(connection: Connection) -> datetime:
        noted: datetime = connection.execute(select(RewriteRow.used_at).where(RewriteRow.key == key)).scalar_one()
        return noted

    return await database.run(look)


async def test_what_was_kept_is_there(rewrites: Rewrites) -> None:
    """Under its key only; what a database refuses is replaced."""
    one, other, none = some_keys(3)
    await rewrites.keep({one: "پہلا باب 🦊\n", other: "a\x00b\ud800"})
    assert await rewrites.kept([one, other, none, one]) == {one: "پہلا باب 🦊\n", other: "a\ufffdb?"}


async def test_nothing_asked_is_nothing_done(rewrites: Rewrites) -> None:
    """No keys are no statement, and no error."""
    assert await rewrites.kept([]) == {}
    assert await rewrites.claim([], holder="me", seconds=9) == Claim({}, frozenset())
    await rewrites.keep({})
    await rewrites.release([], holder="me")


async def test_a_claim_tells_what_is_there_and_what_is_mine(rewrites: Rewrites) -> None:
    """Kept texts, the rest for the first who asks, and nothing of that for the second."""
    kept, free = some_keys(2)
    await rewrites.keep({kept: "There"})
    assert await rewrites.claim([kept, free], holder="me", seconds=60) == Claim({kept: "There"}, frozenset([free]))
    assert await rewrites.claim([kept, free], holder="you", seconds=60) == Claim({kept: "There"}, frozenset())
    assert await rewrites.kept([kept, free]) == {kept: "There"}
    assert await rewrites.claim([free], holder="me", seconds=60) == Claim({}, frozenset([free]))


async def test_what_is_kept_first_stays(rewrites: Rewrites) -> None:
    """Whoever claimed it: a later text changes nothing, and ends nobody's lease."""
    [key] = some_keys(1)
    await rewrites.claim([key], holder="me", seconds=60)
    await rewrites.keep({key: "yours"})
    await rewrites.keep({key: "mine"})
    await rewrites.release([key], holder="me")
    assert await rewrites.kept([key]) == {key: "yours"}
    assert await rewrites.claim([key], holder="me", seconds=60) == Claim({key: "yours"}, frozenset())


async def test_a_lease_that_ran_out_is_taken_over(rewrites: Rewrites) -> None:
    """By the next who asks; it is then as much its as any other."""
    [key] = some_keys(1)
    await rewrites.claim([key], holder="gone", seconds=0)
    assert (await rewrites.claim([key], holder="next", seconds=60)).mine == {key}
    assert (await rewrites.claim([key], holder="gone", seconds=60)).mine == frozenset()


async def test_a_release_is_its_holders(rewrites: Rewrites) -> None:
    """What is given up can be claimed at once; what others hold cannot be given up."""
    first, second = keys = some_keys(2)
    await rewrites.claim([first], holder="me", seconds=60)
    await rewrites.claim([second], holder="you", seconds=60)
    await rewrites.release(keys, holder="me")
    assert (await rewrites.claim(keys, holder="third", seconds=60)).mine == {first}


@pytest.mark.parametrize("count", [1, 300, 1200])
async def test_a_whole_book_at_once(rewrites: Rewrites, count: int) -> None:
    """More keys than one statement may have parameters are claimed, kept, read and released."""
    keys = some_keys(count)
    assert (await rewrites.claim(keys, holder="me", seconds=60)).mine == set(keys)
    texts = {key: f"Text of {key}" for key in keys[: count // 2]}
    await rewrites.keep(texts)
    await rewrites.release(keys, holder="me")
    claim = await rewrites.claim(keys, holder="you", seconds=60)
    assert claim == Claim(texts, frozenset(keys[count // 2 :]))
    assert await rewrites.kept(keys) == texts


async def test_of_twenty_at_once_one_gets_a_key(database: SqlDatabase) -> None:
    """Each key is exactly one claimer's, in whatever order they name them; what is kept meanwhile is nobody's."""
    rewrites = SqlRewrites(database)
    keys = some_keys(60)
    given = dict.fromkeys(keys[:10], "There")
    orders = [keys[turn:] + keys[:turn] for turn in range(20)]
    claims = [rewrites.claim(order, holder=f"claimer {turn}", seconds=60) for turn, order in enumerate(orders)]
    got, _ = await asyncio.gather(asyncio.gather(*claims), rewrites.keep(given))
    owners = Counter(key for claim in got for key in claim.mine)
    assert set(owners.values()) <= {1}
    assert set(keys[10:]) <= set(owners)
    for claim in got:
        assert not claim.mine & set(claim.kept)
        assert dict(claim.kept).items() <= given.items()
    assert await rewrites.kept(keys) == given


async def test_of_two_processes_one_gets_a_key(database_url: str) -> None:
    """Ten claimers in each of two processes: what one has, no other has, and nothing is left over."""
    keys = some_keys(40)
    got = await asyncio.to_thread(
        at_once, ["claim", database_url, "a", *keys], ["claim", database_url, "b", *reversed(keys)]
    )
    assert sorted(key for process in got for claimer in process for key in claimer) == sorted(keys)


async def test_a_lease_that_ran_out_goes_to_one(rewrites: Rewrites) -> None:
    """Of twenty who wait for the same abandoned key."""
    [key] = some_keys(1)
    await rewrites.claim([key], holder="gone", seconds=0)
    claims = [rewrites.claim([key], holder=f"heir {number}", seconds=60) for number in range(20)]
    assert sum(len(claim.mine) for claim in await asyncio.gather(*claims)) == 1


async def test_a_use_is_noted_once_a_day(database: SqlDatabase) -> None:
    """Reading or claiming what was used today writes nothing; what was last used before that is used now."""
    rewrites = SqlRewrites(database)
    keys = some_keys(2)
    await rewrites.keep(dict.fromkeys(keys, "There"))
    noted = [await used_at(database, key) for key in keys]
    await rewrites.kept(keys)
    await rewrites.claim(keys, holder="me", seconds=60)
    assert [await used_at(database, key) for key in keys] == noted
    old = update(RewriteRow).where(RewriteRow.key.in_(keys)).values(used_at=datetime.now(UTC) - 2 * RENEW_AFTER)
    await database.run(lambda connection: connection.execute(old), writes=True)
    await rewrites.kept(keys[:1])
    await rewrites.claim(keys[1:], holder="me", seconds=60)
    for key in keys:
        assert datetime.now(UTC) - await used_at(database, key) < timedelta(hours=1)
