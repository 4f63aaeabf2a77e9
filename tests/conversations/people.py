"""Two people with tokens, and what they send."""

from typing import Final

from tests.identities import ListedPeople

from lectern.errors import LoginUnavailable, Unauthorized
from lectern.principal import Principal

ADA: Final = Principal("user", "ada", name="Ada", email="ada@example.org")
BOB: Final = Principal("account", "bob")

IDENTITIES: Final = ListedPeople(
    {
        "ada-token": ADA,
        "bob-token": BOB,
        "old-token": Unauthorized(),
        "unchecked-token": LoginUnavailable(),
    },
    prefix="",
)

AS_ADA: Final = {"Authorization": "Bearer ada-token"}
AS_BOB: Final = {"Authorization": "Bearer bob-token"}
