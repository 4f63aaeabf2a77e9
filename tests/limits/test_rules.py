"""Which buckets a request takes from, by who asks."""

import pytest

from lectern.limits.rules import Rules, Take, words
from lectern.ports import Rate
from lectern.principal import Principal

VISITOR, ACCOUNT, ADDRESS = Rate(30, 60), Rate(60, 60), Rate(600, 60)
ALL = Rules(VISITOR, ACCOUNT, ADDRESS)
HERE = Take("address:192.0.2.1", ADDRESS, "for one address")


@pytest.mark.parametrize(
    ("principal", "is_new", "own"),
    [
        (Principal("visitor", "a1"), False, Take("visitor:a1", VISITOR)),
        (
            Principal("visitor", "a1"),
            True,
            Take("newcomers:192.0.2.1", Rate(120, 60), "for all newcomers of one address"),
        ),
        (Principal("account", "a1"), False, Take("account:a1", ACCOUNT)),
        (Principal("user", "a1"), False, Take("user:a1", ACCOUNT)),
    ],
)
def test_everybody_takes_from_their_own_and_their_address(principal: Principal, is_new: bool, own: Take) -> None:  # noqa: FBT001
    """Who is known takes by id; newcomers share a bucket by address, so that throwing a cookie away gains nothing."""
    assert ALL.takes(principal, "192.0.2.1", is_new=is_new) == [own, HERE]


def test_an_integration_takes_from_its_own_rate() -> None:
    """And from its address's only when it has none, as an account; a scope's rate is for all alike."""
    plain, rated = Principal("integration", "a1"), Principal("integration", "a1", rate=Rate(5, 60))
    assert ALL.takes(plain, "192.0.2.1", is_new=False) == [Take("integration:a1", ACCOUNT), HERE]
    assert ALL.takes(rated, "192.0.2.1", is_new=False) == [Take("integration:a1", Rate(5, 60))]
    assert Rules().takes(rated, "192.0.2.1", is_new=False) == [Take("integration:a1", Rate(5, 60))]
    scoped = Rules(account=ACCOUNT, scope="this").takes(rated, "192.0.2.1", is_new=False)
    assert scoped == [Take("this:integration:a1", ACCOUNT, "to this")]


def test_the_operator_has_no_limits() -> None:
    """Neither of their own nor by address."""
    assert ALL.takes(Principal("operator", "operator"), "192.0.2.1", is_new=False) == []


def test_a_rate_that_is_not_there_limits_nobody() -> None:
    """Each of them alone; without any there is nothing to take from."""
    visitor, user = Principal("visitor", "a1"), Principal("user", "a1")
    assert [take.key for take in Rules(visitor=VISITOR).takes(visitor, "::1", is_new=False)] == ["visitor:a1"]
    assert Rules(visitor=VISITOR).takes(user, "::1", is_new=False) == []
    assert Rules(account=ACCOUNT).takes(visitor, "::1", is_new=True) == []
    assert [take.key for take in Rules(address=ADDRESS).takes(visitor, "::1", is_new=True)] == ["address:::1"]
    assert Rules().takes(user, "::1", is_new=False) == []


def test_new_ids_get_no_buckets() -> None:
    """A thousand visitors who were made up for their requests take from the same two buckets."""
    keys = {take.key for n in range(1000) for take in ALL.takes(Principal("visitor", f"{n}"), "::1", is_new=True)}
    assert keys == {"newcomers:::1", "address:::1"}


def test_subjects_cannot_be_made_to_look_alike() -> None:
    """Nobody chooses a subject with which they take from somebody else's bucket."""
    one = ALL.takes(Principal("user", "a"), "x", is_new=False)
    other = ALL.takes(Principal("account", "user:a"), "x", is_new=False)
    assert one[0].key != other[0].key


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (Rate(30, 60), "30 a minute"),
        (Rate(1, 1), "1 a second"),
        (Rate(10, 3600), "10 an hour"),
        (Rate(5, 86_400), "5 a day"),
        (Rate(5, 90), "5 in 90 s"),
    ],
)
def test_rates_in_words(rate: Rate, said: str) -> None:
    """As a message says them."""
    assert words(rate) == said
