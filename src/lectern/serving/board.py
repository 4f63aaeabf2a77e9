"""Two bytes of memory that the master makes before the fork and every worker shares.

They tell a worker whose startup fails whether the server has ever served: if not, the start is wrong and must stop;
if so, a part that is down now may come back, and the worker is replaced after a pause.
"""

import mmap

_SERVED, _FAILURES = 0, 1
_MOST = 255


class Board:
    """What the workers tell each other. Each field is one byte, so a reader never sees half a value."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 2)  # anonymous and shared: survives the fork, leaves no file

    @property
    def served(self) -> bool:
        """Whether any worker has ever finished its startup."""
        return self._memory[_SERVED] != 0

    @property
    def failures(self) -> int:
        """Startups that failed since the last one that did not; at most 255."""
        return self._memory[_FAILURES]

    def started(self) -> None:
        """A worker has finished its startup."""
        self._memory[_SERVED] = 1
        self._memory[_FAILURES] = 0

    def failed(self) -> None:
        """A worker's startup has failed."""
        self._memory[_FAILURES] = min(_MOST, self.failures + 1)
