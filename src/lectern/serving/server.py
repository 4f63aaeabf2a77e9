"""A uvicorn server whose end keeps its promises.

On a signal, or after its last request when no other worker retires, it takes no new connections and lets streams run;
it tells the app when draining begins and when it is time for a last event; what still runs is cancelled, and its
`finally` is awaited before the app's shutdown. The heartbeat goes on to the end. SIGINT and SIGQUIT, which the master
sends after a second SIGTERM, make all of it short. Signals are not raised again, so exit hooks run and the exit code is
0.
"""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable
from types import FrameType

from uvicorn import Config
from uvicorn.server import Server

from .drain import Drain, Schedule, call_seconds

# A worker that retires after its last request is not killed by anyone: its streams may run for longer than any answer.
RETIRE_SECONDS = 300.0
# How long after the turn to retire came a worker goes on: the successor of the one before it needs a moment to start.
SUCCESSION_SECONDS = 1.0
# After a second signal the master kills in 2 s; this much of it is for last events, then for `finally` and shutdown.
LAST_WORDS_SECONDS, HURRY_SECONDS = 0.5, 1.5
# The parts of the margin after which streams' `finally` and the app's shutdown must have ended.
_CLEANED, _SHUT = 0.4, 0.8
_POLL_SECONDS = 0.05

_log = logging.getLogger(__name__)


class DrainingServer(Server):
    """One worker's server.

    Args:
        config: uvicorn's configuration.
        drain: What the app is told through.
        grace_seconds: Time between a signal and the master's kill.
        beat: Called every `beat_seconds` from the startup to the end of shutdown; returns whether the
            master is alive. Without a master the server stops, or it would hold the port for ever.
        beat_seconds: The heartbeat's interval.
        on_started: Called once when the app's startup has succeeded and the worker listens.
        may_retire: Asked again and again after the last request, until it says yes.
    """

    def __init__(
        self,
        config: Config,
        *,
        drain: Drain,
        grace_seconds: float,
        beat: Callable[[], bool],
        beat_seconds: float,
        on_started: Callable[[], None],
        may_retire: Callable[[], bool],
    ) -> None:
        super().__init__(config)
        self._drain = drain
        self._schedule = Schedule.within(grace_seconds)
        self._beat = beat
        self._beat_seconds = beat_seconds
        self._on_started = on_started
        self._may_retire = may_retire
        self._retires_at: float | None = None
        self._loop = asyncio.get_running_loop()
        self._serving = asyncio.current_task(self._loop)
        self._heart: asyncio.Task[None] | None = None
        self._streams_end = float("inf")
        self._margin = self._schedule.margin

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Take a signal; the loop acts on it. The master repeats SIGTERM without meaning more by it."""
        self._loop.call_soon_threadsafe(self.stop if sig == signal.SIGTERM else self.hurry)

    def stop(self) -> None:
        """Drain; when called again, nothing."""
        if not self.should_exit and self._can_end():
            self.should_exit = True
            self._end_streams_in(self._schedule.streams)

    def hurry(self) -> None:
        """End now: streams have a moment for a last event, and everything after is short."""
        if self._can_end():
            self.should_exit = True
            self._margin = min(self._margin, HURRY_SECONDS)
            self._end_streams_in(LAST_WORDS_SECONDS)
            self._drain.last_call.happen()

    def _can_end(self) -> bool:
        """Whether there is anything to drain; a server that has not started yet is stopped where it stands."""
        if not self.started and self._serving is not None:
            self.should_exit = True
            self._serving.cancel()
        return self.started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Run the app's startup and listen. A startup may take long, as long as the loop is not blocked."""
        self._heart = asyncio.create_task(self._keep_beating())
        await super().startup(sockets)
        self._on_started()

    async def on_tick(self, counter: int) -> bool:
        """Whether to end now: told to, or after the last request, when it is this worker's turn."""
        if not await super().on_tick(counter) or self.should_exit:
            return self.should_exit
        if self._retires_at is None and self._may_retire():
            self._retires_at = self._loop.time() + SUCCESSION_SECONDS
        return self._retires_at is not None and self._loop.time() >= self._retires_at

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - uvicorn's signature
        """End in order: listeners, streams, their `finally`, the app."""
        if not self.should_exit:
            self._end_streams_in(RETIRE_SECONDS)
        _log.info("Draining: %d open connections", len(self.server_state.connections))
        for listener in self.servers:
            listener.close()  # with its socket; the other workers have their own copy
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await self._let_streams_end()
        await self._cancel_streams()
        await self._end_app()
        if self._heart is not None:
            self._heart.cancel()

    def _end_streams_in(self, seconds: float) -> None:
        self._streams_end = min(self._streams_end, self._loop.time() + seconds)
        self._drain.begin(seconds)

    async def _let_streams_end(self) -> None:
        call = call_seconds(self._schedule.streams)
        while self._busy() and self._loop.time() < self._streams_end:
            if self._loop.time() >= self._streams_end - call:
                self._drain.last_call.happen()
            await asyncio.sleep(_POLL_SECONDS)

    async def _cancel_streams(self) -> None:
        tasks = list(self.server_state.tasks)
        if tasks:
            _log.warning("Cancelling %d streams that are not done in time", len(tasks))
            logging.getLogger("uvicorn.error").addFilter(_not_cancelled)
        for task in tasks:
            task.cancel("the worker stops")
        # Polled, because a signal may bring the end nearer meanwhile.
        while self._busy() and self._loop.time() < self._streams_end + self._margin * _CLEANED:  # noqa: ASYNC110
            await asyncio.sleep(_POLL_SECONDS)
        for connection in list(self.server_state.connections):
            connection.transport.abort()  # the client does not read what is left

    async def _end_app(self) -> None:
        ending = asyncio.create_task(self.lifespan.shutdown())
        longest = self._loop.time() + self._schedule.streams
        while not ending.done() and self._loop.time() < min(self._streams_end, longest) + self._margin * _SHUT:
            await asyncio.wait({ending}, timeout=_POLL_SECONDS)
        if not ending.done():
            _log.error("The app's shutdown is not done in time; leaving without it")
            ending.cancel()

    def _busy(self) -> bool:
        return bool(self.server_state.connections or self.server_state.tasks)

    async def _keep_beating(self) -> None:
        while True:
            if not self._beat() and not self.should_exit:
                _log.error("The master is gone; stopping")
                self.stop()
            await asyncio.sleep(self._beat_seconds)


def _not_cancelled(record: logging.LogRecord) -> bool:
    """Leave out the traceback that uvicorn logs for each task cancelled on purpose."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))
