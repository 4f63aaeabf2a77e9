"""Rewriting everything that secrets closed with the newest of them, a page at a time, beside a service that runs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, select, update

from lectern.adapters.account_rows import AccountRows
from lectern.adapters.account_statements import CHANGE_PROFILE
from lectern.adapters.field_cipher import FieldUnreadable
from lectern.adapters.sql_database import Database
from lectern.adapters.sql_models import AccountRow, ProfileRow
from lectern.keyring import Keyring

_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """What was done.

    Attributes:
        accounts: Rows that were rewritten.
        profiles: Rows that were rewritten.
        unreadable: Rows that no secret opens; they stay as they are.
        changed: Rows that somebody changed meanwhile, perhaps with an older secret: do it again.
    """

    accounts: int = 0
    profiles: int = 0
    unreadable: int = 0
    changed: int = 0

    def __add__(self, other: "Rekeyed") -> "Rekeyed":
        return Rekeyed(
            self.accounts + other.accounts,
            self.profiles + other.profiles,
            self.unreadable + other.unreadable,
            self.changed + other.changed,
        )


async def rekey(database: Database, keyring: Keyring) -> Rekeyed:
    """Rewrite all digests and sealed fields with the newest secret.

    Raises:
        StoreUnavailable: The database cannot be used now; what was rewritten stays, and doing it again goes on.
    """
    rows = AccountRows(keyring)
    accounts = await _paged(
        database,
        select(AccountRow).order_by(AccountRow.id).limit(_PAGE),
        AccountRow.id,
        lambda connection, row: _rewrite_account(connection, row, rows),
    )
    profiles = await _paged(
        database,
        select(ProfileRow).order_by(ProfileRow.principal_id).limit(_PAGE),
        ProfileRow.principal_id,
        lambda connection, row: _rewrite_profile(connection, row, rows),
    )
    return accounts + profiles


async def _paged(
    database: Database,
    first: Select[Any],
    key: Any,  # noqa: ANN401 - a column, whatever its type
    rewrite: Callable[[Connection, Row[Any]], Rekeyed],
) -> Rekeyed:
    done, last = Rekeyed(), None
    while True:
        page = first if last is None else first.where(key > last)

        def work(connection: Connection, page: Select[Any] = page) -> tuple[list[Row[Any]], Rekeyed]:
            found = list(connection.execute(page).all())
            return found, sum((rewrite(connection, row) for row in found), Rekeyed())

        found, rewritten = await database.run(work, writes=True)
        done += rewritten
        if len(found) < _PAGE:
            return done
        last = getattr(found[-1], key.key)


def _rewrite_account(connection: Connection, row: Row[Any], rows: AccountRows) -> Rekeyed:
    account_id = str(row.id)
    try:
        email, name = rows.opened_account(row)
    except FieldUnreadable:
        return Rekeyed(unreadable=1)
    rewrite = (
        update(AccountRow)
        .where(AccountRow.id == row.id, AccountRow.email == row.email, AccountRow.name == row.name)
        .values(rows.sealed(account_id, email=email, name=name))
    )
    return Rekeyed(accounts=1) if connection.execute(rewrite).rowcount else Rekeyed(changed=1)


def _rewrite_profile(connection: Connection, row: Row[Any], rows: AccountRows) -> Rekeyed:
    try:
        profile = rows.opened_profile(row.principal_id, row.fields)
    except FieldUnreadable:
        return Rekeyed(unreadable=1)
    change = {
        "principal": row.principal_id,
        "old": row.fields,
        "new": rows.of_profile(row.principal_id, profile),
        "now": row.updated_at,
    }
    return Rekeyed(profiles=1) if connection.execute(CHANGE_PROFILE, change).rowcount else Rekeyed(changed=1)
