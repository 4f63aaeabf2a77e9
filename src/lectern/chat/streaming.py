"""A turn as a stream of bytes, in whatever format; every room streams by this."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from lectern.chat.following import Following
from lectern.errors import LecternError, ShuttingDown
from lectern.events import Done, Event, Failed, after
from lectern.formats.format import Encoder
from lectern.web.streaming import Heartbeat, StreamingFrames, Tap


async def frames(following: Following, encoder: Encoder, tap: Tap) -> AsyncGenerator[bytes, None]:
    """The turn's frames; what became ready together is one piece, so that it is one write.

    What happens while the stream waits for a piece goes by the tap, as long as the reader keeps up.
    """

    def hear(position: int, event: Event) -> bool:
        frame = encoder.encode(position, event)
        return not frame or tap.offer(frame)

    try:
        async with aclosing(following.batches(hear)) as batches:
            async for position, events in batches:
                rendered: list[bytes] = []
                at = position
                for event in events:
                    at = after(at, event)
                    rendered.append(encoder.encode(at, event))
                yield b"".join(rendered)
    except LecternError as error:  # it can be followed no further, though it may go on: no event of it tells that
        yield encoder.cut(error)


def stream(
    following: Following,
    encoder: Encoder,
    heartbeat: Heartbeat,
    *,
    media_type: str,
    headers: Mapping[str, str] | None = None,
) -> StreamingFrames:
    """The response that streams a turn to one reader.

    Args:
        following: The reader's way through it.
        encoder: Renders it, for this reader only.
        heartbeat: How silence is watched.
        media_type: Content type of the stream.
        headers: More than every stream has.
    """
    tap = Tap()
    if not following.ends_with_worker:
        encoder = _Ending(encoder)
    return StreamingFrames(
        frames(following, encoder, tap),
        media_type=media_type,
        cut=None if following.ends_with_worker else lambda: encoder.cut(ShuttingDown()),
        heartbeat=heartbeat,
        headers=headers,
        afterwards=following.lingering,
        tap=tap,
    )


class _Ending:
    """Implements `Encoder` by another one, and cuts nothing off that has ended: one last event is enough."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._over = False

    def encode(self, position: int, event: Event) -> bytes:
        self._over = self._over or isinstance(event, Done | Failed)
        return self._encoder.encode(position, event)

    def cut(self, error: LecternError) -> bytes:
        return b"" if self._over else self._encoder.cut(error)
