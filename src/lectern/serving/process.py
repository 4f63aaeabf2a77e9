"""What this process knows about itself, for the app to read without knowing its server.

The master fills it in before the fork; each worker starts with its own number and its own drain. Under another
server (plain uvicorn, a test) there is no setup, the worker's number is 0, a plan is made on demand, and draining
never begins.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from .board import Board
from .circuits import CircuitTable
from .drain import Drain
from .limits import read_limits
from .numbers import SharedNumbers
from .plan import Plan
from .plan import plan as make_plan
from .roster import Roster
from .startup import Startup

INSTANCE_BITS: Final = 12
"""Of the container's number: that two of ten replicas have the same is one chance in ninety."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What the master decided.

    `address` is where it listens, as a URL. Streams have `grace_seconds` less a margin after a signal to stop; a
    request head has to arrive within `header_seconds`. `https_hosts` are reached by https only, whatever a proxy says.
    `settings` is what the entry point read, kept for a reload.
    """

    plan: Plan
    address: str
    grace_seconds: float
    header_seconds: float
    https_hosts: tuple[str, ...] = ()
    settings: object = None


@dataclass(slots=True)
class _Here:
    setup: Setup | None = None
    board: Board | None = None
    circuits: CircuitTable | None = None
    numbers: SharedNumbers | None = None
    roster: Roster | None = None
    instance: int | None = None
    worker: int = 0
    startup: Startup = field(default_factory=Startup)
    drain: Drain = field(default_factory=Drain)


_here = _Here()


def describe(setup: Setup) -> None:
    """Say what the server is. Called in the master, before the fork and again on a reload."""
    _here.setup = setup
    _here.board = _here.board or Board()
    _here.circuits = _here.circuits or CircuitTable()
    _here.numbers = _here.numbers or SharedNumbers(shared=True)
    _here.roster = _here.roster or Roster(shared=True)
    instance()


def enter_worker(number: int) -> None:
    """Become a worker: called right after the fork with the worker's number, counted from 1 and never reused."""
    _here.worker = number
    _here.drain = Drain()
    if _here.circuits is not None:
        _here.circuits.enter(number)
    if _here.roster is not None:
        _here.roster.enter(number)


def setup() -> Setup | None:
    """What the master decided; None when no master of ours runs this process."""
    return _here.setup


def board() -> Board | None:
    """The memory that all workers share; None when no master of ours runs this process."""
    return _here.board


def circuits() -> CircuitTable | None:
    """What the workers tell each other of remote parts; None when no master of ours runs this process."""
    return _here.circuits


def numbers() -> SharedNumbers | None:
    """What the workers count together; None when no master of ours runs this process."""
    return _here.numbers


def roster() -> Roster:
    """What the workers have under way; when no master of ours runs this process, what it has itself."""
    if _here.roster is None:
        _here.roster = Roster(shared=False)
    return _here.roster


def instance() -> int:
    """The container's number, 12 random bits: of all workers of a master, or of this process without one."""
    if _here.instance is None:
        _here.instance = secrets.randbits(INSTANCE_BITS)
    return _here.instance


def plan() -> Plan:
    """How this server is sized. Without a master the container's limits are read now."""
    return _here.setup.plan if _here.setup is not None else make_plan(read_limits())


def startup() -> Startup:
    """How long this start takes: the master's milestones, and this process's own."""
    return _here.startup


def worker_number() -> int:
    """The worker's number: 1 is the first worker of the start, replacements count on; 0 is no worker."""
    return _here.worker


def drain() -> Drain:
    """This worker's drain, for the server that starts it; readers use the functions below."""
    return _here.drain


def draining() -> bool:
    """Whether this worker takes no new connections any more."""
    return bool(_here.drain.begun)


def drain_seconds_left() -> float | None:
    """Seconds until running streams are cancelled; None while the worker is not draining."""
    return _here.drain.seconds_left


async def wait_for_drain() -> None:
    """Return when the worker stops taking new connections; streams may go on."""
    await _here.drain.begun.wait()


def on_drain(callback: Callable[[], None]) -> Callable[[], None]:
    """Have `callback` called when the worker stops taking new connections. Returns how to withdraw it."""
    return _here.drain.begun.call(callback)


async def wait_for_last_call() -> None:
    """Return when a stream has just enough time left to send its last event (0.3 to 2 s)."""
    await _here.drain.last_call.wait()


def on_last_call(callback: Callable[[], None]) -> Callable[[], None]:
    """Have `callback` called at the last call: a waiter without a task of its own. Returns how to withdraw it."""
    return _here.drain.last_call.call(callback)
