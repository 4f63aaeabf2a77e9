"""Who carries which token, and who rated what: what tests of the chat API put in place of a login server."""

from collections.abc import Mapping, Sequence

from tests.identities import ListedPeople

from lectern.errors import Forbidden, TurnNotFound
from lectern.ports import Conversation, Feedback, Turn
from lectern.principal import Principal

ANNE, BEN = Principal("user", "anne"), Principal("account", "ben")


def bearer(principal: Principal) -> dict[str, str]:
    """The headers of somebody who is signed in."""
    return {"Authorization": f"Bearer {principal.id}"}


def logins() -> ListedPeople:
    """A login server whose tokens are the ids of whom they stand for."""
    return ListedPeople({principal.id: principal for principal in (ANNE, BEN)}, prefix="")


class Ratings:
    """Keeps feedback in memory; whose the turns are, it is told. The other verbs are not asked by the chat API."""

    def __init__(self, owners: Mapping[str, Principal]) -> None:
        self.owners = owners
        self.kept: list[tuple[Feedback, str]] = []

    async def rate(self, feedback: Feedback, *, principal_id: str) -> None:
        """Keep it, if the turn is known and this one's."""
        if feedback.turn_id not in self.owners:
            raise TurnNotFound
        if self.owners[feedback.turn_id].id != principal_id:
            raise Forbidden
        self.kept.append((feedback, principal_id))

    async def owned_by(self, principal_id: str, *, limit: int, offset: int) -> list[Conversation]:
        """Not asked."""
        raise NotImplementedError

    async def start(self, principal_id: str, title: str) -> Conversation:
        """Not asked."""
        raise NotImplementedError

    async def read(
        self, conversation_id: str, *, principal_id: str, limit: int, offset: int = 0
    ) -> tuple[Conversation, Sequence[Turn]]:
        """Not asked."""
        raise NotImplementedError

    async def rename(self, conversation_id: str, title: str, *, principal_id: str) -> None:
        """Not asked."""
        raise NotImplementedError

    async def claim(self, visitor_id: str, principal_id: str) -> int:
        """Not asked."""
        raise NotImplementedError
