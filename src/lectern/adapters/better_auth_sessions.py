"""Better Auth's sessions where its tables stand beside Lectern's: each is looked up in one statement.

No answer is remembered but that there is no such table: a session that ended on the site has ended here, too, with the
next request.
"""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from lectern.adapters.jwt_claims import user
from lectern.adapters.sql_database import Database
from lectern.errors import Unauthorized
from lectern.principal import Principal

logger = logging.getLogger(__name__)

# Columns are named with their table: SQLite takes a name in quotes that it does not know for a text.
_FIND: Final = """
SELECT s.{user}, s.{expires}, u.name, u.email
FROM "session" AS s LEFT JOIN "user" AS u ON u.id = s.{user}
WHERE s.token = :token
"""
_STATEMENTS: Final = (
    text(_FIND.format(user='"userId"', expires='"expiresAt"')),
    text(_FIND.format(user="user_id", expires="expires_at")),
)
"""Columns as Better Auth itself and Prisma name them; and as the schema does that it writes for Drizzle."""

_MILLISECONDS: Final = 1e11
"""As seconds, this number is the year 5138; so a larger one is in milliseconds."""


_ABSENT_SECONDS: Final = 300.0
"""A missing table is looked for again after that time: Better Auth may be set up after Lectern."""


class Absent(Enum):
    """That the database holds no sessions of Better Auth's."""

    TABLE = "no table"


class BetterAuthSessions:
    """The table `session`, and the user's row beside it.

    Args:
        database: The one that conversations are kept in.
        now: Seconds, from any beginning.
    """

    def __init__(self, database: Database, *, now: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._now = now
        self._statement: TextClause | None = None
        self._absent_at: float | None = None

    @property
    def are_here(self) -> bool:
        """Whether the table was found."""
        return self._statement is not None

    async def find(self, token: str) -> Principal | None:
        """Whose session it is, in one statement; None when the database holds no sessions of Better Auth's.

        Raises:
            Unauthorized: There is no such session, or it is over.
            StoreUnavailable: The database cannot be asked.
        """
        if self._absent_at is not None and self._now() - self._absent_at < _ABSENT_SECONDS:
            return None
        for statement in (self._statement,) if self._statement is not None else _STATEMENTS:
            row = await self._database.run(partial(_row, statement, token), again=True)
            if row is not Absent.TABLE:
                self._statement = statement
                return _user(row)
        if self._absent_at is None:
            logger.warning(
                "The database holds no sessions of Better Auth's that may be read; cookies are not looked up"
            )
        self._statement, self._absent_at = None, self._now()
        return None


def _row(statement: TextClause, token: str, connection: Connection) -> Any:  # noqa: ANN401 - a row of another's table
    """The session's row, None when there is none. A missing table is an answer, no failure of the database."""
    try:
        return connection.execute(statement, {"token": token}).one_or_none()
    except (ProgrammingError, OperationalError) as error:
        if not _is_missing(error):
            raise
        return Absent.TABLE


def _is_missing(error: DBAPIError) -> bool:
    """Whether the table is not there, not Better Auth's, or not for us to read."""
    if isinstance(error, ProgrammingError):  # Postgres: no such table or column, no right to read it
        return not error.connection_invalidated
    return str(error.orig).startswith(("no such table", "no such column"))


def _user(row: Any) -> Principal:  # noqa: ANN401 - a row of another's table
    """The user of a session that goes on."""
    if row is None or (ends := moment(row[1])) is None or ends <= datetime.now(UTC):
        raise Unauthorized
    found = user(row[0], row[2], row[3])
    if found is None:
        raise Unauthorized
    return found


def moment(value: object) -> datetime | None:
    """When, as databases give it: a datetime, ISO 8601 text, seconds or milliseconds; in UTC where no zone is named."""
    try:
        if isinstance(value, str):
            value = float(value) if value.replace(".", "", 1).isdigit() else datetime.fromisoformat(value)
        if isinstance(value, int | float):
            value = datetime.fromtimestamp(value / 1000 if value > _MILLISECONDS else value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value
