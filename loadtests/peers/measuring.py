"""The run itself: every peer is started, asked in turn with the others, left, stopped, and given a failing provider."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

import psutil

from loadtests import services, targets
from loadtests.peers.environments import NotInstalledError, made
from loadtests.peers.faults import FAULTS, met
from loadtests.peers.peer import Peer
from loadtests.peers.process import NotStartedError, ready_seconds
from loadtests.peers.record import PeerRecord
from loadtests.peers.waves import Running
from loadtests.services import Service

MODEL: Final = "stub-ttft200-itl20-len40"
_WARM_UP_READERS = 10


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured.

    Attributes:
        readers: How many ask at once, a wave of each.
        repeat: Waves of each size.
    """

    readers: tuple[int, ...] = (50, 100)
    repeat: int = 5


def measure(peers: Sequence[Peer], plan: Plan) -> list[PeerRecord]:
    """A record of the provider itself and of each peer. One that cannot be measured says why, and the others go on."""
    records = {peer.name: _weighed(peer) for peer in peers}
    provider_record = PeerRecord(
        "stub", "the provider itself", "a stub: what the answers take without anything before them"
    )
    with services.stub() as stub, ExitStack() as stack:
        running = {"stub": Running(stub, targets.of_stub(stub.url, MODEL), _health(stub))}
        for peer in peers:
            if started := _start(stack, peer, records[peer.name], stub.url, MODEL):
                running[peer.name] = started
        _waves(running, {"stub": provider_record} | records, plan)
        del running["stub"]
        for name, one in list(running.items()):
            _say(f"{name}: readers leave, then the server is told to stop")
            with _lost(name, running, records):
                records[name].pss_after_bytes = one.service.pss_bytes()
                records[name].left = one.left(stub.url)
                records[name].stopped = one.stopped()
    return [provider_record, *records.values()]


def _weighed(peer: Peer) -> PeerRecord:
    record = PeerRecord(peer.name, peer.title, peer.does)
    if peer.environment:
        try:
            _say(f"{peer.name}: its environment, made if it has to be")
            record.environment = made(peer.name)
            record.version = record.environment.packages.get(peer.package, "")
        except NotInstalledError as error:
            record.absent = f"not installed: {error}"
    return record


def _start(stack: ExitStack, peer: Peer, record: PeerRecord, provider: str, model: str) -> Running | None:
    """Start a peer until the stack ends, and note how long that took; None, with the reason noted, if it does not."""
    # Lectern runs from the checkout's environment: it can be measured where its own could not be weighed.
    if record.absent and peer.name != "lectern":
        return None
    _say(f"{peer.name}: start before {model}")
    try:
        service = stack.enter_context(peer.start(provider, model))
        record.ready_seconds.append(round(ready_seconds(service, peer.ready), 2))
    except (NotStartedError, RuntimeError, OSError) as error:
        record.absent = f"not started: {' '.join(str(error).split())[-200:]}"
        return None
    return Running(service, peer.target(service.url), f"{service.url}{peer.health}")


def _waves(running: dict[str, Running], records: dict[str, PeerRecord], plan: Plan) -> None:
    for name, one in list(running.items()):
        with _lost(name, running, records):
            records[name].pss_idle_bytes = one.service.pss_bytes()
            one.asked(_WARM_UP_READERS, MODEL)
    for repetition in range(plan.repeat):
        for readers in plan.readers:
            _say(f"repetition {repetition + 1} of {plan.repeat}: {readers} readers at once")
            names = list(running)
            turn = repetition % len(names)
            for name in names[turn:] + names[:turn]:
                with _lost(name, running, records):
                    found = running[name].asked(readers, MODEL)
                    records[name].waves.setdefault(readers, []).append(found)


@contextmanager
def _lost(name: str, running: dict[str, Running], records: dict[str, PeerRecord]) -> Iterator[None]:
    """A service that is gone in the middle of the run: its record says so, and the others go on."""
    try:
        yield
    except (psutil.Error, OSError) as error:
        records[name].absent = f"broke off: {type(error).__name__}"
        del running[name]


def give_faults(peers: Sequence[Peer], records: Sequence[PeerRecord]) -> None:
    """Start those that were measured once more for each fault of the provider, and note what a reader gets."""
    by_name = {record.name: record for record in records}
    there = {peer.name: peer for peer in peers if by_name[peer.name].waves}
    with services.stub() as stub:
        for fault in FAULTS:
            with ExitStack() as stack:
                running: dict[str, Running] = {}
                for name, peer in there.items():
                    if started := _start(stack, peer, by_name[name], stub.url, fault.model_of(peer)):
                        running[name] = started
                _say(f"{fault.title}: one question to each")
                outcomes = met(fault, running, there, stub.url)
            for name, outcome in outcomes.items():
                by_name[name].faults[fault.name] = outcome


def _health(stub: Service) -> str:
    return f"{stub.url.removesuffix('/v1')}/health"


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
