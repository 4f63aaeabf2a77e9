"""A client who loses its connection again and again, and goes on with the last event that it saw whole."""

import asyncio
import json
import random
import socket
import struct
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from tests.chaos.cuts import Cut
from tests.chaos.transcript import Transcript
from tests.chaos.wire import Frames, Response, WireError

SILENT_SECONDS = 45.0
"""A stream says something, if only a comment, every eight seconds; more than five times that is a broken one."""
LONGEST_PAUSE, TRIES = 1.0, 90
"""Pauses double from 50 ms to the first, in seconds; so many tries outlast a restart several times."""
_FIRST_PAUSE = 0.05
_NOT_NOW = {429, 502, 503, 504}
_RESET = struct.pack("ii", 1, 0)
"""A socket that lingers zero seconds throws its connection away."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client asks, and as whom.

    Attributes:
        question: Different from all others', so that its turns are found by it.
        key: The idempotency key; empty for a client that has none.
        token: The bearer token of who is signed in; empty for a visitor.
    """

    question: str
    key: str = ""
    token: str = ""


class Client:
    """One client, and what became of its question.

    Args:
        asked: The question.
        ports: Where the service is; one is chosen for each connection.
        cuts: Where its connections break, one after the other.
        dice: For its pauses and its choices of a port.
        follows: The turn to follow from its first event on, instead of asking.

    Attributes:
        transcript: What it knows of the turn.
        refusal: The status and code of the answer that told it to give up, if one did.
        sent: How often its question may have reached the service.
        seen: What it met: cuts by their kind, broken streams, refusals.
        instances: Which instances served it, as the proxy named them.
        bytes: How many bytes of answers it received.
    """

    def __init__(
        self, asked: Asked, ports: Sequence[int], cuts: Sequence[Cut], dice: random.Random, *, follows: str = ""
    ) -> None:
        self.asked = asked
        self._follows = follows
        self.transcript = Transcript()
        self.refusal: tuple[int, str] | None = None
        self.sent = 0
        self.seen: Counter[str] = Counter()
        self.instances: set[str] = set()
        self.bytes = 0
        self.head_bytes = self.bytes_before_text = 0
        self._ports, self._cuts, self._dice = ports, list(cuts), dice
        self._cookie = ""

    @property
    def name(self) -> str:
        """Its question's last word."""
        return self.asked.question.rpartition(" ")[2]

    @property
    def was_cut(self) -> bool:
        """Whether a connection of it broke, by its own doing or another's."""
        broken = any(name.startswith(("cut ", "stream broken", "Connection")) for name in self.seen)
        return broken or self.transcript.interrupted > 0

    @property
    def is_answered(self) -> bool:
        """Whether it was told that its answer is whole."""
        return self.transcript.end is not None and self.transcript.end[1].get("outcome") == "answered"

    @property
    def is_over(self) -> bool:
        """Whether it has come to an end, good or bad."""
        return self.transcript.end is not None or self.refusal is not None or bool(self.transcript.faults)

    async def run(self, tries: int = TRIES) -> None:
        """Ask, and go on until the turn's last event has come, or an answer says that there is none to come."""
        pause = _FIRST_PAUSE
        for _ in range(tries):
            received = self.bytes
            try:
                await self._connect()
            except TimeoutError:  # an OSError too
                self.transcript.faults.append(f"silent for {SILENT_SECONDS:.0f} s after {self.transcript.last_id!r}")
            except OSError as error:
                self.seen[type(error).__name__] += 1
            except WireError as error:
                self.transcript.faults.append(str(error))
            if self.is_over:
                return
            pause = _FIRST_PAUSE if self.bytes > received + self.head_bytes else min(LONGEST_PAUSE, 2 * pause)
            await asyncio.sleep(pause * self._dice.uniform(0.5, 1.0))
        self.transcript.faults.append(f"no end after {tries} tries, at {self.transcript.last_id!r}")

    def request(self) -> bytes:
        """What it sends next: its question, or where it wants to go on."""
        lines = ["Host: lectern.test", "Accept: text/event-stream", "Connection: close"]
        lines += [f"Authorization: Bearer {self.asked.token}"] if self.asked.token else []
        lines += [f"Cookie: {self._cookie}"] if self._cookie else []
        if turn := self.transcript.turn_id or self._follows:
            lines += [f"Last-Event-ID: {self.transcript.last_id}"] if self.transcript.last_id else []
            return "\r\n".join([f"GET /chat/turns/{turn}/stream HTTP/1.1", *lines, "", ""]).encode()
        body = json.dumps({"message": self.asked.question}).encode()
        lines += [f"Idempotency-Key: {self.asked.key}"] if self.asked.key else []
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        return "\r\n".join(["POST /chat HTTP/1.1", *lines, "", ""]).encode() + body

    async def _connect(self) -> None:
        """One connection, to its end or to the next cut."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._dice.choice(self._ports))
        cut = self._cuts[0] if self._cuts else None
        request = self.request()
        try:
            if cut is not None and cut.where == "in the request":
                self.sent += request.startswith(b"POST") and cut.at >= len(request)
                writer.write(request[: cut.at])
                await writer.drain()
                self._cut(cut, writer)
                return
            self.sent += request.startswith(b"POST")
            writer.write(request)
            await self._listen(reader, writer, cut)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cut: Cut | None) -> None:
        response, frames, body, received = Response(), Frames(), b"", 0
        self.transcript.begin_stream()
        while not response.is_over:
            data = await asyncio.wait_for(reader.read(65536), SILENT_SECONDS)
            place = cut.place(received, data) if cut is not None else None
            taken = data if place is None else data[:place]
            received += len(taken)
            self.bytes += len(taken)
            had_head = bool(response.status)
            new = response.feed(taken)
            if response.status and not had_head:
                self._note_head(response, received - len(new))
            if response.status == 200 and response.headers.get("content-type", "").startswith("text/event-stream"):
                self._take(frames, new)
            else:
                body += new
            if cut is not None and place is not None:
                self._cut(cut, writer)
                return
            if not data:
                self.seen["stream broken"] += 1
                return
        if response.status != 200:
            self._refused(response.status, body)
        elif not self.transcript.stream_is_over or not frames.is_between:
            self.transcript.faults.append(f"a stream ended in order, but without its last event: {body!r}")

    def _take(self, frames: Frames, data: bytes) -> None:
        for frame in frames.feed(data):
            if frame.name == "delta" and not self.bytes_before_text:
                self.bytes_before_text = self.bytes
            self.transcript.take(frame)

    def _note_head(self, response: Response, size: int) -> None:
        self.head_bytes = size
        if given := response.headers.get("set-cookie"):
            self._cookie = given.partition(";")[0]
        if instance := response.headers.get("x-served-by"):
            self.instances.add(instance.rpartition(" ")[2])

    def _refused(self, status: int, body: bytes) -> None:
        self.seen[f"status {status}"] += 1
        if status in _NOT_NOW:
            return
        code = ""
        with suppress(ValueError):
            code = json.loads(body).get("error", "")
        self.refusal = (status, code)

    def _cut(self, cut: Cut, writer: asyncio.StreamWriter) -> None:
        """Break the connection here: what the kernel has received beyond is never looked at."""
        self._cuts.pop(0)
        self.seen[f"cut {cut.where}"] += 1
        held: socket.socket = writer.get_extra_info("socket")
        if cut.reset:
            held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()
