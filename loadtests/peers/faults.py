"""What a reader gets when the provider fails, seen from the wire, and whether the service says how it is meanwhile."""

import asyncio
from dataclasses import dataclass
from typing import Final

import httpx2

from loadtests.peers.peer import Peer
from loadtests.peers.reply import Reply, ask
from loadtests.peers.waves import Running, provider_counts
from loadtests.wire import Target

PATIENCE_SECONDS: Final = 40.0
"""How long a reader waits and a silent stream is watched: longer than the 30 s after which some clients give up."""
_PROVIDERS_WORDS: Final = b"The model's name asks for"
"""How the stub words its errors: no reader should see that."""
_PROBE_SECONDS = 0.25
_EXCERPT = 400


@dataclass(frozen=True, slots=True)
class Fault:
    """A way in which the provider fails: its name, how the table says it, and the stub's model that does it."""

    name: str
    title: str
    model: str

    def model_of(self, peer: Peer) -> str:
        """The same model under a name of the peer's own, so that the provider's calls are counted apart."""
        return f"{self.model}-tag{peer.name}"


FAULTS: Final = (
    Fault("fail500", "the provider answers 500", "stub-fail500"),
    Fault("fail429", "the provider answers 429, `Retry-After: 1`", "stub-fail429"),
    Fault("stall", "the provider falls silent after 10 tokens", "stub-ttft50-itl10-stall10"),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reader got.

    Attributes:
        status: The HTTP status; 0 when none came.
        tokens: Frames with text.
        whole: Whether the answer came to its end, as the service marks it.
        told: Whether the reader was told of the failure, by a status or by an event.
        stand_in: Whether the answer was made without the model, and says so.
        ended: Whether the service ended it while the reader waited.
        leaked: Whether the provider's own words reached the reader.
        retry_after: Whether the answer says when to come again.
        calls: Calls of the provider for this one question.
        health_ms: The slowest answer of the health check meanwhile.
        health_failures: Health checks that brought no 200.
        excerpt: The end of the body.
    """

    status: int
    tokens: int
    whole: bool
    told: bool
    stand_in: bool
    ended: bool
    seconds: float
    leaked: bool
    retry_after: bool
    calls: int
    health_ms: float
    health_failures: int
    excerpt: str


def judged(reply: Reply, peer: Peer, target: Target, calls: int, health: list[float | None]) -> Outcome:
    """Read a reply by the marks of its peer; `health` has milliseconds, None for a check that failed."""
    return Outcome(
        status=reply.status,
        tokens=reply.body.count(target.token),
        whole=reply.whole(target),
        told=reply.status >= 400 or peer.failed in reply.body,  # noqa: PLR2004 - HTTP
        stand_in=bool(peer.stand_in) and peer.stand_in in reply.body,
        ended=reply.ended,
        seconds=round(reply.seconds, 2),
        leaked=_PROVIDERS_WORDS in reply.body,
        retry_after=b"\nretry-after:" in reply.head.lower(),
        calls=calls,
        health_ms=round(max((one for one in health if one is not None), default=0.0), 1),
        health_failures=health.count(None),
        excerpt=reply.body[-_EXCERPT:].decode(errors="replace"),
    )


async def _watched(health: str) -> list[float | None]:
    """Ask a health check again and again, until cancelled; how long each answer took, in milliseconds."""
    found: list[float | None] = []
    loop = asyncio.get_running_loop()
    async with httpx2.AsyncClient(timeout=10) as http:
        try:
            while True:
                began = loop.time()
                try:
                    answered = (await http.get(health)).status_code == 200  # noqa: PLR2004 - HTTP
                except httpx2.HTTPError:
                    answered = False
                found.append((loop.time() - began) * 1000 if answered else None)
                await asyncio.sleep(_PROBE_SECONDS)
        except asyncio.CancelledError:
            return found


async def _one(running: Running, seconds: float) -> tuple[Reply, list[float | None]]:
    watching = asyncio.create_task(_watched(running.health))
    await asyncio.sleep(_PROBE_SECONDS)
    reply = await ask(running.target, seconds)
    watching.cancel()
    return reply, await watching


def met(
    fault: Fault, running: dict[str, Running], peers: dict[str, Peer], provider: str, seconds: float = PATIENCE_SECONDS
) -> dict[str, Outcome]:
    """One question to each of the services, whose provider fails so; all at the same time."""

    async def all_at_once() -> list[tuple[Reply, list[float | None]]]:
        return await asyncio.gather(*(_one(one, seconds) for one in running.values()))

    replies = asyncio.run(all_at_once())
    calls = provider_counts(provider)["requests"]
    return {
        name: judged(reply, peers[name], one.target, calls.get(fault.model_of(peers[name]), 0), health)
        for (name, one), (reply, health) in zip(running.items(), replies, strict=True)
    }
