"""Keys of integrations on a SQL database: one short transaction a verb."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Row, bindparam, func, insert, or_, select, update

from lectern.adapters.sql_database import Database
from lectern.adapters.sql_turn_models import ApiKeyRow
from lectern.errors import TooManyKeys
from lectern.ports import MOST_KEYS, ApiKey
from lectern.rate import parsed, written

_HOLDS: Final = (
    ApiKeyRow.revoked_at.is_(None),
    or_(ApiKeyRow.expires_at.is_(None), ApiKeyRow.expires_at > bindparam("now")),
)
_COUNT: Final = select(func.count()).select_from(ApiKeyRow).where(*_HOLDS)
_HOLDING: Final = select(ApiKeyRow).where(*_HOLDS)
_ALL: Final = select(ApiKeyRow).order_by(ApiKeyRow.created_at.desc(), ApiKeyRow.id).limit(MOST_KEYS)
_INSERT: Final = insert(ApiKeyRow)
_REVOKE: Final = (
    update(ApiKeyRow)
    .where(ApiKeyRow.id == bindparam("key"))
    .values(revoked_at=func.coalesce(ApiKeyRow.revoked_at, bindparam("now", type_=ApiKeyRow.revoked_at.type)))
)


class SqlApiKeys:
    """Implements `lectern.ports.ApiKeys`.

    Args:
        database: Where the table is; whoever made it may share it with other ports.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, key: ApiKey, digest: str) -> None:
        """Two statements. Of two who add the last one at once both may, which harms nothing."""
        row = {
            "id": UUID(key.id),
            "name": key.name,
            "digest": digest,
            "hint": key.hint,
            "limits": written(key.rate) if key.rate is not None else "",
            "created_at": key.created_at,
            "expires_at": key.expires_at,
            "revoked_at": key.revoked_at,
        }

        def keep(connection: Connection) -> None:
            if connection.execute(_COUNT, {"now": datetime.now(UTC)}).scalar_one() >= MOST_KEYS:
                raise TooManyKeys
            connection.execute(_INSERT, row)

        await self._database.run(keep, writes=True)

    async def holding(self) -> Mapping[str, ApiKey]:
        """One statement."""
        now = datetime.now(UTC)
        rows = await self._database.run(lambda connection: connection.execute(_HOLDING, {"now": now}).all(), again=True)
        return {row.digest: _key_of(row) for row in rows}

    async def all(self) -> Sequence[ApiKey]:
        """One statement."""
        rows = await self._database.run(lambda connection: connection.execute(_ALL).all(), again=True)
        return [_key_of(row) for row in rows]

    async def revoke(self, key_id: str) -> bool:
        """One statement."""
        try:
            parameters = {"key": UUID(key_id), "now": datetime.now(UTC)}
        except ValueError:
            return False

        def revoke(connection: Connection) -> bool:
            return bool(connection.execute(_REVOKE, parameters).rowcount)

        return await self._database.run(revoke, writes=True, again=True)


def _key_of(row: Row[Any]) -> ApiKey:
    """A key as the core knows it."""
    return ApiKey(
        id=str(row.id),
        name=row.name,
        hint=row.hint,
        rate=parsed(row.limits),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
