"""A circuit breaker as a state machine: time and jitter are arguments, so every run can be repeated.

closed      calls pass; a call counts from its start
open        calls are refused until a moment that is set when it opens
half_open   a few probes pass, the rest is refused; the first verdict closes it or opens it for twice as long

It opens after some failures in a row, or when too large a part of the window's calls failed or were slow. A stream has
two verdicts: its first token (was it slow?) and its end (did it break?); how long an answer takes is never slowness.
"""

from collections import deque
from dataclasses import dataclass
from typing import Literal

State = Literal["closed", "open", "half_open"]
_Verdict = Literal["pending", "ok", "slow", "failed"]

_LEAST_OPEN = 0.75
"""Jitter shortens an open time to no less than this part of it, so that workers do not probe in step."""

_MOST_DOUBLINGS = 32


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
    verdict: _Verdict = "pending"
    ended: bool = False
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Record:
    """What a breaker tells its siblings.

    Attributes:
        state: Its state; `half_open` means that it probes, and that others should wait until `until`.
        failures: Failures in a row.
        until: Until when calls are refused; 0 when closed.
        changed: When this became so.
        rejected: The last call was refused for its key, model or content; the part itself is up.
    """

    state: State
    failures: int
    until: float
    changed: float
    rejected: bool = False

    @property
    def well(self) -> bool:
        """Whether the last that is known is a success."""
        return self.state == "closed" and not self.failures and not self.rejected


class Breaker:
    """One breaker. `now` never goes back; `jitter` is between 0 and 1."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._state: State = "closed"
        self._failures = 0
        self._rejected = False
        self._until = 0.0
        self._changed = 0.0
        self._generation = 0
        self._openings = 0
        self._closed_at = 0.0
        self._window: deque[Permit] = deque()
        self._bad = 0
        self._failed = 0
        self._waiting: deque[Permit] = deque()  # in the order of their start
        self._probes: list[Permit] = []

    def record(self) -> Record:
        """What the siblings should know."""
        return Record(self._state, self._failures, self._until, self._changed, self._rejected)

    def refused_for(self, now: float) -> float:
        """Seconds until the next call may pass; 0 when one may now."""
        if self._state == "closed" or self._has_probe(now):
            return 0.0
        if self._state == "open":
            return self._until - now
        return max(0.0, min(probe.started for probe in self._probes) + self._rules.probe - now)

    def admit(self, now: float, jitter: float) -> Permit | None:
        """Let a call through, or refuse it with None."""
        if self._state == "closed":
            self._forget(now)
            if self._too_bad():
                self._open(now, jitter)
                return None
            permit = Permit(now, self._generation)
            self._window.append(permit)
            self._waiting.append(permit)
            return permit
        if not self._has_probe(now):
            return None
        if self._state == "open":
            self._turn("half_open", now)
        permit = Permit(now, self._generation, counted=False)
        self._probes = [probe for probe in self._probes if now - probe.started < self._rules.probe]
        self._probes.append(permit)
        self._until = now + self._rules.probe
        return permit

    def first(self, permit: Permit, now: float, jitter: float) -> None:
        """A stream's first token came: the verdict on its slowness, and on a probe."""
        if permit.verdict != "pending" or permit.generation != self._generation:
            return
        slow = now - permit.started > self._rules.slow
        if self._state == "half_open":
            if slow:
                self._open(now, jitter)
            else:
                self._close(now)
                permit.verdict, permit.generation = "ok", self._generation  # its end still counts
            return
        self._judge(permit, "slow" if slow else "ok")
        if slow:
            self._forget(now)
            if self._too_bad():
                self._open(now, jitter)

    def succeeded(self, permit: Permit, now: float, jitter: float) -> None:
        """A call is complete. For what is no stream this is its first token too."""
        if permit.ended:
            return
        self.first(permit, now, jitter)
        permit.ended = True
        if permit.generation == self._generation and (self._failures or self._rejected):
            self._failures, self._rejected, self._changed = 0, False, now

    def rejected(self, permit: Permit, now: float) -> None:
        """The part answers, but refused this request (key, model, content): it is up, so nothing is held against it."""
        if permit.ended:
            return
        if self._state == "half_open" and permit.generation == self._generation:
            self._close(now)
        self.released(permit, now)
        if self._state == "closed":
            self._failures, self._rejected, self._changed = 0, True, now

    def failed(self, permit: Permit, now: float, jitter: float, retry_after: float | None = None) -> None:
        """A call failed, before its first token or after it."""
        if permit.ended:
            return
        permit.ended = True
        if permit.generation != self._generation:
            return  # it began before the last change, which took its fate into account
        if self._state == "half_open":
            self._failures += 1
            self._open(now, jitter, retry_after)
            return
        self._judge(permit, "failed")
        if not permit.counted:  # so long a stream that its start is forgotten
            self._window.append(Permit(now, self._generation, "failed", ended=True))
            self._failed += 1
            self._bad += 1
        self._failures += 1
        self._rejected, self._changed = False, now
        self._forget(now)
        if self._failures >= self._rules.consecutive or self._too_bad():
            self._open(now, jitter, retry_after)

    def released(self, permit: Permit, now: float) -> None:
        """A call was given up by us or by the reader: no verdict beyond the one it may have had already."""
        if permit.ended:
            return
        permit.ended = True
        if permit in self._probes:
            self._probes.remove(permit)
            if not self._probes:
                self._until = self._changed = now  # whoever comes next may probe
        elif permit.verdict == "pending" and permit.counted and permit.generation == self._generation:
            self._window.remove(permit)
            permit.counted = False

    def adopt(self, record: Record, now: float) -> None:
        """Take over what a sibling found out later than this breaker changed last."""
        if record.changed <= self._changed:
            return
        if record.state == "closed":
            if self._state != "closed":
                self._close(now)
                self._changed = record.changed
        elif self._state != "half_open" or not self._probes:
            self._start_over()
            self._state, self._until, self._changed = "open", record.until, record.changed
            self._failures = record.failures

    def _has_probe(self, now: float) -> bool:
        if self._state == "open":
            return now >= self._until
        live = sum(now - probe.started < self._rules.probe for probe in self._probes)
        return live < self._rules.probes

    def _judge(self, permit: Permit, verdict: _Verdict) -> None:
        before, permit.verdict = permit.verdict, verdict
        if permit.counted:
            self._failed += (verdict == "failed") - (before == "failed")
            self._bad += (verdict in {"failed", "slow"}) - (before in {"failed", "slow"})

    def _forget(self, now: float) -> None:
        """Drop what has left the window; what is out for too long is slow, whatever it will bring."""
        while self._window and now - self._window[0].started > self._rules.window:
            old = self._window.popleft()
            old.counted = False
            self._failed -= old.verdict == "failed"
            self._bad -= old.verdict in {"failed", "slow"}
        while self._waiting and (
            self._waiting[0].verdict != "pending"
            or self._waiting[0].ended
            or now - self._waiting[0].started > self._rules.slow
        ):
            waited = self._waiting.popleft()
            if waited.verdict == "pending" and not waited.ended:
                self._judge(waited, "slow")

    def _too_bad(self) -> bool:
        calls = len(self._window)
        if calls < self._rules.minimum:
            return False
        return self._failed >= calls * self._rules.failure_rate or self._bad >= calls * self._rules.slow_rate

    def _open(self, now: float, jitter: float, retry_after: float | None = None) -> None:
        lately = self._state == "half_open" or now - self._closed_at <= self._rules.window
        self._openings = min(self._openings + 1, _MOST_DOUBLINGS) if lately else 1
        seconds = min(self._rules.most_open, self._rules.open * 2.0 ** (self._openings - 1))
        seconds *= _LEAST_OPEN + (1 - _LEAST_OPEN) * jitter
        seconds = max(seconds, min(retry_after or 0, self._rules.most_retry_after))
        self._turn("open", now)
        self._until = now + seconds

    def _close(self, now: float) -> None:
        self._turn("closed", now)
        self._until, self._closed_at = 0.0, now
        self._failures, self._rejected = 0, False

    def _turn(self, state: State, now: float) -> None:
        self._start_over()
        self._state, self._changed = state, now

    def _start_over(self) -> None:
        """Forget all calls; those still under way count no more."""
        self._generation += 1
        for permit in self._window:
            permit.counted = False
        self._window.clear()
        self._waiting.clear()
        self._probes.clear()
        self._bad = self._failed = 0
