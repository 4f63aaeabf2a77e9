"""Sums and lists over what a SQL database keeps, made by the database: no more rows come back than are shown."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from lectern.adapters.sql_database import Database
from lectern.adapters.sql_record_statements import (
    DOING,
    FEEDBACK,
    HAS_ACCOUNT,
    HAS_PROFILE,
    HELD,
    SPENDERS,
    SPENT,
    UNANSWERED,
    principals_a_day,
    turns_a_day,
)
from lectern.ports import DayUsage, Person, Rated, Spent, Unanswered, Usage

_ACCOUNT = "account:"


class SqlRecords:
    """Implements `lectern.ports.Records`.

    Args:
        database: Where the tables are; whoever made it may share it with other ports.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turns = turns_a_day(database.dialect)
        self._principals = principals_a_day(database.dialect)

    async def usage(self, since: datetime) -> list[DayUsage]:
        """Every day with a turn from then on, oldest first, in two statements."""

        def sums(connection: Connection) -> tuple[Sequence[Row[Any]], Sequence[Row[Any]]]:
            parameters = {"since": since}
            turns = connection.execute(self._turns, parameters).all()
            return turns, connection.execute(self._principals, parameters).all()

        turns, principals = await self._database.run(sums, again=True)
        outcomes: dict[str, dict[str, int]] = defaultdict(dict)
        tokens: dict[str, Usage] = defaultdict(Usage)
        kinds: dict[str, dict[str, int]] = defaultdict(dict)
        for row in turns:
            outcomes[row.day][row.outcome] = row.turns
            before = tokens[row.day]
            tokens[row.day] = _usage(row, before)
        for row in principals:
            kinds[row.day][row.kind] = row.principals
        return [
            DayUsage(date.fromisoformat(day), outcomes[day], tokens[day], kinds.get(day, {}))
            for day in sorted(outcomes)
        ]

    async def spent(self, since: datetime, until: datetime, *, most: int) -> Spent:
        """What all spent, and who spent most, in two statements."""
        parameters = {"since": since, "until": until}

        def sums(connection: Connection) -> tuple[Row[Any], Sequence[Row[Any]]]:
            total = connection.execute(SPENT, parameters).one()
            return total, connection.execute(SPENDERS, parameters | {"most": most}).all()

        total, spenders = await self._database.run(sums, again=True)
        return Spent(
            [(row.principal_id, _usage(row)) for row in spenders],
            _usage(total),
        )

    async def unanswered(self, since: datetime, *, most: int) -> list[Unanswered]:
        """The newest questions that found nothing, in one statement that reads no answer and one source of each."""
        rows = await self._rows(UNANSWERED, since=since, most=most)
        return [Unanswered(row.question, row.created_at, row.score, row.title or "", row.href or "") for row in rows]

    async def feedback(self, since: datetime, *, most: int) -> list[Rated]:
        """The newest feedback, in one statement."""
        rows = await self._rows(FEEDBACK, since=since, most=most)
        return [
            Rated(str(row.turn_id), row.question, row.answer, row.rating, row.comment, row.created_at) for row in rows
        ]

    async def person(self, principal_id: str) -> Person:
        """How much is kept of a principal, in four statements at most."""

        def look(connection: Connection) -> Person:
            held = connection.execute(HELD, {"principal": principal_id}).one()
            doing = connection.execute(DOING, {"principal": principal_id}).one()
            account = _account_id(principal_id)
            return Person(
                principal_id,
                conversations=held.conversations,
                turns=held.turns,
                feedback=held.feedback,
                has_profile=bool(connection.execute(HAS_PROFILE, {"principal": principal_id}).scalar()),
                has_account=account is not None
                and bool(connection.execute(HAS_ACCOUNT, {"account": account}).scalar()),
                first_at=held.first_at,
                last_at=held.last_at,
                tasks=doing.tasks,
                remembered=doing.remembered,
                has_task_list=bool(doing.lists),
                live_turns=doing.live_turns,
            )

        return await self._database.run(look, again=True)

    async def _rows(self, statement: Any, **parameters: object) -> Sequence[Row[Any]]:  # noqa: ANN401 - any select
        return await self._database.run(lambda connection: connection.execute(statement, parameters).all(), again=True)


def _usage(row: Row[Any], before: Usage | None = None) -> Usage:
    """A row's sums, on top of others."""
    before = before or Usage()
    return Usage(before.prompt_tokens + int(row.prompt), before.completion_tokens + int(row.completion))


def _account_id(principal_id: str) -> UUID | None:
    """The id of an account of our own; None of anybody else's."""
    if not principal_id.startswith(_ACCOUNT):
        return None
    try:
        return UUID(principal_id.removeprefix(_ACCOUNT))
    except ValueError:
        return None
