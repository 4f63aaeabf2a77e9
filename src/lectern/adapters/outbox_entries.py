"""What the names of the outbox's files tell: which turn, of which conversation, whose. No file is read for it. Pure.

Whose it is stands there as a digest, so that a folder's listing names nobody.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from lectern.ports import Turn
from lectern.principal import is_anonymous

_SUFFIX = ".turn"
_NOBODY, _VISITOR = "0", "v"
_DIGEST_CHARACTERS = 32


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One turn on the disk.

    Attributes:
        created_us: When the question came, in microseconds since 1970.
        turn: The turn's id.
        conversation: Its conversation's.
        owner: Who asked, as `owner_mark` gives it.
        size: Bytes.
        name: The file's name.
        is_aside: Whether it was set aside, instead of waiting.
    """

    created_us: int
    turn: UUID
    conversation: UUID
    owner: str
    size: int
    name: str
    is_aside: bool = False

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody who could sign in asked."""
        return self.owner == _NOBODY or self.owner.startswith(_VISITOR)


def owner_mark(principal_id: str | None) -> str:
    """What stands for a principal in a name."""
    if principal_id is None:
        return _NOBODY
    digest = hashlib.sha256(principal_id.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_CHARACTERS]
    return _VISITOR + digest if is_anonymous(principal_id) else digest


def name_of(turn: Turn, size: int) -> str:
    """The name of a turn's file.

    Raises:
        ValueError: An id is no UUID.
    """
    created_us = int(turn.created_at.timestamp() * 1_000_000)
    ids = f"{UUID(turn.conversation_id).hex}.{UUID(turn.id).hex}.{owner_mark(turn.principal_id)}"
    return f"{created_us:020d}.{ids}.{size}{_SUFFIX}"


def entry_of(name: str, *, is_aside: bool = False) -> Entry | None:
    """What a name tells; None when it is not one of ours. Names of older versions do not tell whose it is: nobody's."""
    if not name.endswith(_SUFFIX):
        return None
    try:
        created, conversation, turn, *owner, size = name.removesuffix(_SUFFIX).split(".")
        [mark] = owner or [_NOBODY]
        return Entry(int(created), UUID(turn), UUID(conversation), mark, int(size), name, is_aside)
    except ValueError:
        return None


def of_conversation(entries: Iterable[Entry], conversation_id: str) -> list[Entry]:
    """The entries of a conversation. An id that is none names no conversation."""
    try:
        conversation = UUID(conversation_id)
    except ValueError:
        return []
    return [entry for entry in entries if entry.conversation == conversation]


def visible(entries: Iterable[Entry], mark: str) -> list[Entry]:
    """Those that this one asked, or somebody anonymous."""
    return [entry for entry in entries if entry.is_anonymous or entry.owner == mark]


def are_anothers(entries: Iterable[Entry], mark: str) -> bool:
    """Whether a conversation of which only these turns are known will be another's: the first known one owns it.

    Args:
        entries: All of the conversation, oldest first; what was set aside claims nothing.
        mark: Whom it should belong to.
    """
    owners = (entry.owner for entry in entries if not (entry.is_anonymous or entry.is_aside))
    return next(owners, mark) != mark


def of_turn(entries: Iterable[Entry], turn_id: str, mark: str) -> list[Entry]:
    """The entry of a turn, if it is there and this one's to read. An id that is none names no turn.

    It is for who asked; an anonymous one for all, unless its conversation will be another's.
    """
    try:
        turn = UUID(turn_id)
    except ValueError:
        return []
    entries = list(entries)

    def is_readable(entry: Entry) -> bool:
        if not entry.is_anonymous:
            return entry.owner == mark
        return not are_anothers((each for each in entries if each.conversation == entry.conversation), mark)

    return [entry for entry in entries if entry.turn == turn and is_readable(entry)]


def left_by(entries: Iterable[Entry], mark: str) -> list[Entry]:
    """What must go when a principal's conversations do: its turns, and the anonymous ones that they go on from."""
    entries = list(entries)
    conversations = {entry.conversation for entry in entries if entry.owner == mark}
    return [entry for entry in visible(entries, mark) if entry.conversation in conversations]
