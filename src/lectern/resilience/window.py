"""The calls that a breaker looks back on: those that started lately, and how they went. Pure: time is an argument."""

from collections import deque
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["pending", "ok", "slow", "failed"]


@dataclass(frozen=True, slots=True)
class Rules:
    """When a breaker opens and for how long. All times are in seconds.

    Attributes:
        window: Calls that started longer ago are forgotten.
        minimum: Fewer calls than this in the window are no base for a rate.
        failure_rate: Opens when this part of the window's calls failed.
        slow_rate: Opens when this part of the window's calls was slow or failed.
        slow: A first token (or a whole answer that is no stream) later than this is slow; one that is still out after
            that long counts as slow already.
        consecutive: Opens after this many failures in a row.
        open: How long the first opening lasts; each further one twice as long.
        most_open: The longest of them.
        most_retry_after: A provider's `Retry-After` is honoured up to here.
        probes: Calls at once while half open.
        probe: A probe that has no verdict after this long gives its permit back.
    """

    window: float = 30
    minimum: int = 8
    failure_rate: float = 0.5
    slow_rate: float = 0.8
    slow: float = 15
    consecutive: int = 5
    open: float = 1
    most_open: float = 8
    most_retry_after: float = 60
    probes: int = 1
    probe: float = 30


@dataclass(slots=True, eq=False)
class Permit:
    """One call that was let through; given back exactly once by `succeeded`, `failed` or `released`."""

    started: float
    generation: int
    verdict: Verdict = "pending"
    ended: bool = False
    counted: bool = True


class Window:
    """The calls of the last seconds. A call counts from its start, and its verdict may change until its end."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._calls: deque[Permit] = deque()
        self._waiting: deque[Permit] = deque()  # in the order of their start; who has a verdict stays until the front
        self._failed = 0
        self._bad = 0  # failed or slow

    def begin(self, permit: Permit) -> None:
        """A call starts."""
        self._calls.append(permit)
        self._waiting.append(permit)

    def judge(self, permit: Permit, verdict: Verdict) -> None:
        """A call has this verdict from now on."""
        before, permit.verdict = permit.verdict, verdict
        if permit.counted:
            self._failed += (verdict == "failed") - (before == "failed")
            self._bad += (verdict in {"failed", "slow"}) - (before in {"failed", "slow"})

    def fail(self, permit: Permit, now: float) -> None:
        """A call failed; one whose start is forgotten counts as if it had started now."""
        self.judge(permit, "failed")
        if not permit.counted:
            self._calls.append(Permit(now, permit.generation, "failed", ended=True))
            self._failed += 1
            self._bad += 1

    def drop(self, permit: Permit) -> None:
        """A call ended without a verdict: as if it had never been."""
        if permit.verdict == "pending" and permit.counted:
            self._calls.remove(permit)
            permit.counted = False

    def clear(self) -> None:
        """Forget all calls; those still under way count no more."""
        for permit in self._calls:
            permit.counted = False
        self._calls.clear()
        self._waiting.clear()
        self._bad = self._failed = 0

    def too_bad(self, now: float) -> bool:
        """Whether too large a part of the calls failed or was slow."""
        self._forget(now)
        calls = len(self._calls)
        if calls < self._rules.minimum:
            return False
        return self._failed >= calls * self._rules.failure_rate or self._bad >= calls * self._rules.slow_rate

    def _forget(self, now: float) -> None:
        """Drop what has left the window; what is out for too long is slow, whatever it will bring."""
        while self._calls and now - self._calls[0].started > self._rules.window:
            old = self._calls.popleft()
            old.counted = False
            self._failed -= old.verdict == "failed"
            self._bad -= old.verdict in {"failed", "slow"}
        while self._waiting and (self._waiting[0].verdict != "pending" or self._late(self._waiting[0], now)):
            waited = self._waiting.popleft()
            if waited.verdict == "pending" and not waited.ended:
                self.judge(waited, "slow")

    def _late(self, permit: Permit, now: float) -> bool:
        return permit.ended or now - permit.started > self._rules.slow
