"""Accounts on a SQL database: one short transaction a verb. Sealing and opening happen in its thread."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Select

from lectern.adapters import account_statements as sql
from lectern.adapters.account_rows import AccountRows
from lectern.adapters.sql_database import Database
from lectern.adapters.sql_types import uuid_of
from lectern.errors import EmailTaken, InvalidCredentials, StoreUnavailable, Unauthorized
from lectern.keyring import Keyring
from lectern.ports import Account, Held, Login, Profile

_ACCOUNT: Final = "account:"
"""What the principal ids of accounts begin with."""

_TRIES: Final = 5
"""How often a profile is changed anew because somebody changed it meanwhile; each try loses to one that succeeds."""


class SqlAccounts:
    """Implements `lectern.ports.Accounts`.

    Args:
        database: Where the tables are; whoever made it may share it with other ports.
        keyring: What seals personal fields and finds e-mails.
    """

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._rows = AccountRows(keyring)
        self._insert_account, self._insert_profile = sql.inserts(database.dialect)

    async def sign_up(self, account: Account, profile: Profile, login: Login) -> None:
        """Insert first: that takes the lock under which digests of older secrets are looked for.

        Raises:
            ValueError: An id is no UUID, or a moment has no time zone.
        """

        def keep(connection: Connection) -> None:
            if not connection.execute(self._insert_account, self._rows.of_account(account)).rowcount:
                raise EmailTaken
            others = {"digests": self._rows.digests(account.email), "account": UUID(account.id)}
            if connection.execute(sql.OTHERS_OF_DIGESTS, others).first() is not None:
                raise EmailTaken
            if profile:
                row = self._profile_row(f"{_ACCOUNT}{account.id}", profile)
                connection.execute(self._insert_profile, row)
            connection.execute(sql.BEGIN, _login_row(login))

        await self._database.run(keep, writes=True)

    async def by_email(self, email: str) -> Account | None:
        """One statement, whether there is such an account or not."""
        return await self._account(sql.BY_DIGEST, {"digests": self._rows.digests(email)})

    async def by_id(self, account_id: str) -> Account | None:
        """One statement."""
        known = uuid_of(account_id)
        return await self._account(sql.BY_ID, {"account": known}) if known else None

    async def by_login(self, login_id: str, account_id: str) -> Account | None:
        """One statement."""
        login, account = uuid_of(login_id), uuid_of(account_id)
        if login is None or account is None:
            return None
        return await self._account(sql.BY_LOGIN, {"login": login, "account": account, "now": datetime.now(UTC)})

    async def _account(self, statement: Select[Any], parameters: dict[str, Any]) -> Account | None:
        def look(connection: Connection) -> Account | None:
            row = connection.execute(statement, parameters).first()
            return None if row is None else self._rows.account(row)

        return await self._database.run(look, again=True)

    async def begin(self, login: Login) -> None:
        """Three statements. The first takes SQLite's lock, under which the account cannot go before the last one.

        Raises:
            ValueError: An id is no UUID, or a moment has no time zone.
        """
        row = _login_row(login)

        def keep(connection: Connection) -> None:
            connection.execute(sql.END_EXPIRED, {"account": row["account_id"], "now": login.created_at})
            if connection.execute(sql.STILL_THERE, {"account": row["account_id"]}).first() is None:
                raise InvalidCredentials
            connection.execute(sql.BEGIN, row)

        await self._database.run(keep, writes=True)

    async def end(self, login_id: str) -> None:
        """One statement."""
        login = uuid_of(login_id)
        if login is not None:
            await self._database.run(
                lambda connection: connection.execute(sql.END, {"login": login}), writes=True, again=True
            )

    async def logins_of(self, account_id: str) -> Sequence[Login]:
        """One statement."""
        account = uuid_of(account_id)
        rows = await self._database.run(
            lambda connection: connection.execute(sql.LOGINS, {"account": account}).all(), again=True
        )
        return [Login(str(row.id), str(row.account_id), row.created_at, row.expires_at) for row in rows]

    async def rehash(self, account: Account, password_hash: str) -> None:
        """One statement."""
        parameters = {"account": UUID(account.id), "old": account.password_hash, "new": password_hash}
        await self._database.run(lambda connection: connection.execute(sql.REHASH, parameters), writes=True, again=True)

    async def profile(self, principal_id: str) -> Profile:
        """One statement."""

        def look(connection: Connection) -> Profile:
            kept = connection.execute(sql.PROFILE, {"principal": principal_id}).scalar()
            return {} if kept is None else self._rows.profile(principal_id, kept)

        return await self._database.run(look, again=True)

    async def tell(self, principal_id: str, told: Mapping[str, str | list[str] | None]) -> None:
        """Compare and set: two who tell different fields at once both are heard, on either database.

        Raises:
            StoreUnavailable: Others were quicker each time.
            Unauthorized: The account is gone.
        """
        account = _account_of(principal_id)

        def keep(connection: Connection) -> bool:
            kept = connection.execute(sql.PROFILE, {"principal": principal_id}).scalar()
            before = {} if kept is None else self._rows.profile(principal_id, kept)
            merged = {name: value for name, value in {**before, **told}.items() if value is not None}
            row = self._profile_row(principal_id, merged)
            change = {"principal": principal_id, "old": kept, "new": row["fields"], "now": row["updated_at"]}
            done = (
                connection.execute(self._insert_profile, row)
                if kept is None
                else connection.execute(sql.CHANGE_PROFILE, change)
            )
            # Only now, under the lock of what was written: nothing may be kept for an account that is being deleted.
            if account is not None and connection.execute(sql.STILL_THERE, {"account": account}).first() is None:
                raise Unauthorized
            return bool(done.rowcount)

        for _ in range(_TRIES):
            if await self._database.run(keep, writes=True, again=True):
                return
        raise StoreUnavailable

    async def held(self, principal_id: str, *, after: Held | None, limit: int) -> Sequence[Held]:
        """One statement a page."""
        statement = sql.page_of_held(principal_id, after, limit)
        rows = await self._database.run(lambda connection: connection.execute(statement).all(), again=True)
        return [sql.held_of(row) for row in rows]

    async def forget(self, principal_id: str) -> None:
        """Two statements; an account's logins go with it. The profile goes last, with what was told until then."""
        account = _account_of(principal_id)

        def forget(connection: Connection) -> None:
            if account is not None:
                connection.execute(sql.FORGET_ACCOUNT, {"account": account})
            connection.execute(sql.FORGET_PROFILE, {"principal": principal_id})

        await self._database.run(forget, writes=True, again=True)

    def _profile_row(self, principal_id: str, profile: Profile) -> dict[str, Any]:
        return {
            "principal_id": principal_id,
            "fields": self._rows.of_profile(principal_id, profile),
            "updated_at": datetime.now(UTC),
        }


def _login_row(login: Login) -> dict[str, Any]:
    return {
        "id": UUID(login.id),
        "account_id": UUID(login.account_id),
        "created_at": login.created_at,
        "expires_at": login.expires_at,
    }


def _account_of(principal_id: str) -> UUID | None:
    """The account that a principal is, if it is one."""
    return uuid_of(principal_id.removeprefix(_ACCOUNT)) if principal_id.startswith(_ACCOUNT) else None
