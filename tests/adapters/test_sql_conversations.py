"""What conversations on SQL promise beyond the contract: statements, plans, and nothing read of another's."""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, insert, text
from tests.conversation_rows import START, a_turn, noted_statements, spoken
from tests.database_servers import Postgres
from tests.sql_parts import database_of

from lectern.adapters.sql_conversations import OWNED, READ, SqlConversations
from lectern.adapters.sql_database import SqlDatabase
from lectern.adapters.sql_migrations import migrate
from lectern.adapters.sql_models import ConversationRow, TurnRow
from lectern.adapters.sql_statements import rows_of
from lectern.adapters.sql_store import SqlStore
from lectern.errors import ConversationNotFound, Forbidden, TurnNotFound
from lectern.ports import Feedback

ME = "user:me"


@pytest.fixture(params=["sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[SqlStore, None]:
    """A store on a database of the test's own."""
    name = f"conversations_{uuid4().hex}"
    server: Postgres | None = None
    url = f"sqlite:///{tmp_path / 'lectern.sqlite3'}"
    if request.param == "postgres":
        server = request.getfixturevalue("postgres")
        url = server.make(name)
    migrate(url)
    store = SqlStore(SqlDatabase(url, pool_size=2))
    yield store
    await store.close()
    if server is not None:
        server.query(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def conversations(store: SqlStore) -> SqlConversations:
    """The port over the store's database."""
    return SqlConversations(database_of(store))


def plan_of(store: SqlStore, statement: Any, **values: object) -> Callable[[Connection], str]:
    """Asks the database how it would go about a statement."""
    dialect = database_of(store)._engine.dialect
    verb = "EXPLAIN QUERY PLAN" if dialect.name == "sqlite" else "EXPLAIN"
    written = statement.params(values).compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    return lambda connection: "\n".join(str(row[-1]) for row in connection.exec_driver_sql(f"{verb} {written}"))


async def fill(store: SqlStore, mine: list[str], *, turns: int) -> None:
    """Put in conversations of mine, used a second after another, each with turns; and others, with one each."""
    rows, spoken_in = [], []
    for number, name in enumerate([*mine, *(str(uuid4()) for _ in range(3_000))]):
        owner = ME if number < len(mine) else f"user:{number % 500}"
        moment = START + timedelta(seconds=number)
        rows.append({"id": UUID(name), "principal_id": owner, "title": "", "created_at": START, "updated_at": moment})
        spoken_in += [a_turn(name, minute) for minute in range(turns if number < len(mine) else 1)]

    def insert_all(connection: Connection) -> None:
        connection.execute(insert(ConversationRow), rows)
        connection.execute(insert(TurnRow), [rows_of(turn)[1] for turn in spoken_in])
        connection.execute(text("ANALYZE"))  # the database now knows how its rows are spread

    await database_of(store).run(insert_all, writes=True)


async def test_reading_anothers_brings_none_of_it(
    store: SqlStore, conversations: SqlConversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one statement that tells another's from an unknown one returns a row with nothing in it."""
    turn = await spoken(store, "user:another")
    fetched: list[Any] = []
    original = SqlDatabase.run

    async def noted(self: SqlDatabase, work: Callable[[Connection], Any], **options: Any) -> Any:
        fetched.append(await original(self, work, **options))
        return fetched[-1]

    monkeypatch.setattr(SqlDatabase, "run", noted)
    with pytest.raises(Forbidden):
        await conversations.read(turn.conversation_id, principal_id=ME, limit=5)
    [[row]] = fetched
    assert {name: value for name, value in row._mapping.items() if value is not None} == {"turns": 0}


async def test_statements_per_verb(store: SqlStore, conversations: SqlConversations) -> None:
    """One each, however many conversations and turns there are; a refused change takes a second to tell why."""
    begun = await conversations.start(ME, "")
    turns = [a_turn(begun.id, minute, who=ME) for minute in range(12)]
    for turn in turns:
        await store.save_turn(turn)
        await conversations.start(ME, "")
    foreign = await spoken(store, "user:another")
    statements = noted_statements(store)

    async def count(verb: Awaitable[Any]) -> int:
        statements.clear()
        with suppress(Forbidden, ConversationNotFound, TurnNotFound):
            await verb
        return len(statements)

    assert await count(conversations.owned_by(ME, limit=100, offset=0)) == 1
    assert await count(conversations.start(ME, "")) == 1
    assert await count(conversations.read(begun.id, principal_id=ME, limit=100)) == 1
    assert await count(conversations.rename(begun.id, "x", principal_id=ME)) == 1
    assert await count(conversations.rate(Feedback(turns[0].id, 1), principal_id=ME)) == 1
    assert await count(conversations.claim("visitor:x", ME)) == 1
    assert await count(conversations.read(foreign.conversation_id, principal_id=ME, limit=100)) == 1
    assert await count(conversations.read(str(uuid4()), principal_id=ME, limit=100)) == 1
    assert await count(conversations.rename(foreign.conversation_id, "x", principal_id=ME)) == 2
    assert await count(conversations.rate(Feedback(foreign.id, 1), principal_id=ME)) == 2
    assert await count(conversations.rename("no-uuid", "x", principal_id=ME)) == 0


async def test_ten_thousand_conversations_are_listed_through_their_index(
    store: SqlStore, conversations: SqlConversations
) -> None:
    """A page of a long list is one statement that reads the index, newest first, and sorts no whole list."""
    await fill(store, [str(uuid4()) for _ in range(10_000)], turns=0)
    statements = noted_statements(store)
    page = await conversations.owned_by(ME, limit=100, offset=9_850)
    assert [one.updated_at for one in page] == [START + timedelta(seconds=number) for number in range(149, 49, -1)]
    assert len(statements) == 1
    assert len(await conversations.owned_by(ME, limit=100, offset=9_950)) == 50
    assert await conversations.owned_by(ME, limit=100, offset=10_000) == []
    plan = await database_of(store).run(plan_of(store, OWNED, principal=ME, most=50, skipped=0))
    assert "ix_conversations_principal_id_updated_at" in plan, plan
    assert "ix_turns_conversation_id_created_at" in plan, plan
    assert not re.search(r"SCAN conversations|SCAN turns|Seq Scan", plan), plan
    # By the index up to the moment; only those of one moment are put in order by their id.
    assert re.search(r"(LAST TERM|RIGHT PART) OF ORDER BY|Index Scan Backward", plan), plan


async def test_a_long_conversation_is_read_through_its_index(store: SqlStore, conversations: SqlConversations) -> None:
    """The last turns of thousands come in one statement that scans no table."""
    long, foreign = str(uuid4()), await spoken(store, "user:another")
    await fill(store, [long], turns=3_000)
    conversation, turns = await conversations.read(long, principal_id=ME, limit=200)
    assert conversation.turns == 3_000
    assert [turn.question for turn in turns] == [f"What is a reducer, {minute}?" for minute in range(2_800, 3_000)]
    for name in (long, foreign.conversation_id):
        explained = plan_of(store, READ, principal=ME, conversation=UUID(name), most=200, skipped=0)
        plan = await database_of(store).run(explained)
        assert "ix_turns_conversation_id_created_at" in plan, plan
        assert "SCAN turns" not in plan, plan
        assert "Seq Scan on turns" not in plan, plan
