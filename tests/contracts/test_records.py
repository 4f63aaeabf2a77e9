"""The contract of `Records`: sums and lists over what is kept, whichever database keeps it."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, insert

from lectern.adapters.sql_database import SqlDatabase
from lectern.adapters.sql_models import AccountRow, FeedbackRow, ProfileRow
from lectern.adapters.sql_records import SqlRecords
from lectern.adapters.sql_store import SqlStore
from lectern.adapters.sql_tasks import SqlTasks
from lectern.ports import Confirmation, DayUsage, Person, Turn, Unanswered, Usage

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Bed:
    """A database of the test's own, and what fills and asks it."""

    database: SqlDatabase
    store: SqlStore
    records: SqlRecords

    async def keep(self, turn: Turn, principal: str | None = None) -> Turn:
        """Save a turn, in a conversation of this principal."""
        await self.store.save_turn(replace(turn, principal_id=principal))
        return turn

    async def rate(self, turn: Turn, rating: int, comment: str, at: datetime = NOON) -> None:
        """Keep feedback."""
        row = {"turn_id": UUID(turn.id), "rating": rating, "comment": comment, "created_at": at}
        await self.database.run(lambda connection: connection.execute(insert(FeedbackRow), row))


@pytest.fixture
def bed(empty_database: SqlDatabase) -> Bed:
    """An empty database of each kind: sums count everything in it."""
    return Bed(empty_database, SqlStore(empty_database), SqlRecords(empty_database))


def a_turn(at: datetime = NOON, *, conversation: str = "", **fields: object) -> Turn:
    """An answered turn of 100 and 10 tokens."""
    turn = Turn(str(uuid4()), conversation or str(uuid4()), "Why?", "Because [1].", "answered", at)
    return replace(turn, **({"usage": {"prompt_tokens": 100, "completion_tokens": 10}} | fields))  # type: ignore[arg-type]


async def test_nothing_kept_is_nothing_used(bed: Bed) -> None:
    """An empty database has no day, no spender and no list."""
    assert await bed.records.usage(NOON - DAY) == []
    assert (await bed.records.spent(NOON - DAY, NOON + DAY, most=5)).total == Usage()
    assert await bed.records.unanswered(NOON - DAY, most=5) == []
    assert await bed.records.feedback(NOON - DAY, most=5) == []


async def test_usage_is_by_utc_day(bed: Bed) -> None:
    """Outcomes, tokens and different principals of each day; a day begins at midnight UTC, whatever zone asks."""
    midnight = datetime(2026, 1, 3, tzinfo=UTC)
    mine = await bed.keep(a_turn(midnight - timedelta(microseconds=1)), "visitor:a")
    await bed.keep(a_turn(midnight, conversation=mine.conversation_id, outcome="failed", usage={}), "visitor:a")
    await bed.keep(a_turn(midnight), "visitor:b")
    await bed.keep(a_turn(midnight, outcome="not_found", usage={}), "account:c")
    await bed.keep(a_turn(midnight), "user:d")
    await bed.keep(a_turn(midnight + timedelta(hours=23)), None)
    await bed.keep(a_turn(midnight - 9 * DAY), "visitor:long-ago")
    assert await bed.records.usage(midnight - DAY) == [
        DayUsage(date(2026, 1, 2), {"answered": 1}, Usage(100, 10), {"visitor": 1}),
        DayUsage(
            date(2026, 1, 3),
            {"answered": 3, "failed": 1, "not_found": 1},
            Usage(300, 30),
            {"visitor": 2, "account": 1, "user": 1},
        ),
    ]


async def test_who_spent_most(bed: Bed) -> None:
    """Each principal's tokens over all its conversations, the largest first; the total counts all the others, too."""
    for principal, turns in (("visitor:a", 1), ("account:b", 3), (None, 5), ("visitor:c", 2)):
        for _ in range(turns):
            await bed.keep(a_turn(), principal)
    await bed.keep(a_turn(NOON + DAY), "visitor:a")
    spent = await bed.records.spent(NOON, NOON + DAY, most=2)
    assert spent.most == [("account:b", Usage(300, 30)), ("visitor:c", Usage(200, 20))]
    assert spent.total == Usage(1100, 110)


async def test_no_number_of_a_provider_is_too_large(bed: Bed) -> None:
    """One that claims more tokens than an integer of the database holds spoils no sum."""
    await bed.keep(a_turn(usage={"prompt_tokens": 10**12, "completion_tokens": 5}), "visitor:a")
    await bed.keep(a_turn(), "visitor:a")
    [day] = await bed.records.usage(NOON - DAY)
    assert day.usage == Usage(10**12 + 100, 15)
    assert (await bed.records.spent(NOON - DAY, NOON + DAY, most=1)).total == day.usage


async def test_unanswered_questions_with_the_nearest_page(bed: Bed) -> None:
    """The newest first, no more than wanted; the first source is the nearest page, and there may be none."""
    source = {"id": "s", "title": "Páge \u00ab1\u00bb", "href": "https://docs.example/1#a", "score": 0.25}
    await bed.keep(a_turn(NOON, outcome="not_found", question="old"))
    await bed.keep(a_turn(NOON + DAY, outcome="not_found", question="near", sources=[source, {"title": "other"}]))
    await bed.keep(a_turn(NOON + 2 * DAY, outcome="not_found", question="far" * 1000))
    await bed.keep(a_turn(NOON + 3 * DAY, question="answered"))
    assert await bed.records.unanswered(NOON + DAY, most=9) == [
        Unanswered(("far" * 1000)[:500], NOON + 2 * DAY),
        Unanswered("near", NOON + DAY, 0.25, "Páge \u00ab1\u00bb", "https://docs.example/1#a"),
    ]
    assert [asked.question for asked in await bed.records.unanswered(NOON - DAY, most=1)] == [("far" * 1000)[:500]]


async def test_feedback_with_its_answer(bed: Bed) -> None:
    """The newest first, with the beginning of what was answered."""
    first, second = await bed.keep(a_turn(answer="x" * 1000)), await bed.keep(a_turn(question="And?"))
    await bed.rate(first, 1, "Thanks")
    await bed.rate(second, -1, "", NOON + DAY)
    newest, oldest = await bed.records.feedback(NOON, most=9)
    assert (newest.turn_id, newest.question, newest.rating, newest.rated_at) == (second.id, "And?", -1, NOON + DAY)
    assert (oldest.answer, oldest.comment) == ("x" * 500, "Thanks")
    assert await bed.records.feedback(NOON + DAY, most=9) == [newest]
    assert await bed.records.feedback(NOON, most=1) == [newest]


async def test_what_is_kept_of_a_person(bed: Bed) -> None:
    """Counts and moments of its own; those of others, and of an id that is a part of another's, do not count."""
    account = uuid4()
    person = f"account:{account}"
    first = await bed.keep(a_turn(), person)
    await bed.keep(a_turn(NOON + DAY, conversation=first.conversation_id), person)
    await bed.keep(a_turn(NOON + 2 * DAY), person)
    await bed.keep(a_turn(), f"{person}0")
    await bed.rate(first, 1, "Thanks")
    texts = dict.fromkeys(("email_digest", "email", "name", "password_hash"), "x")
    row = {"id": account, "created_at": NOON, "updated_at": NOON} | texts

    def tell(connection: Connection) -> None:
        connection.execute(insert(AccountRow), row)
        connection.execute(insert(ProfileRow), {"principal_id": person, "fields": "x", "updated_at": NOON})

    await bed.database.run(tell)
    tasks = SqlTasks(bed.database)
    for who, title in ((person, "Milk"), (person, "Bread"), (f"{person}0", "Milk")):
        await tasks.add(who, title, most=9, key=title)
        await tasks.begin_turn(who, title, digest="d", seconds=60)
        await tasks.ask(who, str(account), Confirmation(str(uuid4()), (), "Sure?", NOON))
    await tasks.delete(person, [1])
    assert await bed.records.person(person) == Person(
        person,
        2,
        3,
        1,
        has_profile=True,
        has_account=True,
        first_at=NOON,
        last_at=NOON + 2 * DAY,
        tasks=1,
        remembered=5,
        has_task_list=True,
    )


async def test_who_only_has_tasks_is_known(bed: Bed) -> None:
    """A task, the number of one that is gone, a turn or a question: each is something that is kept."""
    tasks = SqlTasks(bed.database)
    await tasks.add("user:list", "Milk", most=9)
    await tasks.delete("user:list", [1])
    await tasks.begin_turn("user:turn", "k", digest="d", seconds=60)
    await tasks.ask("user:asked", str(uuid4()), Confirmation(str(uuid4()), (), "Sure?", NOON))
    for who in ("user:list", "user:turn", "user:asked"):
        assert (await bed.records.person(who)).is_known
        await tasks.delete_tasks_of(who)
        assert not (await bed.records.person(who)).is_known


@pytest.mark.parametrize("principal", ["", "visitor:nobody", "account:no-uuid", "%", "user:'; --", "x\x00y"])
async def test_nothing_is_kept_of_a_stranger(bed: Bed, principal: str) -> None:
    """Whatever text the id is."""
    await bed.keep(a_turn(), "visitor:somebody")
    assert not (await bed.records.person(principal)).is_known
