"""Whether a worker keeps up with its work, judged by how late its loop's timers come, and by the queue for its threads.

A loop that has idle moments finds a timer when it is due; one that has none is late by a whole round of all that there
is to do, and stays late: it is the standing delay that tells, not the passing one. So a median of the last quarter of a
second is judged, in which one long step (a collection of garbage, a large body) counts nothing. The same idea drops
packets in CoDel (RFC 8289: over 5 ms for 100 ms), and calls in WeChat's DAGOR (over 20 ms on average; Zhou et al.,
SoCC 2018). `loopbench`, which was hapi's, calls a Node loop overloaded at 42 ms.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final, Literal

Verdict = Literal["calm", "between", "pressed"]

SAMPLES: Final = 5
"""How many samples are judged together: a quarter of a second at 20 a second."""

LATE_SECONDS: Final = 0.02
"""Later than this, with the processor in use throughout, is pressure; DAGOR's threshold. A refusal takes two to three
rounds (the connection, its request, the answer), so it is still out in about 50 ms."""

STARVED_SECONDS: Final = 0.06
"""The same where others use the processor: their work comes in bursts that are none of this loop's, and a worker that
refused because of them would help nobody. A throttled container, too, pauses for a part of each 100 ms."""

LONG_QUEUE: Final = 16.0
"""More calls than this waiting for each thread are pressure. A search takes 5 to 10 ms, so who waits last waits for
0.1 to 0.2 s: more than chance brings together, less than a reader notices. A refusal does not wait there."""

BUSY_SHARE: Final = 0.85
"""From this share of a core on the process counts as using it throughout; the rest are slices that others get."""

CALM: Final = 0.5
"""Pressure ends below this part of what it began with, so that it does not come and go at one value."""


class Pressure:
    """The verdict on the last samples.

    Attributes:
        verdict: `pressed` when the loop does not keep up, `calm` when it does, `between` in between.
        under: Whether it is pressed, or was and has not been calm since.
        late_seconds: The median lateness.
    """

    __slots__ = ("_late", "_queues", "_shares", "late_seconds", "under", "verdict")

    def __init__(self) -> None:
        self._late: deque[float] = deque(maxlen=SAMPLES)
        self._shares: deque[float] = deque(maxlen=SAMPLES)
        self._queues: deque[float] = deque(maxlen=SAMPLES)
        self.verdict: Verdict = "calm"
        self.under = False
        self.late_seconds = 0.0

    def note(self, late_seconds: float, cpu_share: float, waiting: float = 0) -> None:
        """Take a sample; too few of them are calm.

        Args:
            late_seconds: By how much a timer was late.
            cpu_share: Processor time that the process used since the last sample, as a part of the time that passed.
            waiting: Calls that wait for a thread of the processor's, for each thread.
        """
        self._late.append(late_seconds)
        self._shares.append(cpu_share)
        self._queues.append(waiting)
        if len(self._late) == SAMPLES:
            self.late_seconds = _median(self._late)
            self.verdict = self._judge()
        self.under = self.verdict == "pressed" or (self.under and self.verdict == "between")

    def _judge(self) -> Verdict:
        limit = LATE_SECONDS if sum(self._shares) >= BUSY_SHARE * SAMPLES else STARVED_SECONDS
        worst = max(self.late_seconds / limit, _median(self._queues) / LONG_QUEUE)
        return "pressed" if worst > 1 else "between" if worst > CALM else "calm"


def _median(samples: Iterable[float]) -> float:
    return sorted(samples)[SAMPLES // 2]  # `statistics` would load decimals and fractions for it
