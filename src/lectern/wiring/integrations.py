"""Settings → keys of integrations: where they are kept, who makes them, who somebody is by one."""

from typing import TYPE_CHECKING

from lectern.integrations.desk import KeyDesk
from lectern.integrations.identities import KeyIdentities
from lectern.ports import ApiKeys, IdentitySource, Ports

if TYPE_CHECKING:
    from lectern.adapters.sql_database import Database


def build_api_keys(database: "Database") -> ApiKeys:
    """Where keys are kept."""
    from lectern.adapters.sql_api_keys import SqlApiKeys  # noqa: PLC0415 - imports SQLAlchemy, 0.3 s, when needed

    return SqlApiKeys(database)


def build_key_identities(keys: ApiKeys) -> tuple[IdentitySource, ...]:
    """Who a program is by its key."""
    return (KeyIdentities(keys),)


def build_key_desk(ports: Ports) -> KeyDesk | None:
    """What makes keys and revokes them; None where none are kept."""
    return KeyDesk(ports.api_keys) if ports.api_keys is not None else None
