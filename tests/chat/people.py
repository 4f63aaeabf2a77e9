"""Who carries which token, and who rated what: what tests of the chat API put in place of a login server."""

from collections.abc import Mapping, Sequence

from lectern.errors import Forbidden, LecternError, TurnNotFound, Unauthorized
from lectern.ports import Conversation, Feedback, Part, Turn
from lectern.principal import Principal

ANNE, BEN = Principal("user", "anne"), Principal("account", "ben")


def bearer(principal: Principal) -> dict[str, str]:
    """The headers of somebody who is signed in."""
    return {"Authorization": f"Bearer {principal.id}"}


class Logins:
    """An identity source whose tokens are the ids of whom they stand for; it can be away."""

    def __init__(self) -> None:
        self.trouble: LecternError | None = None

    async def by_token(self, token: str) -> Principal | None:
        """Who it is, unless the login server is away."""
        if self.trouble is not None:
            raise self.trouble
        for principal in (ANNE, BEN):
            if token == principal.id:
                return principal
        raise Unauthorized

    async def by_cookies(self, cookies: Mapping[str, str]) -> Principal | None:
        """It gives out no cookies."""
        return None

    def describe(self) -> Part:
        """Scripted."""
        return Part("login", "scripted", "ok")

    async def warm(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""


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
