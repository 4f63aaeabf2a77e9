"""All that is held of a person: handed out as a file, and deleted for good."""

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, insert
from tests.accounts.conftest import PASSWORD, Service
from tests.scripted import FailingDatabase
from tests.sql_parts import database_of

from lectern.accounts.export import begin_export
from lectern.adapters.sql_models import ConversationRow, FeedbackRow, TurnRow
from lectern.adapters.sql_store import SqlStore
from lectern.adapters.sql_tasks import SqlTasks
from lectern.errors import StoreUnavailable
from lectern.ports import Confirmation, Held, JournalHead
from lectern.principal import Principal
from lectern.wiring.accounts import build_people_desk

BEGAN = datetime(2026, 1, 2, tzinfo=UTC)


async def converse(service: Service, principal_id: str, turns: int) -> str:
    """A conversation of somebody with that many turns, the first of which it liked."""
    conversation, firsts = uuid4(), [uuid4() for _ in range(turns)]
    store = service.ports.store
    assert isinstance(store, SqlStore)
    empty: dict[str, Any] = {"context": "", "sources": [], "degraded": {}, "usage": {}, "timings": {}}

    def keep(connection: Connection) -> None:
        head = {"id": conversation, "principal_id": principal_id, "title": "Reducers"}
        connection.execute(insert(ConversationRow), [head | {"created_at": BEGAN, "updated_at": BEGAN}])
        rows = [
            empty
            | {
                "id": turn,
                "conversation_id": conversation,
                "question": f"Question {number}?",
                "answer": "Yes.",
                "outcome": "answered",
                "created_at": BEGAN + timedelta(seconds=number),
            }
            for number, turn in enumerate(firsts)
        ]
        if rows:
            connection.execute(insert(TurnRow), rows)
            liked = {"turn_id": firsts[0], "rating": 1, "comment": "thanks", "created_at": BEGAN}
            connection.execute(insert(FeedbackRow), [liked])

    await database_of(store).run(keep, writes=True)
    return str(conversation)


async def do_things(service: Service, principal_id: str, tasks: int) -> None:
    """So many tasks of somebody, a turn of the assistant that made them, and what it then asked."""
    assert service.ports.tasks is not None
    for number in range(tasks):
        await service.ports.tasks.add(principal_id, f"Task {number}", most=1000, key=f"turn:{number}")
    await service.ports.tasks.begin_turn(principal_id, "turn", digest="d", seconds=60)
    await service.ports.tasks.finish_turn(principal_id, "turn", {"text": "Added."})
    question = Confirmation(str(uuid4()), ({"name": "delete_task"},), "Delete all?", BEGAN)
    await service.ports.tasks.ask(principal_id, str(uuid4()), question)


async def ask(service: Service, principal_id: str, turns: int) -> None:
    """So many turns of somebody that are written down while they are under way."""
    assert service.ports.journal is not None
    for number in range(turns):
        head = JournalHead(str(uuid4()), str(uuid4()), principal_id, f"Now {number}?")
        await service.ports.journal.append(head, 1, [["delta", {"text": "So"}]], seconds=60)
        await service.ports.journal.append(head, 2, [["delta", {"text": " it is"}]], seconds=60)


async def test_an_export_has_everything(service: Service) -> None:
    """Account, profile, logins, each conversation with each turn and what was thought of it; more than one page."""
    made = await service.sign_up("ada@example.org", programmingLevel="advanced")
    owner = f"account:{made['user']['id']}"  # type: ignore[index]
    long, short, empty = [await converse(service, owner, turns) for turns in (450, 1, 0)]
    await converse(service, "account:somebody-else", 3)
    await do_things(service, owner, 410)
    await do_things(service, "account:somebody-else", 3)
    await ask(service, owner, 210)
    await ask(service, "account:somebody-else", 1)
    answer = await service.client.get("/api/auth/export")
    assert answer.headers["content-disposition"] == 'attachment; filename="lectern-export.json"'
    assert answer.headers["content-type"] == "application/json"
    held = answer.json()
    assert held["account"]["email"] == "ada@example.org"
    assert "password" not in answer.text
    assert held["profile"] == {"programming_level": "advanced"}
    assert len(held["logins"]) == 1
    conversations = {entry["id"]: entry for entry in held["conversations"]}
    assert set(conversations) == {long, short, empty}
    questions = [turn["question"] for turn in conversations[long]["turns"]]
    assert questions == [f"Question {number}?" for number in range(450)]
    assert conversations[short]["turns"][0]["feedback"] == {"rating": 1, "comment": "thanks"}
    assert conversations[long]["turns"][1]["feedback"] is None
    assert conversations[empty]["turns"] == []
    assert conversations[empty]["title"] == "Reducers"
    assert [task["title"] for task in held["tasks"]] == [f"Task {number}" for number in range(410)]
    remembered = Counter(entry["kind"] for entry in held["remembered"])
    assert remembered == {"write": 410, "turn": 1, "confirmation": 1}
    assert held["remembered"][-2]["content"] == {"text": "Added."}
    assert held["remembered"][-1]["content"]["question"] == "Delete all?"
    assert {turn["question"] for turn in held["live_turns"]} == {f"Now {number}?" for number in range(210)}
    assert held["live_turns"][0]["events"] == [["delta", {"text": "So"}], ["delta", {"text": " it is"}]]


async def test_the_operators_export_is_the_owners(service: Service) -> None:
    """It has the same of a person, tasks and turns under way included."""
    await do_things(service, "user:42", 3)
    await ask(service, "user:42", 2)
    people = build_people_desk(service.ports)
    assert people.export is not None
    pieces = [piece async for piece in await people.export("user:42")]
    headers = {"Authorization": "Bearer site-token"}
    owners = (await service.client.get("/api/auth/export", headers=headers)).json()
    operators = json.loads(b"".join(pieces))
    assert (len(operators["tasks"]), len(operators["live_turns"])) == (3, 2)
    assert operators == owners | {"principal": operators["principal"]}


async def test_an_export_of_nothing_is_whole(service: Service) -> None:
    """Somebody who never asked anything gets the same object, empty."""
    await service.sign_up()
    held = (await service.client.get("/api/auth/export")).json()
    assert [held[name] for name in ("conversations", "tasks", "remembered", "live_turns")] == [[]] * 4


async def test_exports_are_bounded(service: Service) -> None:
    """Each reads all there is, so the eleventh of an hour waits."""
    await service.sign_up()
    statuses = [(await service.client.get("/api/auth/export")).status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]


class FailsLater:
    """The accounts of a service, whose second page cannot be read."""

    def __init__(self, service: Service) -> None:
        self._accounts = service.accounts

    def __getattr__(self, name: str) -> Any:
        return getattr(self._accounts, name)

    async def held(self, principal_id: str, *, after: Held | None, limit: int) -> Sequence[Held]:
        """One page."""
        if after is not None:
            raise StoreUnavailable
        return await self._accounts.held(principal_id, after=None, limit=limit)


async def test_an_export_that_breaks_off_is_no_whole_object(service: Service) -> None:
    """What could not be read to its end cannot be mistaken for all there is."""
    await converse(service, "user:7", 300)
    pieces, failed = b"", False
    accounts: Any = FailsLater(service)
    try:
        async for piece in await begin_export(Principal("user", "7"), accounts):
            pieces += piece
    except StoreUnavailable:
        failed = True
    assert failed
    with pytest.raises(json.JSONDecodeError):
        json.loads(pieces)


def counts(service: Service) -> dict[str, int]:
    """How many rows each table has."""
    with closing(sqlite3.connect(service.file)) as database:
        tables = "accounts logins profiles conversations turns feedback".split()
        tables += "task_lists tasks task_writes task_turns confirmations live_turns turn_events".split()
        return {table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}


async def test_an_account_is_deleted_with_all_that_is_its(service: Service) -> None:
    """Nothing of it is in any table, its cookie and token are worth nothing, and another's things are there."""
    made = await service.sign_up("gone@example.org", proficiency="pro")
    headers = {"Authorization": f"Bearer {made['session']['accessToken']}"}  # type: ignore[index]
    await converse(service, f"account:{made['user']['id']}", 3)  # type: ignore[index]
    await converse(service, "account:somebody-else", 2)
    await do_things(service, f"account:{made['user']['id']}", 3)  # type: ignore[index]
    await do_things(service, "account:somebody-else", 2)
    await ask(service, f"account:{made['user']['id']}", 3)  # type: ignore[index]
    await ask(service, "account:somebody-else", 1)
    answer = await service.client.request("DELETE", "/api/auth/account", headers=headers, json={"password": PASSWORD})
    assert answer.json() == {"success": True}
    assert "lectern_login=; Max-Age=0" in answer.headers["set-cookie"]
    assert counts(service) == {
        "accounts": 0,
        "logins": 0,
        "profiles": 0,
        "conversations": 1,
        "turns": 2,
        "feedback": 1,
        "task_lists": 1,
        "tasks": 2,
        "task_writes": 2,
        "task_turns": 1,
        "confirmations": 1,
        "live_turns": 1,
        "turn_events": 2,
    }
    assert (await service.client.get("/api/auth/verify", headers=headers)).status_code == 401
    await service.sign_up("gone@example.org")


async def test_an_account_stays_while_its_tasks_cannot_go(service: Service) -> None:
    """Its owner is told, and can ask again."""
    made = await service.sign_up()
    await do_things(service, f"account:{made['user']['id']}", 1)  # type: ignore[index]
    app = service.client._transport.app  # type: ignore[attr-defined]
    app.state.ports = replace(service.ports, tasks=SqlTasks(FailingDatabase()))
    answer = await service.client.request("DELETE", "/api/auth/account", json={"password": PASSWORD})
    assert (answer.status_code, answer.json()["error"]) == (503, "store_unavailable")
    app.state.ports = service.ports
    answer = await service.client.request("DELETE", "/api/auth/account", json={"password": PASSWORD})
    assert answer.json() == {"success": True}
    assert set(counts(service).values()) == {0}


@pytest.mark.parametrize(("body", "status"), [(None, 401), ({"password": "not this one"}, 401), ({}, 422)])
async def test_an_account_stays_without_its_password(service: Service, body: Any, status: int) -> None:
    """Who finds an open page cannot delete its reader's account."""
    made = await service.sign_up()
    await converse(service, f"account:{made['user']['id']}", 1)  # type: ignore[index]
    before = counts(service)
    answer = await service.client.request("DELETE", "/api/auth/account", json=body)
    assert answer.status_code == status
    assert counts(service) == before


async def test_a_deletion_is_no_way_to_guess(service: Service) -> None:
    """It counts as an attempt to sign in does."""
    await service.sign_up()
    wrong = {"password": "wrong password"}
    statuses = [
        (await service.client.request("DELETE", "/api/auth/account", json=wrong)).status_code for _ in range(11)
    ]
    assert statuses == [401] * 10 + [429]
