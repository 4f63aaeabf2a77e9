"""What the tests of the bench's rows share: services as the suite starts them."""

from pathlib import Path

import pytest
from tests.service_process import environment


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """This Python instead of a `.venv` of the service's own; folder and port are the row's."""
    for name, value in environment(tmp_path).items():
        if name not in {"DATA_DIR", "PORT", "WEB_CONCURRENCY"}:
            monkeypatch.setenv(name, value)
