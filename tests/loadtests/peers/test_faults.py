"""What a reader gets from a failing provider: told apart by what came over the wire."""

import time

import pytest
from loadtests import services, targets
from loadtests.peers.faults import FAULTS, Fault, judged, met
from loadtests.peers.lineup import PEERS
from loadtests.peers.reply import Reply, ask
from loadtests.peers.table import in_words
from loadtests.peers.waves import Running
from loadtests.stub_model import parse
from tests.stub_process import Stub

RELAY, LECTERN = (next(peer for peer in PEERS if peer.name == name) for name in ("relay", "lectern"))
TARGET = targets.of_lectern("http://127.0.0.1:1")
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream"
TOKEN, DONE = b'event: delta\ndata: {"text":"You"}\n\n', b"event: done\ndata: {}\n\n"
FAILED = b'event: failed\ndata: {"code":"upstream_timeout"}\n\n'
DEGRADED = b'event: degraded\ndata: {"part":"llm"}\n\n'


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(STREAM, TOKEN * 3 + DONE, ended=True, seconds=1), "an answer of 3 tokens that looks whole, after 1.0 s"),
        (Reply(STREAM, TOKEN + DEGRADED + TOKEN + DONE, ended=True, seconds=1), "an answer without the model"),
        (Reply(STREAM, TOKEN * 3 + FAILED, ended=True, seconds=2), "status 200, 3 tokens, then an error event"),
        (Reply(STREAM, TOKEN * 3, ended=True, seconds=2), "status 200, 3 tokens, then a cut stream"),
        (Reply(STREAM, TOKEN * 10, ended=False, seconds=40), "10 tokens, then nothing for 40 s"),
        (Reply(b"HTTP/1.1 502 Bad Gateway", b"{}", ended=True, seconds=0.5), "status 502 after 0.5 s"),
        (Reply(b"HTTP/1.1 429 No\r\nRetry-After: 1", b"{}", ended=True, seconds=0.5), "status 429 with `Retry-After`"),
        (Reply(b"", b"", ended=True, seconds=0.5), "status 0, 0 tokens, then a cut stream"),
    ],
)
def test_endings_are_told_apart(reply: Reply, words: str) -> None:
    """Each way to end has its own words, and only a leak is said to be one."""
    outcome = judged(reply, LECTERN, TARGET, 1, [1.5, 2.5])
    assert in_words(outcome).startswith(words)
    assert in_words(outcome).endswith("; 1 call; health within 2 ms")


def test_what_should_not_be_is_named() -> None:
    """The provider's words in an answer, calls on calls, and a health check that failed."""
    reply = Reply(b"HTTP/1.1 500 No", b'{"detail":"The model\'s name asks for status 500."}', ended=True, seconds=0.5)
    words = in_words(judged(reply, LECTERN, TARGET, 3, [None, 4.0]))
    assert "; 3 calls; the provider's own words reach the reader; 1 health checks failed; health within 4 ms" in words


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("peer", PEERS)
def test_the_stub_knows_every_fault(fault: Fault, peer: object) -> None:
    """Each model's name is in its grammar, and is the peer's own."""
    names = {fault.model_of(peer) for peer in PEERS}
    assert len(names) == len(PEERS)
    assert all(parse(name) == parse(fault.model) for name in names)


async def test_patience_ends_a_silent_stream(stub: Stub) -> None:
    """What came before the silence is kept, and it is told that the service did not end it."""
    target = targets.of_stub(stub.base_url, "stub-len5-stall5")
    reply = await ask(target, 0.5)
    assert (reply.status, reply.ended, reply.body.count(target.token)) == (200, False, 5)
    assert 0.5 <= reply.seconds < 5


async def test_nobody_there_is_an_end() -> None:
    """A service that is gone gives an empty reply at once."""
    reply = await ask(targets.of_stub("http://127.0.0.1:9", "stub"), 10)
    assert (reply.status, reply.body, reply.ended) == (0, b"", True)


async def test_a_reset_is_an_end(stub: Stub) -> None:
    """A connection that the provider breaks does not break the measurement."""
    reply = await ask(targets.of_stub(stub.base_url, "stub-reset"), 10)
    assert (reply.status, reply.ended) == (0, True)


@pytest.mark.process
def test_a_failing_provider_is_met(stub: Stub) -> None:
    """The relay, which has no words for failure, cuts its stream; its health check answers, its calls are counted."""
    fault = Fault("fail500", "the provider answers 500", f"stub-fail500-tag{time.monotonic_ns()}")
    with services.relay(stub.base_url, fault.model_of(RELAY)) as service:
        running = {"relay": Running(service, targets.of_relay(service.url), f"{service.url}/health")}
        [(name, outcome)] = met(fault, running, {"relay": RELAY}, stub.base_url, seconds=10).items()
    assert (name, outcome.tokens, outcome.whole, outcome.ended, outcome.calls) == ("relay", 0, False, True, 1)
    assert outcome.health_failures == 0
    assert outcome.health_ms > 0
