"""A live turn as bytes for one reader: each as fast as it reads, and nobody faster or slower for another."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence

import pytest
from starlette.types import Message
from tests.chat.dictation import Dictation, ports
from tests.web.test_streaming import PATIENT, QUICK, Reader

from lectern.adapters.sql_store import SqlStore
from lectern.chat.draft import Question
from lectern.chat.following import Distant, Following
from lectern.chat.live_turn import Patience
from lectern.chat.pipeline import Knobs
from lectern.chat.streaming import stream
from lectern.chat.turns import Turns
from lectern.errors import StoreUnavailable
from lectern.events import Delta, Done, Event, Started
from lectern.formats.sse import SseEncoder
from lectern.principal import Principal
from lectern.serving import process
from lectern.serving.drain import Drain
from lectern.web.streaming import Heartbeat

ASKED = Question("What is a reducer?", principal=Principal("visitor", "v"))
LONG = "A reducer is pure. " * 200


class Bed:
    """Turns, and readers of their streams."""

    def __init__(self, store: SqlStore, knobs: Knobs) -> None:
        self.llm = Dictation()
        self.turns = Turns(ports(store, self.llm), knobs, patience=Patience(abandon_seconds=60, most_followers=50))

    def serve(self, following: Following, reader: Reader, heartbeat: Heartbeat = PATIENT) -> asyncio.Task[None]:
        """Stream a turn to a reader."""
        response = stream(following, SseEncoder(), heartbeat, media_type="text/event-stream")
        return asyncio.create_task(response({"type": "http"}, reader.receive, reader.send))

    async def another(self, following: Following, reader: Reader, position: int = 0) -> asyncio.Task[None]:
        """Stream the same turn to one more reader, from a position."""
        assert ASKED.principal is not None
        return self.serve(await self.turns.follow(following.turn_id, ASKED.principal, position=position), reader)


@pytest.fixture
async def bed(store: SqlStore, knobs: Knobs) -> AsyncGenerator[Bed, None]:
    """A worker."""
    bed = Bed(store, knobs)
    yield bed
    await bed.turns.close()


async def until(reader: Reader, what: bytes) -> None:
    """Return when a reader has got some bytes."""
    while what not in reader.body:
        reader.got.clear()
        await reader.got.wait()


def last_id(body: bytes) -> int:
    """The position that a reader goes on from."""
    return int(body.rpartition(b"\nid: ")[2].partition(b"\n")[0])


async def test_the_bytes_do_not_depend_on_when_one_came(bed: Bed) -> None:
    """Who follows from the start, and who leaves and comes back, end with the same bytes."""
    following = await bed.turns.begin(ASKED)
    first, other, back = Reader(), Reader(), Reader()
    serving, leaving = bed.serve(following, first), await bed.another(following, other)
    bed.llm.say("Reducers ", "are ")
    await until(other, b"are ")
    other.left.set()
    await leaving
    bed.llm.say("pure", " [1].")
    await until(first, b"[1]")
    returning = await bed.another(following, back, last_id(other.body))
    bed.llm.end()
    await asyncio.gather(serving, returning)
    assert first.ended
    assert back.ended
    joined = other.body + back.body
    pieces = (b"event: started", b"event: sources", b"event: done")
    assert [joined.count(piece) for piece in pieces] == [1, 1, 1]
    # Deltas that came together are frames of their own still: their cut is that of the events.
    assert joined == first.body


async def test_who_never_reads_slows_nobody(bed: Bed) -> None:
    """The turn ends, and the others have all of it, while one reader has taken nothing since its first frame."""
    following = await bed.turns.begin(ASKED)
    quick, stuck = Reader(), Reader()
    serving, hanging = bed.serve(following, quick), await bed.another(following, stuck)
    bed.llm.say("Reducers ")
    await until(stuck, b"Reducers ")
    had = stuck.body
    stuck.takes.clear()
    bed.llm.say(LONG, LONG)
    bed.llm.end()
    await serving
    assert quick.ended
    assert stuck.body == had
    stuck.takes.set()
    await hanging
    assert stuck.body == quick.body


async def test_who_reads_again_gets_everything_in_order(bed: Bed) -> None:
    """Also what happens in the very moment in which its connection takes bytes again."""
    following = await bed.turns.begin(ASKED)
    reader = Reader()
    serving = bed.serve(following, reader)
    await until(reader, b"event: sources")
    (turn,) = bed.turns._live.values()
    for round_ in range(5):
        reader.takes.clear()
        turn._note(Delta(f"<{round_}a>"))
        for _ in range(round_):
            await asyncio.sleep(0)
        reader.takes.set()
        turn._note(Delta(f"<{round_}b>"))
        await until(reader, f"<{round_}b>".encode())
    bed.llm.say("Pure.")
    bed.llm.end()
    await serving
    said = [json.loads(line[6:])["text"] for line in reader.body.split(b"\n") if line.startswith(b'data: {"text"')]
    assert said == [*(f"<{round_}{part}>" for round_ in range(5) for part in "ab"), "Pure."]


async def test_who_never_reads_is_given_up(bed: Bed) -> None:
    """Its connection ends, though it was the first to ask; the turn goes on for those who may come."""
    following = await bed.turns.begin(ASKED)
    stuck = Reader()
    hanging = bed.serve(following, stuck, QUICK)
    await until(stuck, b"event: sources")
    stuck.takes.clear()
    bed.llm.say(LONG)
    await asyncio.wait_for(hanging, 10)
    assert bed.llm.open == 1
    back = Reader()
    returning = await bed.another(following, back)
    bed.llm.end()
    await returning
    assert back.ended


async def test_the_first_request_lasts_as_long_as_its_turn(bed: Bed) -> None:
    """Its reader has left; so that the worker knows of its work, the request ends with the turn."""
    following = await bed.turns.begin(ASKED)
    reader = Reader()
    serving = bed.serve(following, reader)
    await until(reader, b"event: sources")
    reader.left.set()
    bed.llm.say("Pure.")
    await bed.llm.asked.wait()
    assert not serving.done()
    bed.llm.end()
    await serving
    assert b"Pure." not in reader.body


async def test_a_last_event_on_its_way_is_the_only_end(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that stops while a reader slowly takes the end of a turn of elsewhere adds no second one."""
    drain = Drain()
    monkeypatch.setattr(process, "on_last_call", drain.last_call.call)

    async def told() -> AsyncGenerator[tuple[int, Sequence[Event]], None]:
        yield 0, [Started("c", "t"), Delta("All."), Done("answered")]

    class Slow(Reader):
        """Takes the head at once, and what follows when it may."""

        def __init__(self) -> None:
            super().__init__()
            self.asked = asyncio.Event()

        async def send(self, message: Message) -> None:
            if message["type"] == "http.response.body":
                self.asked.set()
                await self.takes.wait()
            self.sent.append(message)

    reader = Slow()
    reader.takes.clear()
    serving = bed.serve(await Distant.of("t", told()), reader)
    await reader.asked.wait()
    drain.last_call.happen()
    await asyncio.sleep(0.05)  # for the stream to be cut
    reader.takes.set()
    await serving
    assert reader.body.count(b"event: done") == 1
    assert b"event: failed" not in reader.body


async def test_who_cannot_follow_any_more_is_told_so_without_an_id(bed: Bed) -> None:
    """The turn may go on where it is, so the place to go on from is that of the last event of its own."""

    async def told() -> AsyncGenerator[tuple[int, Sequence[Event]], None]:
        yield 0, [Started("c", "t"), Delta("All")]
        raise StoreUnavailable

    reader = Reader()
    await bed.serve(await Distant.of("t", told()), reader)
    assert last_id(reader.body) == 3001
    assert reader.body.rpartition(b"\n\nevent: ")[2].startswith(b"failed\ndata: ")
    assert reader.ended
