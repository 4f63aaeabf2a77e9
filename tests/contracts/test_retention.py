"""The contract of `Retention`: what is old goes for good, whichever database keeps it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import UUID, uuid4

import anyio
import pytest
from sqlalchemy import Executable, func, insert, select, update
from tests.contracts.journals import batches, head_of, said

from lectern.adapters.sql_database import SqlDatabase
from lectern.adapters.sql_journal import SqlJournal
from lectern.adapters.sql_models import AccountRow, FeedbackRow, LoginRow, RewriteRow, TurnRow
from lectern.adapters.sql_retention import SqlRetention
from lectern.adapters.sql_rewrites import SqlRewrites
from lectern.adapters.sql_store import SqlStore
from lectern.adapters.sql_task_models import TaskTurnRow, TaskWriteRow
from lectern.adapters.sql_tasks import SqlTasks
from lectern.adapters.sql_turn_models import ApiKeyRow, LiveTurnRow, TurnEventsRow
from lectern.errors import ConversationNotFound, Forbidden
from lectern.ports import Confirmation, RememberedKind, Turn

OLD = datetime(2026, 1, 1, tzinfo=UTC)
LIMIT = OLD + timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Bed:
    """A database of the test's own, and what fills it and empties it."""

    database: SqlDatabase
    store: SqlStore
    retention: SqlRetention

    async def keep(self, principal: str | None, *asked: datetime) -> str:
        """Save a conversation of this principal with a turn at each moment; its id."""
        conversation = str(uuid4())
        for at in asked:
            turn = Turn(str(uuid4()), conversation, "Why?", "So.", "answered", at, principal_id=principal)
            await self.store.save_turn(turn)
        return conversation

    async def kept(self, *conversations: str) -> list[bool]:
        """Whether each is still there."""

        async def there(conversation: str) -> bool:
            try:
                await self.store.history(conversation, limit=1)
            except ConversationNotFound:
                return False
            except Forbidden:  # somebody's
                return True
            return True

        return [await there(conversation) for conversation in conversations]

    async def change(self, statement: Executable) -> None:
        """What no port does: make something older than it is."""
        await self.database.run(lambda connection: connection.execute(statement), writes=True)

    async def count(self, table: type[TurnRow | FeedbackRow | LoginRow | RewriteRow | TurnEventsRow]) -> int:
        """Rows of a table."""
        counted = select(func.count()).select_from(table)
        return await self.database.run(lambda connection: connection.execute(counted).scalar_one())


@pytest.fixture
def bed(empty_database: SqlDatabase) -> Bed:
    """An empty database of each kind."""
    return Bed(empty_database, SqlStore(empty_database), SqlRetention(empty_database))


async def test_old_anonymous_conversations_go_whole(bed: Bed) -> None:
    """Those of visitors and of nobody whose last question is old, turns and feedback included; nothing else does."""
    visitor, nobody = await bed.keep("visitor:a", OLD), await bed.keep(None, OLD)
    used, account = await bed.keep("visitor:a", OLD, LIMIT), await bed.keep("account:b", OLD)
    user = await bed.keep("user:visitor:c", OLD)
    ids = await bed.database.run(lambda connection: connection.execute(select(TurnRow.id)).scalars().all())
    rows = [{"turn_id": turn, "rating": 1, "comment": "", "created_at": OLD} for turn in ids]
    await bed.database.run(lambda connection: connection.execute(insert(FeedbackRow), rows))
    assert await bed.retention.expire_conversations(LIMIT, anonymous=True, most=10) == 2
    assert await bed.kept(visitor, nobody, used, account, user) == [False, False, True, True, True]
    assert (await bed.count(TurnRow), await bed.count(FeedbackRow)) == (4, 4)
    assert await bed.retention.expire_conversations(LIMIT, anonymous=True, most=10) == 0


async def test_old_conversations_of_accounts_go_by_themselves(bed: Bed) -> None:
    """Those of accounts and users; visitors' are another matter."""
    visitor, account, user = [await bed.keep(name, OLD) for name in ("visitor:a", "account:b", "user:c")]
    newer = await bed.keep("account:b", LIMIT)
    assert await bed.retention.expire_conversations(LIMIT, anonymous=False, most=10) == 2
    assert await bed.kept(visitor, account, user, newer) == [True, False, False, True]


async def test_the_oldest_go_first(bed: Bed) -> None:
    """No more at once than wanted; fewer say that none is left."""
    kept = [await bed.keep("visitor:a", OLD + timedelta(days=day)) for day in (3, 1, 2)]
    assert await bed.retention.expire_conversations(LIMIT, anonymous=True, most=2) == 2
    assert await bed.kept(*kept) == [True, False, False]
    assert await bed.retention.expire_conversations(LIMIT, anonymous=True, most=2) == 1


async def test_several_at_once_delete_each_once(bed: Bed) -> None:
    """Two that clean up and one that writes leave what is to be kept, and fail none of them."""
    kept = [await bed.keep("visitor:a", OLD) for _ in range(20)]
    counts: list[int] = []

    async def expire() -> None:
        counts.append(await bed.retention.expire_conversations(LIMIT, anonymous=True, most=15))

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(expire)
        new = await bed.keep("visitor:a", LIMIT)
    while await bed.retention.expire_conversations(LIMIT, anonymous=True, most=15):
        pass
    assert not any(await bed.kept(*kept))
    assert await bed.kept(new) == [True]
    assert sum(counts) <= 20


async def test_unused_rewrites_go(bed: Bed) -> None:
    """The longest unused first, no more at once than wanted; also what somebody began and never finished."""
    rewrites = SqlRewrites(bed.database)
    keys = [f"{number:064x}" for number in range(5)]
    await rewrites.keep(dict.fromkeys(keys[:4], "There"))
    await rewrites.claim(keys[4:], holder="gone", seconds=0)
    days = (1, 3, 2, 200, 4)
    for key, day in zip(keys, days, strict=True):
        aged = update(RewriteRow).where(RewriteRow.key == key).values(used_at=LIMIT + timedelta(days=day - 100))
        await bed.change(aged)
    assert await bed.retention.expire_rewrites(LIMIT, most=2) == 2
    assert await bed.count(RewriteRow) == 3
    assert await bed.retention.expire_rewrites(LIMIT, most=3) == 2
    assert set(await rewrites.kept(keys)) == {keys[3]}
    assert await bed.count(RewriteRow) == 1


async def test_a_rewrite_that_is_used_stays(bed: Bed) -> None:
    """A use begins its days anew, however old it is."""
    rewrites = SqlRewrites(bed.database)
    used, unused = keys = [f"{number:064x}" for number in range(2)]
    await rewrites.keep(dict.fromkeys(keys, "There"))
    await bed.change(update(RewriteRow).values(used_at=OLD))
    await rewrites.kept([used])
    assert await bed.retention.expire_rewrites(LIMIT, most=9) == 1
    assert await rewrites.kept([used, unused]) == {used: "There"}


async def test_old_task_keys_go(bed: Bed) -> None:
    """Writes, turns and questions, the oldest of each first; the tasks stay, and so does what is newer."""
    tasks = SqlTasks(bed.database)
    for number in range(3):
        await tasks.add("user:a", "Milk", most=9, key=f"{number}")
        await tasks.begin_turn("user:a", f"{number}", digest="d", seconds=60)
        asked = Confirmation(str(uuid4()), (), "Sure?", LIMIT + timedelta(seconds=number - 2))
        await tasks.ask("user:a", str(UUID(int=number)), asked)
        for table in (TaskWriteRow, TaskTurnRow):
            at = {"created_at": LIMIT + timedelta(seconds=number - 2)}
            await bed.change(update(table).where(table.key == f"{number}").values(at))
    assert await bed.retention.expire_task_keys(LIMIT, most=1) == 3
    for kind in get_args(RememberedKind):
        assert len(await tasks.remembered("user:a", kind, limit=9)) == 2
    assert await bed.retention.expire_task_keys(LIMIT, most=9) == 3
    assert await bed.retention.expire_task_keys(LIMIT, most=9) == 0
    for kind in get_args(RememberedKind):
        [left] = await tasks.remembered("user:a", kind, limit=9)
        assert left.at == LIMIT
    assert [task.id for task in await tasks.listed("user:a", limit=9)] == [1, 2, 3]
    assert (await tasks.add("user:a", "Milk", most=9, key="2")).id == 3
    assert (await tasks.add("user:a", "Milk", most=9, key="0")).id == 4


async def test_dead_turns_go(bed: Bed) -> None:
    """The longest dead first, with their events, no more at once than wanted; one that lives stays, however old."""
    journal = SqlJournal(bed.database)
    heads = [head_of() for _ in range(4)]
    for head in heads:
        for number in (1, 2):
            await journal.append(head, number, said("So"), seconds=60)
    for head, seconds in zip(heads, (-1, -3, 0, -2), strict=True):
        dead = {"alive_until": LIMIT + timedelta(seconds=seconds), "created_at": OLD}
        await bed.change(update(LiveTurnRow).where(LiveTurnRow.turn_id == UUID(head.turn_id)).values(dead))
    assert await bed.retention.expire_live_turns(LIMIT, most=2) == 2
    assert [await journal.read(head.turn_id) is not None for head in heads] == [True, False, True, False]
    assert await bed.retention.expire_live_turns(LIMIT, most=2) == 1
    assert await bed.retention.expire_live_turns(LIMIT, most=2) == 0
    assert await batches(journal, heads[2]) == [(1, said("So")), (2, said("So"))]
    assert await bed.count(TurnEventsRow) == 2


async def test_worthless_keys_go(bed: Bed) -> None:
    """Those that were revoked or have expired, whichever was long ago; what holds, or held until lately, stays."""
    before, after = LIMIT - timedelta(seconds=1), LIMIT + timedelta(seconds=1)
    ends = [
        (None, None),
        (before, None),
        (None, before),
        (after, None),
        (None, after),
        (before, after),
        (after, before),
    ]
    rows = [
        {
            "id": UUID(int=number),
            "name": "LibreChat",
            "digest": f"{number:064x}",
            "hint": "x7Qa",
            "limits": "",
            "created_at": OLD,
            "expires_at": expires_at,
            "revoked_at": revoked_at,
        }
        for number, (expires_at, revoked_at) in enumerate(ends)
    ]
    await bed.database.run(lambda connection: connection.execute(insert(ApiKeyRow), rows))
    assert await bed.retention.expire_api_keys(LIMIT, most=3) == 3
    assert await bed.retention.expire_api_keys(LIMIT, most=3) == 1
    left = await bed.database.run(lambda connection: connection.execute(select(ApiKeyRow.id)).scalars().all())
    assert {key.int for key in left} == {0, 3, 4}


async def test_ended_logins_go(bed: Bed) -> None:
    """Those that still count stay, and so does the account."""
    account = uuid4()
    texts = dict.fromkeys(("email_digest", "email", "name", "password_hash"), "x")
    owner = {"id": account, "created_at": OLD, "updated_at": OLD} | texts
    logins = [
        {"id": uuid4(), "account_id": account, "created_at": OLD, "expires_at": LIMIT + timedelta(seconds=seconds)}
        for seconds in (-1, 0, 1)
    ]
    await bed.database.run(lambda connection: connection.execute(insert(AccountRow), owner))
    await bed.database.run(lambda connection: connection.execute(insert(LoginRow), logins))
    assert await bed.retention.expire_logins(LIMIT) == 1
    assert await bed.count(LoginRow) == 2
