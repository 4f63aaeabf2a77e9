"""The breaker: when it opens, how it recovers, and what never happens whatever comes."""

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lectern.resilience.breaker import Breaker, Permit, Rules

RULES = Rules()


def call(breaker: Breaker, now: float) -> Permit:
    """A call that must be let through."""
    permit = breaker.admit(now, 1)
    assert permit is not None
    return permit


def opened(rules: Rules = RULES, now: float = 0) -> Breaker:
    """A breaker that has just opened for the first time."""
    breaker = Breaker(rules)
    while breaker.record().state == "closed":
        breaker.failed(call(breaker, now), now, 1)
    return breaker


def test_failures_in_a_row_open_it() -> None:
    """Five failures are enough, whatever the rate; a success in between starts the count again."""
    breaker = Breaker(RULES)
    for _ in range(4):
        breaker.failed(call(breaker, 0), 0, 1)
    breaker.succeeded(call(breaker, 0), 0, 1)
    assert breaker.record().failures == 0
    breaker = opened()
    assert breaker.admit(0.5, 1) is None
    assert breaker.refused_for(0.5) == 0.5


def test_a_rate_of_failures_opens_it_once_there_are_enough_calls() -> None:
    """Half of the window's calls, but not of less than eight."""
    breaker = Breaker(RULES)
    for number in range(7):
        permit = call(breaker, 0)
        (breaker.failed if number % 2 else breaker.succeeded)(permit, 0, 1)
    assert breaker.record().state == "closed"
    breaker.failed(call(breaker, 1), 1, 1)
    assert breaker.record().state == "open"


def test_the_window_forgets() -> None:
    """Failures that are older than the window do not add up with new ones."""
    breaker = Breaker(RULES)
    for now in range(0, 400, 10):
        breaker.failed(call(breaker, now), now, 1)
        breaker.succeeded(call(breaker, now), now, 1)
        breaker.succeeded(call(breaker, now), now, 1)
    assert breaker.record().state == "closed"


def test_a_long_answer_is_not_slow_but_a_late_first_token_is() -> None:
    """Slowness is judged by the first token alone."""
    breaker = Breaker(RULES)
    for number in range(20):
        permit = call(breaker, number)
        breaker.first(permit, number + 1, 1)
        breaker.succeeded(permit, number + 100, 1)
        assert breaker.record().state == "closed"
    breaker = Breaker(RULES)
    for permit in [call(breaker, 0) for _ in range(8)]:
        breaker.first(permit, 16, 1)
    assert breaker.record().state == "open"


def test_calls_that_hang_count_before_their_timeout() -> None:
    """Eight calls without a first token open it when they are late, not when they give up."""
    breaker = Breaker(RULES)
    for _ in range(8):
        call(breaker, 0)
    assert breaker.admit(14, 1) is not None
    assert breaker.admit(15.1, 1) is None


def test_a_stream_that_breaks_is_a_failure() -> None:
    """Its good first token does not save it, also when the window has forgotten its start."""
    breaker = Breaker(RULES)
    for now in range(5):
        permit = call(breaker, now)
        breaker.first(permit, now, 1)
        breaker.failed(permit, now, 1)
    assert breaker.record().state == "open"
    breaker = Breaker(RULES)
    permits = [call(breaker, 0) for _ in range(5)]
    for permit in permits:
        breaker.first(permit, 1, 1)
    for permit in permits:
        breaker.failed(permit, 90, 1)
    assert breaker.record().state == "open"


def test_a_probe_that_breaks_after_its_first_token_is_a_failure_too() -> None:
    """It has closed the breaker, and counts from there."""
    breaker = opened()
    probe = call(breaker, 1)
    breaker.first(probe, 1, 1)
    assert breaker.record().state == "closed"
    breaker.failed(probe, 2, 1)
    assert breaker.record().failures == 1


def test_what_is_given_up_is_no_verdict() -> None:
    """Readers who leave and queues of ours that are full say nothing about the part."""
    breaker = Breaker(RULES)
    for _ in range(100):
        breaker.released(call(breaker, 0), 0)
    assert breaker.record().well


def test_a_refusal_never_opens_it() -> None:
    """A wrong key is remembered and told, but nobody is turned away for it; the next success clears it."""
    breaker = Breaker(RULES)
    for _ in range(100):
        breaker.rejected(call(breaker, 0), 1)
    assert breaker.record().state == "closed"
    assert breaker.record().rejected
    breaker.succeeded(call(breaker, 2), 2, 1)
    assert breaker.record().well


def test_a_refused_probe_closes_it() -> None:
    """What refuses a request is up."""
    breaker = opened()
    breaker.rejected(call(breaker, 1), 1)
    assert breaker.record().state == "closed"


def test_one_probe_at_a_time_and_its_verdict_decides() -> None:
    """Half open lets one call through; success closes it, failure opens it for twice as long, up to the most."""
    breaker = opened()
    now = 1.0
    for seconds in (2, 4, 8, 8, 8):
        probe = call(breaker, now)
        assert breaker.record().state == "half_open"
        assert breaker.admit(now, 1) is None
        breaker.failed(probe, now, 1)
        assert breaker.refused_for(now) == seconds
        now += seconds
    breaker.succeeded(call(breaker, now), now, 1)
    assert breaker.record().state == "closed"


def test_a_slow_probe_opens_it_again() -> None:
    """A first token that is late proves nothing well."""
    breaker = opened()
    breaker.first(call(breaker, 1), 20, 1)
    assert breaker.record().state == "open"


def test_a_cancelled_probe_gives_its_permit_back() -> None:
    """The next call may probe at once."""
    breaker = opened()
    breaker.released(call(breaker, 1), 1.5)
    call(breaker, 1.5)


def test_a_probe_that_never_returns_does_not_hold_it() -> None:
    """Its permit is limited in time, and its late verdict still counts."""
    breaker = opened()
    lost = call(breaker, 1)
    assert breaker.admit(30, 1) is None
    assert breaker.refused_for(30) == 1
    second = call(breaker, 31)
    breaker.released(lost, 32)
    breaker.succeeded(second, 33, 1)
    assert breaker.record().state == "closed"


def test_a_providers_own_word_is_honoured() -> None:
    """`Retry-After` lengthens an opening, up to a minute."""
    for asked, waits in ((20, 20), (86400, 60), (0.1, 1)):
        breaker = Breaker(RULES)
        for _ in range(5):
            breaker.failed(call(breaker, 0), 0, 1, asked)
        assert breaker.refused_for(0) == waits


def test_long_after_a_recovery_it_starts_small_again() -> None:
    """Doubling is for parts that keep failing."""
    breaker = opened()
    breaker.failed(call(breaker, 1), 1, 1)
    breaker.succeeded(call(breaker, 3), 3, 1)
    for _ in range(5):
        breaker.failed(call(breaker, 100), 100, 1)
    assert breaker.refused_for(100) == 1


def test_siblings_learn_from_each_other() -> None:
    """An open breaker opens its siblings, a probing one holds them back, a closed one closes them; old news do not."""
    first, second = opened(now=10), Breaker(RULES)
    second.adopt(first.record(), 10)
    assert second.admit(10.5, 1) is None
    probe = call(first, 11)
    second.adopt(first.record(), 11)
    assert second.admit(12, 1) is None
    first.succeeded(probe, 12, 1)
    stale = Breaker(RULES)
    second.adopt(stale.record(), 12)
    assert second.admit(12, 1) is None
    second.adopt(first.record(), 12)
    call(second, 12)
    assert second.record().state == "closed"


class AnyHistory(RuleBasedStateMachine):
    """Calls, verdicts, waiting and news from siblings in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.permits: list[tuple[Permit, bool]] = []

    @initialize(
        consecutive=st.integers(1, 6),
        minimum=st.integers(1, 10),
        probes=st.integers(1, 3),
        opens=st.floats(0.1, 5),
    )
    def begin(self, consecutive: int, minimum: int, probes: int, opens: float) -> None:
        """Any rules."""
        self.limits = Rules(consecutive=consecutive, minimum=minimum, probes=probes, open=opens, most_open=opens * 8)
        self.breaker = Breaker(self.limits)

    @rule(seconds=st.floats(0, 40))
    def wait(self, seconds: float) -> None:
        """Time goes on."""
        self.now += seconds

    @rule(jitter=st.floats(0, 1))
    def begin_call(self, jitter: float) -> None:
        """A call comes; it is refused exactly as long as was said."""
        wait = self.breaker.refused_for(self.now)
        permit = self.breaker.admit(self.now, jitter)
        if permit is None:
            assert self.breaker.refused_for(self.now) > 0
        else:
            assert wait == 0
            self.permits.append((permit, self.breaker.record().state == "half_open"))

    @precondition(lambda self: self.permits)
    @rule(
        data=st.data(),
        how=st.sampled_from(["first", "succeeded", "failed", "rejected", "released"]),
        jitter=st.floats(0, 1),
        retry_after=st.one_of(st.none(), st.floats(0, 1e6)),
    )
    def verdict(self, data: st.DataObject, how: str, jitter: float, retry_after: float | None) -> None:
        """Any call, also one that has ended, gets any verdict."""
        at = data.draw(st.integers(0, len(self.permits) - 1))
        permit, _ = self.permits[at]
        match how:
            case "first":
                self.breaker.first(permit, self.now, jitter)
            case "succeeded":
                self.breaker.succeeded(permit, self.now, jitter)
            case "failed":
                self.breaker.failed(permit, self.now, jitter, retry_after)
            case "rejected":
                self.breaker.rejected(permit, self.now)
            case _:
                self.breaker.released(permit, self.now)

    @rule(state=st.sampled_from(["closed", "open", "half_open"]))
    def news(self, state: str) -> None:
        """A sibling has something to tell."""
        sibling = opened(self.limits, self.now)
        if state != "open":
            self.now += sibling.refused_for(self.now)
            probe = call(sibling, self.now)
            if state == "closed":
                sibling.succeeded(probe, self.now, 1)
        self.breaker.adopt(sibling.record(), self.now)

    @invariant()
    def opens_for_a_bounded_time(self) -> None:
        """Nobody is turned away for longer than the longest opening, `Retry-After` or probe."""
        longest = max(self.limits.most_open, self.limits.most_retry_after, self.limits.probe)
        assert self.breaker.refused_for(self.now) <= longest + 1e-6

    @invariant()
    def has_no_more_probes_than_permits(self) -> None:
        """Half open, only so many calls without a verdict are under way that are not overdue."""
        if self.breaker.record().state == "half_open":
            live = [
                permit
                for permit, probe in self.permits
                if probe
                and not permit.ended
                and permit.generation == self.breaker._generation
                and self.now - permit.started < self.limits.probe
            ]
            assert len(live) <= self.limits.probes

    @invariant()
    def counts_right(self) -> None:
        """The running sums are the sums over the window."""
        window = self.breaker._window
        assert self.breaker._failed == sum(permit.verdict == "failed" for permit in window)
        assert self.breaker._bad == sum(permit.verdict in {"failed", "slow"} for permit in window)

    def teardown(self) -> None:
        """Whatever happened: once the part is well, the breaker closes by the next call after a bounded time."""
        if not hasattr(self, "breaker"):
            return
        for _ in range(2):  # the first may find that calls which hang are too many
            self.now += 100
            permit = self.breaker.admit(self.now, 1)
            if permit is not None:
                self.breaker.succeeded(permit, self.now, 1)
        assert self.breaker.record().well


TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = hypothesis_settings(max_examples=150, stateful_step_count=40, deadline=None)
