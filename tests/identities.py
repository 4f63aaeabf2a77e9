"""A source of identities with a list of its own; for what has to be told apart, whoever the login server is."""

from collections.abc import Mapping

from lectern.errors import LecternError, Unauthorized
from lectern.ports import Part
from lectern.principal import Principal

COOKIE = "listed-session"


class ListedPeople:
    """Knows people by tokens that begin with its prefix, and the same in the cookie `listed-session`.

    Args:
        people: Who carries which token; an error is what a token of its kind meets that is not good.
        prefix: What its tokens begin with; others are of another kind.
        trouble: Raised instead of telling who carries a token of its kind.

    Attributes:
        trouble: As above; a test may change it.
        asked: The tokens and cookies that it was asked about.
    """

    def __init__(
        self,
        people: Mapping[str, Principal | LecternError],
        *,
        prefix: str = "listed-",
        trouble: LecternError | None = None,
    ) -> None:
        self._people = people
        self._prefix = prefix
        self.trouble = trouble
        self.asked: list[str] = []

    async def by_token(self, token: str) -> Principal | None:
        """Look it up."""
        self.asked.append(token)
        if not token.startswith(self._prefix):
            return None
        if self.trouble is not None:
            raise self.trouble
        found = self._people.get(token, Unauthorized())
        if isinstance(found, LecternError):
            raise found
        return found

    async def by_cookies(self, cookies: Mapping[str, str]) -> Principal | None:
        """Look its cookie up."""
        self.asked.append(f"cookies {' '.join(sorted(cookies))}")
        token = cookies.get(COOKIE, "")
        if self.trouble is not None and token.startswith(self._prefix):
            raise self.trouble
        found = self._people.get(token)
        return found if isinstance(found, Principal) else None

    def describe(self) -> Part:
        """Listed."""
        return Part("login", "listed", "ok")

    async def warm(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""
