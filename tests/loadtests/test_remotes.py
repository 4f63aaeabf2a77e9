"""Remote parts as processes of their own."""

import httpx2
import psutil
import pytest
from loadtests import remotes
from loadtests.services import get

pytestmark = pytest.mark.process


def test_the_remotes_are_real_and_leave_nothing_behind() -> None:
    """Postgres takes a statement and Qdrant a collection; with the block their processes are gone."""
    with remotes.postgres() as database, remotes.qdrant() as index:
        assert remotes.query(database, "SELECT 6 * 7") == [(42,)]
        assert remotes.query(database, "SELECT current_setting('application_name')") == [(remotes.OBSERVER,)]
        made = httpx2.put(f"{index.url}/collections/moon", json={"sparse_vectors": {"words": {}}})
        assert made.json()["result"] is True
        assert get(index, "/calls") == {"create": 1}
        processes = [*database.processes(), *index.processes()]
        assert len(processes) > 3  # Postgres has children of its own
    gone, alive = psutil.wait_procs(processes, timeout=10)
    assert not alive
    assert gone
