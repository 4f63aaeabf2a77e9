"""What gunicorn calls around the fork.

The preloaded app may carry two things on `app.state`, whatever framework it is made with: `after_fork`, called in
each worker right after the fork to drop what must not be shared, and `reports_itself`, true if it writes its own
boot report and access lines, so that the server does not.
"""

import gc
import signal
import sys
import threading
from dataclasses import replace
from types import FrameType

from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer
from gunicorn.workers.base import Worker

from . import process

# Libraries that start threads when they are imported, and how to tell them not to: threads do not survive a fork.
NO_THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}

# How long a thread may keep the interpreter when another waits for it. With Python's 5 ms a search, which gives it away
# at each row it reads, made a reader wait twice as long for the first token; half a millisecond costs nothing here.
SWITCH_SECONDS = 0.0005


def when_ready(arbiter: Arbiter) -> None:
    """The master listens and has no worker yet: load the app, say where, and make a second SIGTERM hurry.

    The app is loaded here, and not by gunicorn's `preload_app`, which comes before the port is bound: a platform sees
    an open port at once, and a reader who comes meanwhile waits in its queue instead of being turned away.
    """
    process.startup().mark("listening")
    gc.disable()  # what imports make is no garbage, and looking at all of it costs 0.15 s each time
    try:
        arbiter.app.wsgi()
    finally:
        gc.freeze()
        gc.enable()
    process.startup().mark("imports")
    setup = process.setup()
    if setup is not None:
        setup = replace(setup, address=",".join(str(listener) for listener in arbiter.LISTENERS))
        process.describe(setup)
        if not _state(arbiter, "reports_itself"):
            arbiter.log.info("Serving at %s with %s", setup.address, setup.plan.sentences[0])
    _hurry_on_second_term(arbiter)


def pre_fork(arbiter: Arbiter, worker: Worker) -> None:
    """Put the preloaded objects out of the collector's reach, so that workers neither scan nor copy them."""
    circuits = process.circuits()
    if circuits is not None:
        circuits.reserve(worker.age)
    process.roster().reserve(worker.age)
    if threading.active_count() > 1:
        arbiter.log.warning("The app starts threads when it is loaded; they do not exist in the workers.")
    gc.collect()
    gc.freeze()


def post_fork(arbiter: Arbiter, worker: Worker) -> None:
    """Become a worker: own number, own drain, no handler of the master, and none of its connections."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    process.enter_worker(worker.age)
    process.startup().mark("forked")
    sys.setswitchinterval(SWITCH_SECONDS)
    after_fork = _state(arbiter, "after_fork")
    if callable(after_fork):
        after_fork()


def child_exit(arbiter: Arbiter, worker: Worker) -> None:  # noqa: ARG001 - gunicorn's signature
    """A worker has ended: clear what it told the others.

    If its app could not start and no worker ever has, stop the server:
    gunicorn's own exit code for that would also stop a server that serves, and clash with itself when two workers
    use it at once.

    Raises:
        HaltServer: The start is wrong; once.
    """
    circuits = process.circuits()
    if circuits is not None:
        circuits.leave(worker.age)
    process.roster().leave(worker.age)
    board = process.board()
    if board is not None and board.start_is_wrong:
        board.halt()
        raise HaltServer("The app cannot start.", Arbiter.WORKER_BOOT_ERROR)


def _state(arbiter: Arbiter, name: str) -> object:
    """An attribute of the app's `state`, if the app is loaded and has it."""
    return getattr(getattr(arbiter.app.callable, "state", None), name, None)


def _hurry_on_second_term(arbiter: Arbiter) -> None:
    """Make a second SIGTERM do what SIGINT does: gunicorn itself ignores it while it waits for its workers."""
    asked = False

    def on_term(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        arbiter.signal(signal.SIGINT if asked else number, frame)
        asked = True

    signal.signal(signal.SIGTERM, on_term)
