"""What a worker's live turns need of the world around it: ids, and what others know of turns. Alone there is nobody."""

import hmac
import json
import secrets
import uuid
from typing import Protocol

from lectern.chat.following import Batches
from lectern.chat.live_turn import LiveTurn
from lectern.errors import TurnNotFound
from lectern.ports import JournalHead
from lectern.principal import Principal


class Ids(Protocol):
    """Makes the ids of turns: UUIDs, as text."""

    def new(self) -> str:
        """One of a turn without a key."""
        ...

    def keyed(self, scope: str, key: str) -> str:
        """The one id of the turn with this key, among those of a scope."""
        ...


class Others(Protocol):
    """What other workers, and the database, know of turns; and who is told of those that are live here."""

    async def claim(self, head: JournalHead) -> bool:
        """Make a turn with a key this worker's, before it begins; False when it is to be followed instead.

        It is under way elsewhere then, or was answered already.

        Raises:
            IdempotencyMismatch: The key was used for another request.
        """
        ...

    def began(self, turn: LiveTurn) -> None:
        """A turn is live here; `turn.news` tells when something happens in it, `turn.want` keeps it going."""
        ...

    def missed(self, turn: LiveTurn) -> None:
        """Its last follower here has left, and it goes on."""
        ...

    def ended(self, turn: LiveTurn) -> None:
        """It is over, and kept."""
        ...

    async def follow(self, turn_id: str, principal: Principal, *, position: int) -> Batches:
        """What happened in a turn that is not live here, behind a position, and what happens.

        Raises:
            TurnNotFound: There is none, or it is another's.
            InvalidRequest: The position lies in the future.
        """
        ...

    async def find(self, conversation_id: str, principal: Principal) -> str | None:
        """The turn of a conversation that is under way elsewhere, if there is one and the principal may follow it."""
        ...

    async def stop(self, turn_id: str, principal: Principal) -> bool:
        """Have a turn stopped that is not live here; False when there is none, or it is another's.

        Raises:
            TurnRunning: It is where nobody hears of it now.
        """
        ...

    async def close(self) -> None:
        """Return when nothing is left to do for turns that are over."""
        ...


class RandomIds:
    """Implements `Ids` for one process: what it derives ends with it."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)

    def new(self) -> str:
        """A random one."""
        return str(uuid.uuid4())

    def keyed(self, scope: str, key: str) -> str:
        """By a secret of this process."""
        told = json.dumps([scope, key]).encode()
        return str(uuid.UUID(bytes=hmac.digest(self._secret, told, "sha256")[:16], version=5))


class Alone:
    """Implements `Others` where there are none."""

    async def claim(self, head: JournalHead) -> bool:
        """Nobody else wants it."""
        del head
        return True

    def began(self, turn: LiveTurn) -> None:
        """Nobody is told."""

    def missed(self, turn: LiveTurn) -> None:
        """Nobody is told."""

    def ended(self, turn: LiveTurn) -> None:
        """Nobody is told."""

    async def follow(self, turn_id: str, principal: Principal, *, position: int) -> Batches:
        """There is none."""
        del turn_id, principal, position
        raise TurnNotFound

    async def find(self, conversation_id: str, principal: Principal) -> str | None:
        """There is none."""
        del conversation_id, principal
        return None

    async def stop(self, turn_id: str, principal: Principal) -> bool:
        """There is none."""
        del turn_id, principal
        return False

    async def close(self) -> None:
        """Nothing is."""
