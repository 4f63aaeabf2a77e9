"""Rewritten pieces of chapters on a SQL database: who makes one is settled by its row.

Keys are always in their order, so that two who want many of the same wait for each other and never in a circle.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, delete, or_, select, update

from lectern.adapters.sql_batches import batches
from lectern.adapters.sql_database import Database
from lectern.adapters.sql_models import RewriteRow
from lectern.errors import StoreUnavailable
from lectern.ports import Claim
from lectern.resilience import deadline

_Kept = Row[str, str | None, datetime]

RENEW_AFTER: Final = timedelta(days=1)
"""When a use is noted anew. Days are what is kept, and reading otherwise stays reading."""

_NAMED: Final = RewriteRow.key.in_(bindparam("keys", expanding=True))
_KEPT: Final = select(RewriteRow.key, RewriteRow.text, RewriteRow.used_at).where(_NAMED, RewriteRow.text.is_not(None))
_RENEW: Final = (
    update(RewriteRow).where(_NAMED, RewriteRow.used_at < bindparam("noted")).values(used_at=bindparam("now"))
)
_RELEASE: Final = delete(RewriteRow).where(_NAMED, RewriteRow.holder == bindparam("claimer"), RewriteRow.text.is_(None))


class SqlRewrites:
    """Implements `lectern.ports.Rewrites`.

    Args:
        database: Where the table is; whoever made it may share it with other ports.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._claim, self._keep = _upserts(database.dialect)

    async def kept(self, keys: Collection[str]) -> dict[str, str]:
        """One statement for 500 keys. Once a day a use is noted in a second transaction, which may fail."""
        wanted = sorted(set(keys))
        if not wanted:
            return {}
        rows = await self._database.run(lambda connection: _kept(connection, wanted), again=True)
        if due := _due(rows):
            with suppress(StoreUnavailable):  # the adapter has logged its cause, and the text is there all the same
                await self._database.run(lambda connection: _renew(connection, due), writes=True, again=True)
        return {row.key: row.text for row in rows}

    async def claim(self, keys: Collection[str], *, holder: str, seconds: float) -> Claim:
        """Two statements for 500 keys: what is there, and a claim to the rest; a third when others have some of it.

        Who claims again what it holds, holds it for longer.
        """
        wanted = sorted(set(keys))

        def claim(connection: Connection) -> Claim:
            rows = _kept(connection, wanted)
            texts = {row.key: row.text for row in rows}
            _renew(connection, _due(rows))
            missing = [key for key in wanted if key not in texts]
            now = datetime.now(UTC)
            lease = {"holder": holder, "claimed_until": now + timedelta(seconds=seconds), "used_at": now}
            mine = _put(connection, self._claim, [{"key": key, "text": None} | lease for key in missing])
            if others := [key for key in missing if key not in mine]:
                texts |= {row.key: row.text for row in _kept(connection, others)}  # some may be there by now
            return Claim(texts, frozenset(mine))

        return await self._database.run(claim, writes=True, again=True) if wanted else Claim({}, frozenset())

    async def keep(self, texts: Mapping[str, str]) -> None:
        """One statement."""
        now = datetime.now(UTC)
        rows = [
            {"key": key, "text": text, "holder": None, "claimed_until": None, "used_at": now}
            for key, text in sorted(texts.items())
        ]
        if rows:
            with deadline.lifted():  # what was paid for is kept, however late it is
                await self._database.run(lambda connection: _put(connection, self._keep, rows), writes=True, again=True)

    async def release(self, keys: Collection[str], *, holder: str) -> None:
        """One statement for 500 keys; what was released leaves no row."""

        def release(connection: Connection) -> None:
            for batch in batches(sorted(set(keys))):
                connection.execute(_RELEASE, {"keys": batch, "claimer": holder})

        if keys:
            with deadline.lifted():  # as above
                await self._database.run(release, writes=True, again=True)


def _upserts(dialect: str) -> tuple[Any, Any]:
    """Statements that claim a key and keep a text, whoever else does so at the same time.

    They return the keys of the rows that they put there, without which SQLAlchemy sends a statement for each row. What
    has a text is never changed. `used_at` of the row that would be inserted is the time now.
    """
    insert = import_module(f"sqlalchemy.dialects.{dialect}").insert(RewriteRow)
    new, no_text = insert.excluded, RewriteRow.text.is_(None)
    free = or_(
        RewriteRow.claimed_until.is_(None), RewriteRow.claimed_until <= new.used_at, RewriteRow.holder == new.holder
    )
    columns = ("text", "holder", "claimed_until", "used_at")
    values = {name: new[name] for name in columns}
    claim, keep = (
        insert.on_conflict_do_update(index_elements=[RewriteRow.key], set_=values, where=where)
        for where in (no_text & free, no_text)
    )
    return claim.returning(RewriteRow.key), keep.returning(RewriteRow.key)


def _put(connection: Connection, upsert: Any, rows: list[dict[str, Any]]) -> set[str]:  # noqa: ANN401 - see `_upserts`
    """Put these rows there; the keys of those that are there now as they were given."""
    return set(connection.execute(upsert, rows).scalars()) if rows else set()


def _kept(connection: Connection, keys: list[str]) -> list[_Kept]:
    return [row for batch in batches(keys) for row in connection.execute(_KEPT, {"keys": batch})]


def _due(rows: Collection[_Kept]) -> list[str]:
    """The keys of which a use was noted too long ago."""
    noted = datetime.now(UTC) - RENEW_AFTER
    return sorted(row.key for row in rows if row.used_at < noted)


def _renew(connection: Connection, keys: list[str]) -> None:
    now = datetime.now(UTC)
    for batch in batches(keys):
        connection.execute(_RENEW, {"keys": batch, "noted": now - RENEW_AFTER, "now": now})
