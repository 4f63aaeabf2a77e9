"""The gunicorn worker: uvicorn on uvloop and httptools, with a server that drains and a protocol that guards.

A worker whose app cannot start never stops the whole server by its exit code: when the server has served before,
something that the app needs is down for now, and gunicorn makes another attempt after a pause that grows. When it
has not, the start is wrong, and the master says so (hooks.child_exit).
"""

import asyncio
import faulthandler
import logging
import os
import signal
import socket
import sys
from typing import Any, ClassVar, NoReturn

from gunicorn.arbiter import Arbiter
from uvicorn_worker import UvicornWorker

from . import process
from .protocol import GuardedProtocol
from .proxies import ProxyHeadersMiddleware
from .server import DrainingServer

# The pause before a failed startup is tried again, in seconds: doubles from the first to the second.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 5.0
_BEAT_SECONDS = 1.0
# libuv takes one connection a round from each listener (libuv/libuv#3696), so a busy loop, whose rounds are long, would
# take 50 a second and leave the rest in the kernel's queue, where nobody can even be refused. Each copy of the listener
# takes one more; 8 cost 20 µs for a connection that comes alone.
_ACCEPTED_A_ROUND = 8


class DrainingWorker(UvicornWorker):  # type: ignore[misc] # uvicorn_worker ships no types
    """One worker process."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "http": "httptools",
        "ws": "none",
        "lifespan": "auto",
        "server_header": False,
        "proxy_headers": False,  # ours is asked instead, below
    }

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        setup = process.setup()
        if setup is not None:
            self.config.http = GuardedProtocol.with_timeout(setup.header_seconds)
        self.config.callback_notify = None  # the server beats by itself, also while it drains

    def init_signals(self) -> None:
        """Reset the signals; a worker that is aborted because its loop is blocked prints where."""
        super().init_signals()
        if not faulthandler.is_enabled():
            faulthandler.enable()

    async def _serve(self) -> None:
        self.config.app = self.wsgi
        self._wrap_app()
        self._route_logs(own_access_lines=getattr(getattr(self.wsgi, "state", None), "reports_itself", False))
        server = DrainingServer(
            self.config,
            drain=process.drain(),
            grace_seconds=self.cfg.graceful_timeout,
            beat=self._beat,
            beat_seconds=min(_BEAT_SECONDS, self.timeout / 2 or _BEAT_SECONDS),
            on_started=self._started,
            may_retire=self._may_retire,
        )
        asyncio.get_running_loop().add_signal_handler(signal.SIGQUIT, server.hurry)
        # Plain sockets: the loop closes each of them once.
        listeners = [sock for listener in self.sockets for sock in _copies(listener.sock)]
        try:
            await server.serve(sockets=listeners)
        except SystemExit:
            if server.started:
                raise
        except asyncio.CancelledError:
            if server.started or not server.should_exit:
                raise
            return
        if not server.started:
            await self._give_up()

    def _wrap_app(self) -> None:
        """Put the look at proxies' headers in front of whatever app it is, once uvicorn has made ASGI 3 of it."""
        setup = process.setup()
        self.config.load()
        self.config.loaded_app = ProxyHeadersMiddleware(
            self.config.loaded_app,
            trusted=self.cfg.forwarded_allow_ips,
            https_hosts=setup.https_hosts if setup is not None else (),
        )

    def _beat(self) -> bool:
        """Tell the master that this worker lives; whether the master does."""
        self.notify()
        return os.getppid() == int(self.ppid)

    def _started(self) -> None:
        board = process.board()
        if board is not None:
            board.started()

    def _may_retire(self) -> bool:
        board = process.board()
        return board is None or board.take_turn()

    async def _give_up(self) -> NoReturn:
        board = process.board()
        if board is None:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**board.failures) if board.served else 0
        board.failed()
        if pause:
            self.log.error("This worker cannot start; the next attempt comes in %.2g s.", pause)
            await asyncio.sleep(pause)
        sys.exit(os.EX_TEMPFAIL)

    def _route_logs(self, *, own_access_lines: bool) -> None:
        """Send uvicorn's records where gunicorn's go; an app that writes its own access lines needs no others."""
        if self.log.error_log.propagate:  # a logging configuration has sent gunicorn's to the root
            for name in ("uvicorn.error", "uvicorn.access"):
                logger = logging.getLogger(name)
                logger.handlers, logger.propagate = [], True
            logging.getLogger("uvicorn.error").setLevel(logging.NOTSET)
        access = logging.getLogger("uvicorn.access")
        access.setLevel(logging.INFO)
        if own_access_lines:
            access.handlers, access.propagate = [], False


def _copies(listener: socket.socket) -> list[socket.socket]:
    """The listener, as often as connections are to be taken in a round."""
    return [listener, *(listener.dup() for _ in range(_ACCEPTED_A_ROUND - 1))]
