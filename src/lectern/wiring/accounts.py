"""Settings → Lectern's own accounts: where they are kept, how one signs in, who somebody is by them."""

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Final

from lectern.accounts.desk import AccountDesk
from lectern.accounts.export import begin_export
from lectern.accounts.identities import AccountIdentities
from lectern.accounts.passwords import Passwords
from lectern.accounts.throttle import Throttle
from lectern.accounts.tokens import Tokens
from lectern.admin.people import PeopleDesk
from lectern.config import Settings
from lectern.errors import NotFound
from lectern.keyring import Keyring
from lectern.ports import Accounts, IdentitySource, Ports
from lectern.principal import principal_of

if TYPE_CHECKING:
    from lectern.adapters.sql_database import Database

_DAY_SECONDS: Final = 86_400


def build_accounts(database: "Database", keyring: Keyring) -> Accounts:
    """Where accounts, and what people told of themselves, are kept."""
    from lectern.adapters.sql_accounts import SqlAccounts  # noqa: PLC0415 - imports SQLAlchemy, 0.3 s, when needed

    return SqlAccounts(database, keyring)


def build_account_identities(settings: Settings, accounts: Accounts, keyring: Keyring) -> tuple[IdentitySource, ...]:
    """Who somebody is by an account of Lectern's own; nobody where there are none."""
    return (AccountIdentities(accounts, Tokens(keyring)),) if settings.has_accounts else ()


def build_account_desk(settings: Settings, ports: Ports, keyring: Keyring) -> AccountDesk | None:
    """What the account API asks; None where nothing is kept of people."""
    if ports.accounts is None:
        return None
    return AccountDesk(
        ports.accounts,
        passwords=Passwords(),
        tokens=Tokens(keyring),
        throttle=Throttle(ports.counters, keyring),
        login_seconds=settings.login_days * _DAY_SECONDS,
        is_open=settings.has_accounts,
    )


def build_people_desk(ports: Ports) -> PeopleDesk:
    """What the operator asks about people: all that is kept of one, whoever keeps it."""
    accounts = ports.accounts
    if accounts is None:
        return PeopleDesk()

    async def export(principal_id: str) -> AsyncGenerator[bytes, None]:
        principal = principal_of(principal_id)
        if principal is None:
            raise NotFound
        return await begin_export(principal, accounts, ports.tasks, ports.journal)

    return PeopleDesk(export=export, forget=accounts.forget)
