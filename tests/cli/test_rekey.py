"""`./entrypoint.sh rekey`, as an operator runs it after a change of `SECRET_KEY`."""

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from tests.serving.servers import ROOT

from lectern.adapters.sql_accounts import SqlAccounts
from lectern.adapters.sql_database import SqlDatabase
from lectern.adapters.sql_migrations import migrate
from lectern.keyring import Keyring
from lectern.ports import Account, Login

OLD, NEW = "o" * 32, "n" * 32
NOW = datetime.now(UTC)
ACCOUNT = Account(str(uuid4()), "ada@example.org", "Ada", "hash", NOW, NOW)


async def signed_up(url: str) -> None:
    """Ada's account, under the old secret."""
    database = SqlDatabase(url)
    login = Login(str(uuid4()), ACCOUNT.id, NOW, NOW + timedelta(days=1))
    await SqlAccounts(database, Keyring([OLD.encode()])).sign_up(ACCOUNT, {"proficiency": "pro"}, login)
    await database.close()


async def found(url: str, secret: str) -> Account | None:
    """Ada's account, by a secret alone."""
    database = SqlDatabase(url)
    account = await SqlAccounts(database, Keyring([secret.encode()])).by_email(ACCOUNT.email)
    await database.close()
    return account


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database with Ada's account."""
    url = f"sqlite:///{tmp_path / 'lectern.sqlite3'}"
    migrate(url)
    asyncio.run(signed_up(url))
    return url


def rekey(folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the verb with a folder's data and these variables only."""
    here = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "DATA_DIR": str(folder)}
    return subprocess.run(
        [str(ROOT / "entrypoint.sh"), "rekey"],
        env=here | {"LECTERN_NO_VENV": "1", "HOME": str(folder)} | env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_afterwards_the_newest_secret_is_enough(url: str, tmp_path: Path) -> None:
    """The operator sets the new one, lists the old one, runs it, and can drop the old one."""
    done = rekey(tmp_path, SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=OLD)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Rewritten with the newest secret: accounts 1, profiles 1.\n"
    assert asyncio.run(found(url, NEW)) == ACCOUNT
    assert asyncio.run(found(url, OLD)) is None


def test_a_forgotten_secret_is_told(url: str, tmp_path: Path) -> None:
    """Without the old one nothing is changed, and the operator learns why, without a word of anybody."""
    done = rekey(tmp_path, SECRET_KEY=NEW)
    assert done.returncode == 65
    assert "2 open with no secret" in done.stderr
    assert "SECRET_KEY_FALLBACKS" in done.stderr
    assert "Ada" not in done.stdout + done.stderr
    assert asyncio.run(found(url, OLD)) == ACCOUNT
