"""An app with accounts of its own, over a real database in a file of the test's."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from tests.accounts.counting import CountedPasswords, LocalCounters
from tests.identities import ListedPeople
from tests.scripted import FixedIndex, ScriptedLLM, hits, passage
from tests.sql_parts import database_of

from lectern.accounts.desk import AccountDesk
from lectern.accounts.identities import AccountIdentities
from lectern.accounts.throttle import Throttle
from lectern.accounts.tokens import Tokens
from lectern.adapters.sql_accounts import SqlAccounts
from lectern.adapters.sql_journal import SqlJournal
from lectern.adapters.sql_store import SqlStore
from lectern.adapters.sql_tasks import SqlTasks
from lectern.app import create_app
from lectern.config import Settings
from lectern.keyring import Keyring
from lectern.ports import Ports
from lectern.principal import Principal

SITE = "http://lectern.test"
PASSWORD = "correct horse battery"


GRACE = Principal("user", "42", name="Grace", email="grace@example.org")
"""A user of the site's login server, whose token is `site-token`."""


@dataclass
class Service:
    """An app and what stands behind it."""

    client: httpx2.AsyncClient
    ports: Ports
    passwords: CountedPasswords
    counters: LocalCounters
    file: Path

    @property
    def accounts(self) -> SqlAccounts:
        """Where accounts are kept."""
        assert isinstance(self.ports.accounts, SqlAccounts)
        return self.ports.accounts

    def elsewhere(self, base_url: str = SITE) -> httpx2.AsyncClient:
        """Another browser."""
        return httpx2.AsyncClient(transport=self.client._transport, base_url=base_url)

    async def sign_up(self, email: str = "", **fields: object) -> dict[str, object]:
        """A new account's answer; by a cookie unless `proficiency` is given."""
        body = {"email": email or f"{uuid4().hex}@example.org", "password": PASSWORD, "name": "Ada", **fields}
        answer = await self.client.post("/api/auth/sign-up", json=body)
        assert answer.status_code == 201, answer.text
        told: dict[str, object] = answer.json()
        return told


@pytest.fixture
async def service(store: SqlStore, settings: Settings, tmp_path: Path) -> AsyncGenerator[Service, None]:
    """The app, with cheap hashes and counters in this process."""
    keyring, counters, passwords = Keyring([b"a secret of the tests"]), LocalCounters(), CountedPasswords()
    accounts = SqlAccounts(database_of(store), keyring)
    ports = Ports(
        store=store,
        index=FixedIndex(hits(passage(1, "Reducers are pure."))),
        llm=ScriptedLLM("Pure ", "functions [1]."),
        accounts=accounts,
        identities=(ListedPeople({"site-token": GRACE}, prefix="site-"), AccountIdentities(accounts, Tokens(keyring))),
        counters=counters,
        tasks=SqlTasks(database_of(store)),
        journal=SqlJournal(database_of(store)),
    )
    app = create_app(settings, ports)
    app.state.accounts = AccountDesk(
        accounts,
        passwords=passwords,
        tokens=Tokens(keyring),
        throttle=Throttle(counters, keyring),
        login_seconds=3600,
        is_open=True,
    )
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url=SITE) as client:
        yield Service(client, ports, passwords, counters, tmp_path / "lectern.sqlite3")


def with_conversations(service: Service, conversations: object) -> None:
    """Give the app another port of conversations."""
    app = service.client._transport.app  # type: ignore[attr-defined]
    app.state.ports = replace(service.ports, conversations=conversations)  # type: ignore[arg-type]
