"""One scenario: calibrate, let clients ask, be cut and go on while instances suffer, then ask for every turn again."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import httpx2
from tests.chaos.client import Asked, Client
from tests.chaos.cuts import Sizes, cuts
from tests.chaos.havoc import Act, Havoc
from tests.chaos.instances import Instance
from tests.chaos.oracle import Saved, Verdict, judge

WORDS = 'Wie läuft die Prüfung, naïve Œuvre? "試験" を\\実行 тесты 한국어 🚀🦉 e\u0301 Ωμέγα'
"""Words that the stub answers in, one a token: one to four bytes a character, and what JSON escapes."""
MODEL = "stub-ttft300-itl200-len60"
"""Twelve seconds an answer, so that whatever happens hits it under way."""
SETTINGS = {
    "WEB_CONCURRENCY": "2",
    "SECRET_KEY": "a-secret-of-the-tests-own-0123456789abcdef",
    "MIN_CONFIDENCE": "0",
    "LIMITS": "none",
    # Each turn waits for its model this long: `waking` is among its events, which no saved turn remembers.
    "WAKING_SECONDS": "0.2",
    # Too short for an answer that has just begun, long enough for one that is nearly over.
    "GRACEFUL_TIMEOUT_SECONDS": "10",
    "REQUEST_TIMEOUT_SECONDS": "30",
    # Workers that drain hold theirs beside those that came for them; the server for tests has sixty.
    "DATABASE_CONNECTIONS": "6",
}
_UNKEYED = 0.25
"""So many of the clients send no idempotency key: nobody may make one turn of what they send twice."""
_SIGNED_IN = 0.25
_PACE = 4.0
"""So many clients begin a second: about forty are under way at once, and no act hits them all."""
_LATE_AT_ONCE = 20


def seed() -> int:
    """`CHAOS_SEED`, or another one each time; printed with what it led to."""
    return int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(10**6))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a scenario led to.

    Attributes:
        seed: The dice's.
        clients: All clients.
        havoc: What was done meanwhile.
        verdict: The oracle's.
    """

    seed: int
    clients: Sequence[Client]
    havoc: Havoc
    verdict: Verdict

    def counts(self) -> dict[str, int]:
        """Rows of a table."""
        seen = sum((client.seen for client in self.clients), Counter[str]())
        return {
            "seed": self.seed,
            "clients": len(self.clients),
            **dict(sorted(self.havoc.done.items())),
            **dict(sorted(seen.items())),
            "streams ended by a draining worker": sum(client.transcript.interrupted for client in self.clients),
            "clients whom several instances served": sum(len(client.instances) > 1 for client in self.clients),
            "bytes received": sum(client.bytes for client in self.clients),
            **{f"told {ending}": number for ending, number in sorted(self.verdict.endings.items())},
            "bytes missing": self.verdict.missing,
            "bytes too many": self.verdict.surplus,
            "lost turns of which nothing is saved": self.verdict.unsaved,
            "bytes of lost turns beyond what is saved": self.verdict.ahead,
        }


class Scenario:
    """Clients against a service.

    Args:
        ports: Where clients find it.
        instances: What it consists of.
        saved: Reads what it has saved.
        number: The dice's seed.
    """

    def __init__(
        self, ports: Sequence[int], instances: Sequence[Instance], saved: Callable[[], list[Saved]], number: int
    ) -> None:
        self._ports, self._instances, self._saved = ports, instances, saved
        self._seed, self._dice = number, random.Random(number)

    async def run(self, count: int, acts: Sequence[Act]) -> Outcome:
        """Run it with so many clients."""
        model, sizes = await self._calibrate()
        tokens = [await self._sign_up(name) for name in ("ada", "grace")]
        clients = [self._client(number, sizes, tokens) for number in range(1, count + 1)]

        def whole(client: Client) -> str:
            return model.replace("№000", client.name)

        def progress() -> float:
            parts = (1.0 if c.is_over else len(c.transcript.text) / len(model) for c in clients)
            return sum(parts) / len(clients)

        havoc = Havoc(self._instances, acts, progress, self._dice)
        delays = [self._dice.uniform(0, count / _PACE) for _ in clients]
        async with asyncio.TaskGroup() as group:
            group.create_task(havoc.run())
            for client, delay in zip(clients, delays, strict=True):
                group.create_task(_after(delay, client))
        havoc.look()
        turns = await asyncio.to_thread(self._saved)
        verdict = judge(clients, turns, whole)
        verdict.faults += havoc.faults + await self._ask_again(clients, turns)
        verdict.faults += [f"{instance.folder} has a traceback" for instance in self._instances if instance.has_failed]
        return Outcome(self._seed, clients, havoc, verdict)

    async def _calibrate(self) -> tuple[str, Sizes]:
        """An undisturbed stream: the model's whole answer, and how long it is."""
        client = Client(Asked(f"{WORDS} №000"), self._ports, (), self._dice)
        await client.run()
        known = client.transcript
        assert (known.faults, known.is_degraded) == ([], False), (known.faults, known.events[:4])
        assert known.end is not None
        assert known.end[1].get("outcome") == "answered", known.end
        assert "№000" in known.text
        size = len(Client(client.asked, self._ports, (), self._dice).request())
        return known.text, Sizes(size, client.head_bytes, client.bytes_before_text, client.bytes)

    async def _sign_up(self, name: str) -> str:
        """A bearer token of a new account."""
        body = {"email": f"{name}@example.org", "name": name, "password": "correct horse", "proficiency": "pro"}
        async with httpx2.AsyncClient(timeout=30, trust_env=False) as http:
            answer = await http.post(f"http://127.0.0.1:{self._ports[0]}/api/auth/sign-up", json=body)
        return str(answer.raise_for_status().json()["session"]["accessToken"])

    def _client(self, number: int, sizes: Sizes, tokens: Sequence[str]) -> Client:
        dice = random.Random(f"{self._seed} {number}")
        key = "" if dice.random() < _UNKEYED else str(UUID(int=dice.getrandbits(128), version=4))
        token = dice.choice(tokens) if dice.random() < _SIGNED_IN else ""
        return Client(Asked(f"{WORDS} №{number:03}", key, token), self._ports, cuts(dice, sizes), dice)

    async def _ask_again(self, clients: Sequence[Client], turns: Sequence[Saved]) -> list[str]:
        """Every turn is there for who comes late: from its first event, whole, with the end that was saved."""
        answers = {turn.id: turn for turn in turns}
        faults: list[str] = []
        room = asyncio.Semaphore(_LATE_AT_ONCE)

        async def ask(client: Client) -> None:
            turn = answers.get(client.transcript.turn_id)
            if turn is None:
                return
            late = Client(client.asked, self._ports, (), self._dice, follows=turn.id)
            async with room:
                await late.run()
            known = late.transcript
            faults.extend(f"client {client.name}, late: {fault}" for fault in known.faults)
            if known.text != turn.answer or known.end is None:
                faults.append(f"client {client.name}, late: {known.end} {late.refusal} {known.text!r}, saved is {turn}")

        async with asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(ask(client))
        return faults


async def _after(seconds: float, client: Client) -> None:
    await asyncio.sleep(seconds)
    await client.run()
