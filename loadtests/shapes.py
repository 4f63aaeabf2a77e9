"""How the number of readers goes over time. `SHAPE` names one; give locust this file beside the readers'.

SHAPE=spike locust -f loadtests/locustfile.py,loadtests/shapes.py --headless --host http://localhost:7860
"""

import os
from typing import Final

from locust import LoadTestShape

SHAPES: Final = {
    "steady": ((60, 50, 25),),
    "spike": ((20, 10, 10), (50, 150, 150), (90, 10, 150)),
    "soak": ((1800, 50, 5),),
    "wake": ((30, 1, 1), (90, 50, 50)),
}
"""Stages of each shape: until when (seconds since the start), readers, readers more a second.

`wake` begins with one reader, who finds whatever sleeps asleep, before the others come.
"""


class Shape(LoadTestShape):
    """The shape that `SHAPE` names."""

    stages = SHAPES[os.environ.get("SHAPE", "steady")]

    def tick(self) -> tuple[int, float] | None:
        """`(readers, readers more a second)` now; None at the end."""
        seconds: float = self.get_run_time()  # type: ignore[no-untyped-call] # locust leaves it so
        return next(((readers, rate) for until, readers, rate in self.stages if seconds < until), None)
