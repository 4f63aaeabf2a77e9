"""All that is held of a person, as one JSON object, a page of it in memory at a time."""

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import asdict
from typing import Any, Final, get_args

from lectern.ports import Account, Accounts, Held, Journal, JournalPage, Login, RememberedKind, Tasks
from lectern.principal import Principal

_PAGE: Final = 200
"""Turns read at once: a page of long answers stays below some megabytes."""

_Pages = AsyncGenerator[Sequence[dict[str, Any]], None]


async def begin_export(
    principal: Principal, accounts: Accounts, tasks: Tasks | None = None, journal: Journal | None = None
) -> AsyncGenerator[bytes, None]:
    """The pieces of the object, the first of which is read by this very call.

    Args:
        principal: Whose.
        accounts: Where the account, the profile and the conversations are.
        tasks: Where the tasks are; None where none are kept.
        journal: Where turns under way are written down; None as above.

    Should a later one fail, the object stays without its end, and nobody takes it for a whole one.

    Raises:
        StoreUnavailable: It cannot be read now.
    """
    pieces = _pieces(principal, accounts, tasks, journal)
    first = await anext(pieces)

    async def all_pieces() -> AsyncGenerator[bytes, None]:
        async with aclosing(pieces):
            yield first
            async for piece in pieces:
                yield piece

    return all_pieces()


async def _pieces(
    principal: Principal, accounts: Accounts, tasks: Tasks | None, journal: Journal | None
) -> AsyncGenerator[bytes, None]:
    account = await accounts.by_id(principal.subject) if principal.kind == "account" else None
    logins = await accounts.logins_of(principal.subject) if account else ()
    profile = await accounts.profile(principal.id)
    page = await accounts.held(principal.id, after=None, limit=_PAGE)
    head = {
        "principal": {"id": principal.id, "email": principal.email, "name": principal.name},
        "account": _account(account),
        "logins": [_login(login) for login in logins],
        "profile": profile,
    }
    yield _json(head)[:-1]
    conversations = _conversations(principal.id, accounts, page)
    mine = _pages_of_tasks(principal.id, tasks) if tasks else None
    remembered = _pages_of_remembered(principal.id, tasks) if tasks else None
    live = _pages_of_live_turns(principal.id, journal) if journal else None
    for pieces in (
        conversations,
        _array("tasks", mine),
        _array("remembered", remembered),
        _array("live_turns", live),
    ):
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece
    yield b"}\n"


async def _conversations(principal_id: str, accounts: Accounts, page: Sequence[Held]) -> AsyncGenerator[bytes, None]:
    """The conversations, of which this is the first page."""
    yield b',"conversations":['
    conversation = ""
    while page:
        pieces = []
        for entry in page:
            pieces.append(_entry(entry, conversation))
            conversation = entry.conversation_id
        yield b"".join(pieces)
        page = await accounts.held(principal_id, after=page[-1], limit=_PAGE) if len(page) == _PAGE else ()
    yield b"]}]" if conversation else b"]"


async def _pages_of_tasks(principal_id: str, tasks: Tasks) -> _Pages:
    page = await tasks.listed(principal_id, limit=_PAGE)
    while page:
        yield [asdict(task) for task in page]
        page = await tasks.listed(principal_id, limit=_PAGE, after=page[-1].id)


async def _pages_of_remembered(principal_id: str, tasks: Tasks) -> _Pages:
    for kind in get_args(RememberedKind):
        page = await tasks.remembered(principal_id, kind, limit=_PAGE)
        while page:
            yield [asdict(entry) for entry in page]
            page = await tasks.remembered(principal_id, kind, after=page[-1].key, limit=_PAGE)


async def _pages_of_live_turns(principal_id: str, journal: Journal) -> _Pages:
    page = await journal.held(principal_id, limit=_PAGE)
    while page:
        yield [_live_turn(entry) for entry in page]
        page = await journal.held(principal_id, after=page[-1].head.turn_id, limit=_PAGE)


async def _array(name: str, pages: _Pages | None) -> AsyncGenerator[bytes, None]:
    """A list of entries under its name, a page at a time; an empty one where nobody keeps such."""
    yield f',"{name}":['.encode()
    if pages is not None:
        comma = b""
        async with aclosing(pages):
            async for page in pages:
                yield comma + b",".join(_json(entry) for entry in page)
                comma = b","
    yield b"]"


def _entry(entry: Held, conversation: str) -> bytes:
    """A turn, after the end of the conversation before it and the head of its own when that is another one."""
    turn = _json(_turn(entry)) if entry.turn else b""
    if entry.conversation_id == conversation:
        return b"," + turn
    head = _json(
        {
            "id": entry.conversation_id,
            "title": entry.title,
            "created_at": entry.created_at,
            "updated_at": entry.updated_at,
        }
    )
    return (b"]}," if conversation else b"") + head[:-1] + b',"turns":[' + turn


def _turn(entry: Held) -> dict[str, Any]:
    assert entry.turn is not None
    fields = asdict(entry.turn)
    fields["feedback"] = None if entry.rating is None else {"rating": entry.rating, "comment": entry.comment}
    return fields


def _live_turn(entry: JournalPage) -> dict[str, Any]:
    return {
        "id": entry.head.turn_id,
        "conversation_id": entry.head.conversation_id,
        "question": entry.head.question,
        "created_at": entry.created_at,
        "events": [event for _, events in entry.batches for event in events],
    }


def _account(account: Account | None) -> dict[str, Any] | None:
    """An account without the hash of its password, which is no use to anybody but a thief."""
    if account is None:
        return None
    return {
        "id": account.id,
        "email": account.email,
        "name": account.name,
        "created_at": account.created_at,
        "updated_at": account.updated_at,
    }


def _login(login: Login) -> dict[str, Any]:
    return {"created_at": login.created_at, "expires_at": login.expires_at}


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str).encode()
