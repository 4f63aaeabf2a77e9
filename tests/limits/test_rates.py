"""What a request is told: the tightest of its rates, in headers and in words."""

import pytest

from lectern.adapters.shared_counters import SharedCounters
from lectern.limits.rates import Rates, Verdict
from lectern.limits.rules import Rules, Take
from lectern.ports import Rate, Standing
from lectern.principal import Principal

READER = Principal("visitor", "a1")


def rates(visitor: Rate | None = None, address: Rate | None = None) -> Rates:
    """Rates that are counted in this process."""
    return Rates(Rules(visitor, address=address), SharedCounters())


async def judged(of: Rates, principal: Principal = READER, address: str = "192.0.2.1") -> Verdict:
    """The verdict on one request of somebody who is known."""
    verdict = await of.judge(principal, address, is_new=False)
    assert verdict is not None
    return verdict


async def test_the_tightest_rate_is_told() -> None:
    """The reader's own while it has less left than the address, then the address's, by which others came."""
    both = rates(visitor=Rate(3, 60), address=Rate(5, 60))
    assert [(await judged(both)).take.key for _ in range(2)] == ["visitor:a1"] * 2
    for number in range(2):
        await judged(both, Principal("visitor", f"b{number}"))
    verdict = await judged(both, Principal("visitor", "c"))
    assert (verdict.take.key, verdict.standing.remaining) == ("address:192.0.2.1", 0)
    assert verdict.refusal() is None


async def test_the_longest_wait_is_told() -> None:
    """With both buckets empty, whoever waits as long as the answer says really passes both."""
    both = rates(visitor=Rate(1, 3600), address=Rate(1, 60))
    assert (await judged(both)).refusal() is None
    verdict = await judged(both)
    assert verdict.take.key == "visitor:a1"
    refusal = verdict.refusal()
    assert refusal is not None
    assert refusal.retry_after_seconds == 3600


async def test_a_refused_reader_uses_up_nobody_elses() -> None:
    """One visitor who hammers takes nothing from the address that a school shares."""
    both = rates(visitor=Rate(2, 3600), address=Rate(10, 3600))
    refused = [(await judged(both)).refusal() is not None for _ in range(50)]
    assert refused == [False, False] + [True] * 48
    other = await judged(both, Principal("visitor", "b"))
    assert other.refusal() is None
    assert [(await judged(both, Principal("visitor", "c"))).standing.remaining for _ in range(1)] == [1]


async def test_two_sets_of_rates_are_one_verdict() -> None:
    """What is scoped has a bucket of its own, says what it is about, and takes nothing when the other refuses."""
    reader = Principal("account", "ada")
    scoped = Rules(account=Rate(2, 3600), scope="the task assistant")
    counters = SharedCounters()
    both = Rates(Rules(account=Rate(3, 3600)), counters, also=scoped)
    assert [(await judged(both, reader)).refusal() for _ in range(2)] == [None, None]
    verdict = await judged(both, reader)
    assert verdict.take.key == "the task assistant:account:ada"
    refusal = verdict.refusal()
    assert refusal is not None
    assert refusal.message.startswith("Too many requests: at most 2 an hour to the task assistant. Try again in ")
    assert (await judged(Rates(Rules(account=Rate(3, 3600)), counters), reader)).standing.remaining == 0


async def test_who_has_no_limits_is_told_of_none() -> None:
    """The operator, and whoever no rate is about."""
    assert await rates(visitor=Rate(1, 60)).judge(Principal("operator", "x"), "::1", is_new=False) is None
    assert await rates(visitor=Rate(1, 60)).judge(Principal("user", "x"), "::1", is_new=False) is None


@pytest.mark.parametrize(
    ("standing", "rate", "values"),
    [
        (Standing(True, 29, 2.0, 0.0), Rate(30, 60), ["30", "29", "2", "30;w=60"]),
        (Standing(False, 0, 3599.2, 1.5), Rate(10, 3600.0), ["10", "0", "3600", "10;w=3600"]),
    ],
)
def test_the_headers(standing: Standing, rate: Rate, values: list[str]) -> None:
    """Names and forms of the draft; times are whole seconds from now, never too short."""
    names = ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-Policy"]
    assert list(Verdict(Take("k", rate), standing).headers()) == list(zip(names, values, strict=True))


@pytest.mark.parametrize(
    ("whom", "wait", "message"),
    [
        ("", 0.01, "Too many requests: at most 30 a minute. Try again in a second."),
        ("for one address", 1.2, "Too many requests: at most 30 a minute for one address. Try again in 2 seconds."),
    ],
)
def test_the_message_names_the_limit(whom: str, wait: float, message: str) -> None:
    """And says when to come again, in the text and for programs."""
    refusal = Verdict(Take("k", Rate(30, 60), whom), Standing(False, 0, 60, wait)).refusal()
    assert refusal is not None
    assert (refusal.status, refusal.message) == (429, message)
    assert refusal.retry_after_seconds == max(1, -(-wait // 1))
