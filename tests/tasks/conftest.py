"""Tasks in real tables, in a file of the test's own."""

import pytest
from tests.sql_parts import database_of

from lectern.adapters.sql_store import SqlStore
from lectern.adapters.sql_tasks import SqlTasks


@pytest.fixture
def tasks(store: SqlStore) -> SqlTasks:
    """Tasks beside the conversations."""
    return SqlTasks(database_of(store))
