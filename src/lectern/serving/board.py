"""Three bytes of memory that the master makes before the fork and every worker shares.

They tell a worker whose startup fails whether the server has ever served: if not, the start is wrong and must stop;
if so, a part that is down now may come back, and the worker is replaced after a pause. Beside them lies the turn to
retire: a worker that retires takes no connections, so one at a time does.
"""

import fcntl
import mmap
import os

_SERVED, _FAILURES, _HALTED = range(3)
_MOST = 255


class Board:
    """What the workers tell each other. Each field is one byte, so a reader never sees half a value."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 3)  # anonymous and shared: survives the fork, leaves no file
        self._turn = os.memfd_create("retiring")

    @property
    def served(self) -> bool:
        """Whether any worker has ever finished its startup."""
        return self._memory[_SERVED] != 0

    @property
    def failures(self) -> int:
        """Startups that failed since the last one that did not; at most 255."""
        return self._memory[_FAILURES]

    @property
    def start_is_wrong(self) -> bool:
        """Whether startups have failed and none has ever succeeded, and nobody has drawn the consequence yet."""
        return self.failures > 0 and not self.served and not self._memory[_HALTED]

    def halt(self) -> None:
        """The master draws the consequence."""
        self._memory[_HALTED] = 1

    def started(self) -> None:
        """A worker has finished its startup."""
        self._memory[_SERVED] = 1
        self._memory[_FAILURES] = 0

    def failed(self) -> None:
        """A worker's startup has failed."""
        self._memory[_FAILURES] = min(_MOST, self.failures + 1)

    def take_turn(self) -> bool:
        """Take the turn to retire, or keep it; False while another worker has it. It ends with the process."""
        try:
            fcntl.lockf(self._turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
