"""The contract of `Accounts`, over every database it stands on."""

import logging
import re
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import anyio
import pytest
from sqlalchemy import Connection, insert, select, update

from lectern.adapters.sql_accounts import SqlAccounts
from lectern.adapters.sql_database import SqlDatabase
from lectern.adapters.sql_migrations import migrate
from lectern.adapters.sql_models import AccountRow, ConversationRow, FeedbackRow, LoginRow, ProfileRow
from lectern.adapters.sql_rekey import rekey
from lectern.adapters.sql_store import SqlStore
from lectern.errors import EmailTaken, InvalidCredentials, Unauthorized
from lectern.keyring import Keyring
from lectern.ports import Account, Held, Login, Turn

OLD, NEW = b"the old secret", b"the new secret"
NOW = datetime.now(UTC)


@pytest.fixture(params=["sqlite", "postgres", "pgbouncer"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[SqlDatabase, None]:
    """A database of each kind. Others may have used a server's before; no test counts what is not its own."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'lectern.sqlite3'}"
        migrate(url)
    else:
        url = request.getfixturevalue(f"{request.param}_url")
    database = SqlDatabase(url, pool_size=3)
    yield database
    await database.close()


@pytest.fixture
def accounts(database: SqlDatabase) -> SqlAccounts:
    """Accounts under the old secret."""
    return SqlAccounts(database, Keyring([OLD]))


def an_account(email: str = "", name: str = "Ada Lovelace") -> Account:
    """An account that nobody else has."""
    return Account(str(uuid4()), email or f"{uuid4().hex}@example.org", name, "$argon2id$…", NOW, NOW)


def a_login(account: Account, hours: float = 1) -> Login:
    """A login of an account."""
    return Login(str(uuid4()), account.id, NOW, NOW + timedelta(hours=hours))


def turn_of(conversation: str, question: str, second: int, **changed: object) -> Turn:
    """A turn of a conversation."""
    turn = Turn(str(uuid4()), conversation, question, "Yes.", "answered", NOW + timedelta(seconds=second))
    return replace(turn, **changed)  # type: ignore[arg-type]


async def test_an_account_comes_back_unchanged(accounts: SqlAccounts) -> None:
    """By its e-mail, its id and its login, with every field; its profile, too."""
    account = an_account(name="Żółć 🦉")
    login = a_login(account)
    await accounts.sign_up(account, {"learning_goals": ["a", "b"], "proficiency": "pro"}, login)
    assert await accounts.by_email(account.email) == account
    assert await accounts.by_id(account.id) == account
    assert await accounts.by_login(login.id, account.id) == account
    assert await accounts.logins_of(account.id) == [login]
    assert await accounts.profile(f"account:{account.id}") == {"learning_goals": ["a", "b"], "proficiency": "pro"}


async def test_what_is_not_there_is_none(accounts: SqlAccounts) -> None:
    """Ids that name nothing, or are none, find nothing; ending them changes nothing."""
    for name in (str(uuid4()), "no-uuid", "", "\x00"):
        assert await accounts.by_id(name) is None
        assert await accounts.by_login(name, name) is None
        assert await accounts.logins_of(name) == []
        await accounts.end(name)
    assert await accounts.by_email("nobody@example.org") is None
    assert await accounts.profile("user:nobody") == {}
    assert await accounts.held("user:nobody", after=None, limit=5) == []


async def test_one_email_is_one_account(accounts: SqlAccounts, database: SqlDatabase) -> None:
    """The second sign-up is told so, leaves no trace, and the database is not thought to be down for it."""
    first, second = an_account(), an_account()
    second = replace(second, email=first.email)
    await accounts.sign_up(first, {}, a_login(first))
    with pytest.raises(EmailTaken):
        await accounts.sign_up(second, {"proficiency": "pro"}, a_login(second))
    assert await accounts.by_id(second.id) is None
    assert await accounts.profile(f"account:{second.id}") == {}
    assert database.describe().state == "ok"


async def test_of_a_race_one_wins(accounts: SqlAccounts, caplog: pytest.LogCaptureFixture) -> None:
    """Eight sign-ups with one e-mail at once: one account, seven refusals, nothing in the log."""
    email, won = an_account().email, []

    async def try_it() -> None:
        account = an_account(email)
        try:
            await accounts.sign_up(account, {}, a_login(account))
        except EmailTaken:
            return
        won.append(account)

    with caplog.at_level(logging.WARNING):
        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(try_it)
    assert [await accounts.by_email(email)] == won
    assert caplog.records == []


async def test_an_email_found_by_an_older_secret_is_taken(accounts: SqlAccounts, database: SqlDatabase) -> None:
    """After a change of the secret nobody signs up twice, and everybody is found."""
    account = an_account()
    await accounts.sign_up(account, {}, a_login(account))
    later = SqlAccounts(database, Keyring([NEW, OLD]))
    assert await later.by_email(account.email) == account
    again = an_account(account.email)
    with pytest.raises(EmailTaken):
        await later.sign_up(again, {}, a_login(again))
    assert await later.by_id(again.id) is None


async def test_a_login_ends(accounts: SqlAccounts) -> None:
    """One that was ended or has expired says nothing any more, and another's id with it says nothing."""
    account, other = an_account(), an_account()
    login, expired, kept = a_login(account), a_login(account, hours=-1), a_login(other)
    await accounts.sign_up(account, {}, login)
    await accounts.sign_up(other, {}, kept)
    await accounts.begin(expired)
    assert await accounts.by_login(expired.id, account.id) is None
    assert await accounts.by_login(kept.id, account.id) is None
    await accounts.end(login.id)
    assert await accounts.by_login(login.id, account.id) is None
    assert await accounts.by_login(kept.id, other.id) == other


async def test_expired_logins_go(accounts: SqlAccounts) -> None:
    """A new login takes those of the same account along that have expired, and no others."""
    account = an_account()
    first, expired, last = a_login(account), a_login(account, hours=-1), a_login(account, hours=2)
    await accounts.sign_up(account, {}, first)
    await accounts.begin(expired)
    await accounts.begin(last)
    assert {login.id for login in await accounts.logins_of(account.id)} == {first.id, last.id}


async def test_a_hash_is_replaced_only_while_it_is_the_same(accounts: SqlAccounts) -> None:
    """A rehash of a password that was changed meanwhile changes nothing."""
    account = an_account()
    await accounts.sign_up(account, {}, a_login(account))
    await accounts.rehash(replace(account, password_hash="another"), "wrong")
    assert await accounts.by_id(account.id) == account
    await accounts.rehash(account, "right")
    assert await accounts.by_id(account.id) == replace(account, password_hash="right")


async def test_a_profile_is_told_piece_by_piece(accounts: SqlAccounts) -> None:
    """Fields that are not named stay, None forgets one, and a user of a login server has a profile, too."""
    user = f"user:{uuid4()}"
    await accounts.tell(user, {"proficiency": "pro", "hardware_access": "a lab"})
    await accounts.tell(user, {"proficiency": None, "learning_goals": ["Ж", "x"]})
    assert await accounts.profile(user) == {"hardware_access": "a lab", "learning_goals": ["Ж", "x"]}


async def test_two_who_tell_at_once_are_both_heard(accounts: SqlAccounts) -> None:
    """Changes of different fields at the same moment are all kept."""
    user, names = f"user:{uuid4()}", ["proficiency", "hardware_access", "learning_goals"]
    async with anyio.create_task_group() as group:
        for name in names:
            group.start_soon(accounts.tell, user, {name: name})
    assert await accounts.profile(user) == {name: name for name in names}


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_all_that_is_held_comes_in_pages(accounts: SqlAccounts, database: SqlDatabase, limit: int) -> None:
    """Every turn of every own conversation once, with its feedback, whatever the page; empty ones, too; no other's."""
    owner, other = f"user:{uuid4()}", f"user:{uuid4()}"
    full, empty, foreign = str(uuid4()), str(uuid4()), str(uuid4())
    turns = [turn_of(full, f"Question {number}?", number // 2) for number in range(5)]
    store = SqlStore(database)
    for turn in (*turns, turn_of(foreign, "Secret?", 0)):
        await store.save_turn(turn)

    def prepare(connection: Connection) -> None:
        row = {"title": "Empty", "created_at": NOW, "updated_at": NOW, "principal_id": owner}
        connection.execute(insert(ConversationRow), [{"id": UUID(empty), **row}])
        own = update(ConversationRow)
        connection.execute(own.where(ConversationRow.id == UUID(full)).values(principal_id=owner))
        connection.execute(own.where(ConversationRow.id == UUID(foreign)).values(principal_id=other))
        feedback = {"turn_id": UUID(turns[1].id), "rating": -1, "comment": "no", "created_at": NOW}
        connection.execute(insert(FeedbackRow), [feedback])

    await database.run(prepare, writes=True)
    found: list[Held] = []
    while page := await accounts.held(owner, after=found[-1] if found else None, limit=limit):
        assert len(page) <= limit
        found += page
    assert {entry.conversation_id for entry in found} == {full, empty}
    of_full = [entry for entry in found if entry.conversation_id == full]
    assert sorted(entry.turn.id for entry in of_full if entry.turn) == sorted(turn.id for turn in turns)
    moments = [entry.turn.created_at for entry in of_full if entry.turn]
    assert moments == sorted(moments)
    assert [entry.turn for entry in found if entry.conversation_id == empty] == [None]
    rated = {entry.turn.id: (entry.rating, entry.comment) for entry in of_full if entry.turn}
    assert rated.pop(turns[1].id) == (-1, "no")
    assert set(rated.values()) == {(None, "")}


async def test_forgetting_leaves_nothing(accounts: SqlAccounts) -> None:
    """Account, logins and profile of one are gone, another's are there; doing it again is no error."""
    account, other = an_account(), an_account()
    login, others = a_login(account), a_login(other)
    await accounts.sign_up(account, {"proficiency": "pro"}, login)
    await accounts.sign_up(other, {"proficiency": "pro"}, others)
    for _ in range(2):
        await accounts.forget(f"account:{account.id}")
    assert await accounts.by_email(account.email) is None
    assert await accounts.by_login(login.id, account.id) is None
    assert await accounts.logins_of(account.id) == []
    assert await accounts.profile(f"account:{account.id}") == {}
    assert await accounts.by_login(others.id, other.id) == other
    await accounts.forget("user:never-was-here")


async def test_nothing_is_kept_for_an_account_that_is_gone(accounts: SqlAccounts, database: SqlDatabase) -> None:
    """A request that was let in before the account was deleted leaves no login and no profile, and no database down."""
    account = an_account()
    with pytest.raises(InvalidCredentials):
        await accounts.begin(a_login(account))
    with pytest.raises(Unauthorized):
        await accounts.tell(f"account:{account.id}", {"proficiency": "pro"})
    assert await accounts.logins_of(account.id) == []
    assert await accounts.profile(f"account:{account.id}") == {}
    assert database.describe().state == "ok"


async def test_a_deletion_among_requests_leaves_nothing(accounts: SqlAccounts, database: SqlDatabase) -> None:
    """Whoever tells or signs in while the account is deleted: in the end there is no row of it."""
    for _ in range(5):
        account = an_account()
        await accounts.sign_up(account, {}, a_login(account))
        owner = f"account:{account.id}"

        async def tell(name: str, owner: str = owner) -> None:
            with suppress(Unauthorized):
                await accounts.tell(owner, {name: "x"})

        async def begin(account: Account = account) -> None:
            with suppress(InvalidCredentials):
                await accounts.begin(a_login(account))

        async with anyio.create_task_group() as group:
            group.start_soon(tell, "proficiency")
            group.start_soon(begin)
            group.start_soon(accounts.forget, owner)
            group.start_soon(tell, "learning_goals")
            group.start_soon(begin)
        assert await accounts.by_id(account.id) is None
        assert await accounts.logins_of(account.id) == []
        assert await accounts.profile(owner) == {}
    assert database.describe().state == "ok"


async def test_the_database_holds_no_personal_word(accounts: SqlAccounts, database: SqlDatabase) -> None:
    """No column of any row of an account, its login or its profile has the e-mail, the name or the profile in it."""
    account = an_account(f"marker-{uuid4().hex}@example.org", name="Marker Name")
    await accounts.sign_up(account, {"technical_background": "marker background"}, a_login(account))

    def dump(connection: Connection) -> str:
        rows = [connection.execute(select(table)).all() for table in (AccountRow, LoginRow, ProfileRow)]
        return repr(rows).lower()

    held = await database.run(dump)
    assert account.id.replace("-", "") in held.replace("-", "")
    assert re.findall(r"marker", held) == []


async def test_a_value_opens_only_where_it_was_put(accounts: SqlAccounts, database: SqlDatabase) -> None:
    """Who can write to the database cannot give one account's sealed name to another."""
    one, other = an_account(name="One"), an_account(name="Other")
    for account in (one, other):
        await accounts.sign_up(account, {}, a_login(account))

    def swap(connection: Connection) -> None:
        name = select(AccountRow.name).where(AccountRow.id == UUID(one.id))
        connection.execute(
            update(AccountRow).where(AccountRow.id == UUID(other.id)).values(name=name.scalar_subquery())
        )

    await database.run(swap, writes=True)
    found = await accounts.by_id(other.id)
    assert found is not None
    assert found.name == ""


async def test_rekeying_lets_the_old_secret_go(tmp_path: Path) -> None:
    """Afterwards the newest secret alone finds and opens everything; before, it could not. More than one page."""
    url = f"sqlite:///{tmp_path / 'rekey.sqlite3'}"
    migrate(url)
    database = SqlDatabase(url)
    before = SqlAccounts(database, Keyring([OLD]))
    kept = [an_account() for _ in range(120)]
    for account in kept:
        await before.sign_up(account, {"proficiency": "pro"}, a_login(account))
    alone = SqlAccounts(database, Keyring([NEW]))
    assert await alone.by_email(kept[0].email) is None
    done = await rekey(database, Keyring([NEW, OLD]))
    assert (done.accounts, done.profiles, done.unreadable, done.changed) == (120, 120, 0, 0)
    for account in kept:
        assert await alone.by_email(account.email) == account
        assert await alone.profile(f"account:{account.id}") == {"proficiency": "pro"}
    assert await before.by_email(kept[0].email) is None
    await database.close()


async def test_rekeying_without_the_old_secret_changes_nothing(tmp_path: Path) -> None:
    """What no secret opens is counted and left as it is, so that the secret can be found again."""
    url = f"sqlite:///{tmp_path / 'rekey.sqlite3'}"
    migrate(url)
    database = SqlDatabase(url)
    before, account = SqlAccounts(database, Keyring([OLD])), an_account()
    await before.sign_up(account, {"proficiency": "pro"}, a_login(account))
    done = await rekey(database, Keyring([NEW]))
    assert (done.accounts, done.profiles, done.unreadable) == (0, 0, 2)
    assert await before.by_email(account.email) == account
    await database.close()


async def test_rekeying_runs_on_every_database(accounts: SqlAccounts, database: SqlDatabase) -> None:
    """A row that was there is found by the newest secret alone afterwards."""
    account = an_account()
    await accounts.sign_up(account, {"proficiency": "pro"}, a_login(account))
    await rekey(database, Keyring([NEW, OLD]))
    alone = SqlAccounts(database, Keyring([NEW]))
    assert await alone.by_email(account.email) == account
