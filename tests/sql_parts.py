"""What tests reach into of a store on a SQL database."""

from lectern.adapters.sql_database import SqlDatabase
from lectern.adapters.sql_store import SqlStore


def database_of(store: SqlStore) -> SqlDatabase:
    """The unguarded database that a store was made with."""
    assert isinstance(store._database, SqlDatabase)
    return store._database
