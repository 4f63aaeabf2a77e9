"""What counts as a bearer token, before anybody is asked about it."""

import pytest
from starlette.datastructures import Headers

from lectern.errors import Unauthorized
from lectern.ports import MOST_CREDENTIAL_CHARACTERS
from lectern.web.credentials import bearer_token, of_sensible_size

LONGEST = "x" * MOST_CREDENTIAL_CHARACTERS
HUB = ("Authorization", "Bearer hf_of_the_hub")


def headers(*pairs: tuple[str, str]) -> Headers:
    """As a server reads them."""
    return Headers(raw=[(name.lower().encode(), value.encode("latin-1")) for name, value in pairs])


@pytest.mark.parametrize(
    ("pairs", "token"),
    [
        ([], None),
        ([("Authorization", "Bearer abc.d-e_f~+/=")], "abc.d-e_f~+/="),
        ([("Authorization", "bEARER   abc  ")], "abc"),
        ([("Authorization", f"Bearer {LONGEST}")], LONGEST),
        ([("Authorization", "Bearer one"), ("X-Lectern-Authorization", "Bearer two")], "two"),
        ([("Authorization", "Bearer ü"), ("X-Lectern-Authorization", "Bearer two")], "two"),
        ([("Authorization", "Basic dXNlcjpwYXNz")], None),
        ([("Authorization", "")], None),
        ([("Authorization", "Bearers abc")], None),
        ([("X-Lectern-Authorization", "")], None),
        ([HUB], "hf_of_the_hub"),
    ],
)
def test_the_token_of_the_header_that_counts(pairs: list[tuple[str, str]], token: str | None) -> None:
    """The own header wins whatever the other one holds; another scheme in the other one is a proxy's."""
    assert bearer_token(headers(*pairs), on_space=False) == token


@pytest.mark.parametrize(
    ("pairs", "token"),
    [
        ([HUB], None),
        ([HUB, ("X-Lectern-Authorization", "Bearer two")], "two"),
        ([("X-Lectern-Authorization", "Bearer hf_mine")], "hf_mine"),
        ([("Authorization", "Bearer abc")], "abc"),
    ],
)
def test_on_a_space_the_hub_s_token_is_the_hub_s(pairs: list[tuple[str, str]], token: str | None) -> None:
    """It opened a private Space's edge and says nothing to Lectern."""
    assert bearer_token(headers(*pairs), on_space=True) == token


@pytest.mark.parametrize(
    "pairs",
    [
        [("Authorization", "Bearer ")],
        [("Authorization", "Bearer")],
        [("Authorization", f"Bearer {LONGEST}x")],
        [("Authorization", f"Bearer {'x' * 16384}")],
        [("Authorization", "Bearer \xe9\xff")],
        [("Authorization", "Bearer a b")],
        [("Authorization", "Bearer a\tb")],
        [("Authorization", "Bearer a\x00")],
        [("Authorization", "Bearer abc"), ("Authorization", "Bearer abc")],
        [("Authorization", "Basic dXNlcjpwYXNz"), ("Authorization", "Bearer abc")],
        [("X-Lectern-Authorization", "Bearer abc"), ("X-Lectern-Authorization", "Bearer abc")],
        [("X-Lectern-Authorization", "abc")],
        [("X-Lectern-Authorization", "Basic dXNlcjpwYXNz")],
        [("X-Lectern-Authorization", "Bearer "), ("Authorization", "Bearer abc")],
    ],
)
def test_what_can_be_nobody_s_token_is_refused(pairs: list[tuple[str, str]]) -> None:
    """Empty, too long, two of them, or of characters that no token has; the refusal repeats nothing of it."""
    with pytest.raises(Unauthorized) as caught:
        bearer_token(headers(*pairs), on_space=False)
    assert caught.value.message == Unauthorized.default_message


def test_cookies_of_no_sensible_size_are_not_looked_at() -> None:
    """The others are, whatever they are called."""
    kept = {"a": "1", "b": LONGEST}
    assert of_sensible_size(kept | {"c": f"{LONGEST}x"}) == kept
