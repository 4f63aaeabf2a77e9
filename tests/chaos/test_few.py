"""A few streams that are cut and gone on with while workers end: the small one of what `make chaos` does."""

from pathlib import Path

import pytest
from tests.chaos.conftest import Note
from tests.chaos.instances import Instance
from tests.chaos.oracle import saved_in_sqlite
from tests.chaos.scenario import SETTINGS, Scenario, seed
from tests.stub_process import Stub

pytestmark = pytest.mark.process


async def test_twenty_streams_in_sqlite(tmp_path: Path, prepared: Path, stub: Stub, note: Note) -> None:
    """Each client ends up with what is saved, or is told that its turn was lost with its worker."""
    settings = {"OPENAI_BASE_URL": stub.base_url, "OPENAI_MODEL": "stub-ttft300-itl100-len40"}
    instance = Instance(tmp_path, prepared, SETTINGS | settings)
    try:
        database = tmp_path / "data" / "lectern.sqlite3"
        scenario = Scenario([instance.port], [instance], lambda: saved_in_sqlite(database), seed())
        outcome = await scenario.run(20, ["SIGTERM of a worker", "SIGKILL of a worker"])
        note(outcome)
        assert outcome.verdict.faults == []
        assert (outcome.verdict.missing, outcome.verdict.surplus) == (0, 0)
        assert outcome.verdict.endings["answered: stop"] > 0
    finally:
        instance.close()
