"""The instrument itself: it reads a stream cut anywhere, and sees each thing that it is there to see."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from uuid import UUID

import pytest
from tests.chaos.client import Asked, Client
from tests.chaos.cuts import Cut, Sizes, cuts
from tests.chaos.oracle import Saved, judge
from tests.chaos.transcript import Transcript
from tests.chaos.wire import Frame, Frames, Response, WireError

TURN = str(UUID(int=7))
WORDS = ["Über", " 試験", " 🦉", " naïve"]
ANSWER = "".join(WORDS)
Served = list[tuple[str, int | None, dict[str, object]]]
"""`(name, id, data)` of each event of a turn."""


def turn(words: list[str]) -> Served:
    """A turn's events."""
    events: Served = [("started", 1, {"turn_id": TURN, "conversation_id": TURN})]
    characters = 0
    for word in words:
        characters += len(word)
        events.append(("delta", 1000 * characters + 1, {"text": word}))
    return [*events, ("done", 1000 * characters + 2, {"outcome": "answered", "finish": "stop"})]


def body(events: Served) -> bytes:
    """The body of a stream."""
    frames = []
    for name, number, data in events:
        place = "" if number is None else f"id: {number}\n"
        frames.append(f": ping\n\nevent: {name}\n{place}data: {json.dumps(data, ensure_ascii=False)}\n\n")
    return "".join(frames).encode()


def answer(content: bytes) -> bytes:
    """A whole answer, in chunks of 7 bytes."""
    pieces = [content[at : at + 7] for at in range(0, len(content), 7)]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + chunks + b"0\r\n\r\n"


SIZES = Sizes(request=300, head=95, before_text=200, answer=len(answer(body(turn(WORDS)))))


def test_any_pieces_make_the_same_events() -> None:
    """Wherever a stream is torn, the same events come out of it."""
    sent = answer(body(turn(WORDS)))
    for first in range(len(sent)):
        response, frames = Response(), Frames()
        found: list[Frame] = []
        for begin, end in pairwise((0, first, min(first + 1, len(sent)), len(sent))):
            found += frames.feed(response.feed(sent[begin:end]))
        assert [(f.name, int(f.id or 0), json.loads(f.data)) for f in found] == turn(WORDS)
        assert response.is_over
        assert frames.is_between


def test_half_an_event_is_none() -> None:
    """An event whose blank line is missing has not come."""
    frames = Frames()
    assert frames.feed(b'event: delta\nid: 1\ndata: {"text":"a"}\n') == []
    assert not frames.is_between
    assert frames.feed(b"\n") == [Frame("delta", "1", '{"text":"a"}')]


def test_what_is_no_protocol_is_refused() -> None:
    """Broken UTF-8, broken chunks and a broken head."""
    with pytest.raises(WireError):
        Frames().feed(b"data: \xc3\n")
    for broken in (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", b"nonsense\r\n\r\n"):
        with pytest.raises(WireError):
            Response().feed(broken)


def test_cuts_fall_into_every_part_of_a_stream() -> None:
    """Requests, heads, characters and anything else are cut, by close and by reset, up to four times a client."""
    made = [cuts(random.Random(number), SIZES) for number in range(300)]
    assert {len(one) for one in made} == {1, 2, 3, 4}
    assert {(cut.where, cut.reset) for one in made for cut in one} == {
        (where, reset)
        for where in ("in the request", "in the head", "anywhere", "in a character")
        for reset in (False, True)
    }
    inside = Cut("in a character", 4, reset=False)
    assert inside.place(0, "abcdefgü".encode()) == 8
    assert inside.place(100, b"plain") is None


@pytest.mark.parametrize(
    "spoiled",
    [
        lambda events: events[:2] + events[1:],
        lambda events: events[:2] + events[3:],
        lambda events: [*events, events[-1]],
        lambda events: [events[0], *events],
        lambda events: [*events[:2], ("delta", 99_001, {"text": "?"}), *events[2:]],
        lambda events: [*events[:2], ("delta", None, {"text": "?"}), *events[2:]],
    ],
    ids=["twice", "left out", "two ends", "two beginnings", "out of place", "no id"],
)
def test_a_wrong_sequence_is_seen(spoiled: Callable[[Served], Served]) -> None:
    """Each of them is a fault, and an undisturbed turn has none."""
    for events, is_right in ((turn(WORDS), True), (spoiled(turn(WORDS)), False)):
        transcript = Transcript()
        for name, number, data in events:
            transcript.take(Frame(name, None if number is None else str(number), json.dumps(data)))
        assert (transcript.faults == []) is is_right


@asynccontextmanager
async def server(respond: Callable[[dict[str, str]], bytes]) -> AsyncIterator[int]:
    """A server that answers each request with these bytes and closes; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            writer.write(respond({"": head[0]} | dict(line.split(": ", 1) for line in head[1:-2])))
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):  # a client who cuts
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        yield listening.sockets[0].getsockname()[1]


async def client_of(port: int, *made: Cut) -> Client:
    """A client with these cuts, at its end."""
    client = Client(Asked("Frage №001", key="k"), [port], made, random.Random(1))
    await client.run()
    return client


def honest(request: dict[str, str]) -> bytes:
    """Goes on behind the last event."""
    last = int(request.get("Last-Event-ID", "0"))
    return answer(body([event for event in turn(WORDS) if (event[1] or 0) > last]))


async def test_a_client_goes_on_wherever_it_is_cut() -> None:
    """Cut at each byte, by close and by reset, its text is whole, and it never asks twice once it knows the turn."""
    async with server(honest) as port:
        places = range(0, SIZES.answer, 3)
        clients = await asyncio.gather(*(client_of(port, Cut("anywhere", at, reset=at % 2 == 0)) for at in places))
    for client in clients:
        assert (client.transcript.text, client.transcript.faults) == (ANSWER, [])
        assert client.seen["cut anywhere"] == 1
    assert {client.sent for client in clients} == {1, 2}


async def test_a_server_that_begins_again_is_caught() -> None:
    """One that ignores where the client was sends bytes twice; the client says so."""
    async with server(lambda _: answer(body(turn(WORDS)))) as port:
        client = await client_of(port, Cut("anywhere", SIZES.answer - 60, reset=False))
    assert client.transcript.faults


async def test_an_end_without_a_last_event_is_caught() -> None:
    """A body that ends in order must have said how the turn ended."""
    async with server(lambda _: answer(body(turn(WORDS)[:-1]))) as port:
        client = await client_of(port)
    assert client.transcript.faults


async def test_the_oracle_sees_what_is_not_as_saved() -> None:
    """A byte more or less, another outcome, a second turn, none at all: each is a fault; the true turn is none."""
    async with server(honest) as port:
        client = await client_of(port)
    true = Saved(TURN, client.asked.question, ANSWER, "answered", "stop")
    assert judge([client], [true], lambda _: ANSWER).faults == []
    wrong = [
        [replace(true, answer=f"{ANSWER}!")],
        [replace(true, answer=ANSWER[:-1])],
        [replace(true, outcome="cancelled")],
        [true, replace(true, id=str(UUID(int=8)))],
        [],
    ]
    for saved in wrong:
        assert judge([client], saved, lambda _: ANSWER).faults, saved
    assert judge([client], [true], lambda _: ANSWER[:-1]).faults
    short = judge([client], [replace(true, answer="Über 🦉")], lambda _: ANSWER)
    assert (short.missing, short.surplus) == (len(" 🦉".encode()) - 1, len(" 試験 🦉 naïve".encode()) - 1)
