"""When a login server is asked for its keys, when it is not, and what is done when it cannot be. Over real HTTP."""

import asyncio
import gzip
import socket
from collections.abc import AsyncGenerator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.adapters.signing import Signer, signer
from tests.web_server import Answer, WebServer, running_web

from lectern.adapters import fetched_keys
from lectern.adapters.fetched_keys import FRESH_SECONDS, OLD_SECONDS, RETRY_SECONDS, UNKNOWN_SECONDS, FetchedKeys
from lectern.adapters.jwks import jwks_url
from lectern.adapters.jwks_file import MOST_AGE_SECONDS, JwksFile
from lectern.adapters.provider import Provider
from lectern.errors import LoginUnavailable

KEYS = "GET /api/auth/jwks"
OLD, NEW = signer(kid="old"), signer("ES256", kid="new")


def shown(*signers: Signer) -> Answer:
    """A set of these keys."""
    return Answer(200, {"keys": [made.jwk for made in signers]})


@dataclass
class Host:
    """A login server, and the clock of who asks it.

    Attributes:
        web: Where it is.
        answers: What it says; may be changed.
        path: The file that the workers share.
        now: Seconds since 1970.
    """

    web: WebServer
    answers: dict[str, Answer]
    path: Path
    now: float = 1_800_000_000.0
    opened: list[FetchedKeys] = field(default_factory=list)

    @property
    def asked(self) -> int:
        """How often it was."""
        return len(self.web.seen)

    def worker(self, url: str = "") -> FetchedKeys:
        """One more process that knows it; at another address, where one is given, with the same disk."""
        provider = Provider(base_url=jwks_url(url or self.web.url), api_key=None)
        keys = FetchedKeys(provider, JwksFile(self.path, jwks_url(self.web.url)), now=lambda: self.now)
        self.opened.append(keys)
        return keys

    def down(self) -> None:
        """From now on it says nothing of use."""
        self.answers[KEYS] = Answer(503)


@pytest.fixture
async def host(tmp_path: Path) -> AsyncGenerator[Host, None]:
    """One that shows the old key."""
    answers = {KEYS: shown(OLD)}
    with running_web(answers) as web:
        host = Host(web, answers, tmp_path / "data" / "keys.json")
        yield host
        for keys in host.opened:
            await keys.close()


async def has(keys: FetchedKeys, made: Signer) -> bool:
    """Whether the key is one of the server's."""
    return await keys.find(made.kid, made.algorithm) is not None


async def settled(keys: FetchedKeys) -> None:
    """Wait for what goes on behind a request."""
    if keys._fetching is not None:
        await keys._fetching


async def test_keys_are_fetched_once_for_all_who_wait(host: Host) -> None:
    """And for all who come later."""
    keys = host.worker()
    assert keys.standing() == ("unknown", "no key yet")
    assert all(await asyncio.gather(*(has(keys, OLD) for _ in range(20))))
    assert await has(keys, OLD)
    assert host.asked == 1
    assert keys.standing() == ("ok", f"1 key of 127.0.0.1:{host.web.port}")
    _, headers = host.web.seen[0]
    assert headers["user-agent"].startswith("lectern/")
    assert not {"authorization", "cookie"} & headers.keys()


async def test_warming_up_does_not_wait(host: Host) -> None:
    """The first request joins the fetch that goes on."""
    keys = host.worker()
    await keys.warm()
    assert await has(keys, OLD)
    await settled(keys)
    assert host.asked == 1


async def test_a_cancelled_request_does_not_end_the_fetch_of_the_others(host: Host) -> None:
    """Its reader left; theirs did not."""
    keys = host.worker()
    first = asyncio.create_task(has(keys, OLD))
    await asyncio.sleep(0)
    second = asyncio.create_task(has(keys, OLD))
    await asyncio.sleep(0)
    first.cancel()
    with suppress(asyncio.CancelledError):
        await first
    assert await second
    assert host.asked == 1


async def test_an_unknown_key_is_asked_for_once_a_minute(host: Host) -> None:
    """A new one is found at once; anybody else's names cost one fetch a minute, however many come."""
    keys = host.worker()
    assert await has(keys, OLD)
    host.answers[KEYS] = shown(OLD, NEW)
    assert await has(keys, NEW)
    assert host.asked == 2
    strangers = [signer() for _ in range(5)]
    assert not any([await has(keys, stranger) for stranger in strangers])
    assert host.asked == 2
    host.now += UNKNOWN_SECONDS
    assert not any(await asyncio.gather(*(has(keys, stranger) for stranger in strangers)))
    assert host.asked == 3
    assert await has(keys, OLD)


async def test_a_new_key_is_found_by_all_who_ask_at_once(host: Host) -> None:
    """Also by those who ask while a stranger's name is looked for."""
    keys = host.worker()
    assert await has(keys, OLD)
    host.answers[KEYS] = shown(OLD, NEW)
    found = await asyncio.gather(has(keys, signer()), *(has(keys, NEW) for _ in range(5)))
    assert found == [False, *[True] * 5]
    assert host.asked == 2


async def test_a_name_goes_with_its_algorithm_only(host: Host) -> None:
    """The right name and another algorithm is no key."""
    keys = host.worker()
    assert await keys.find("old", "ES256") is None
    assert await keys.find(None, "EdDSA") is not None


async def test_keys_are_fetched_again_behind_the_requests(host: Host) -> None:
    """After an hour; a revoked one is gone then."""
    keys = host.worker()
    assert await has(keys, OLD)
    host.answers[KEYS] = shown(NEW)
    host.now += FRESH_SECONDS
    assert await has(keys, OLD)
    await settled(keys)
    assert host.asked == 2
    assert not await has(keys, OLD)
    assert await has(keys, NEW)


async def test_a_revoked_key_is_not_believed_after_a_pause(host: Host) -> None:
    """The first request after two hours waits for what the server says now."""
    keys = host.worker()
    assert await has(keys, OLD)
    host.answers[KEYS] = shown(NEW)
    host.now += OLD_SECONDS
    assert not await has(keys, OLD)


async def test_the_workers_share_a_fetch_by_the_disk(host: Host) -> None:
    """What one has fetched, the other takes; a new key, too, without a word to the server."""
    one, other = host.worker(), host.worker()
    assert await has(one, OLD)
    assert await has(other, OLD)
    assert host.asked == 1
    host.answers[KEYS] = shown(OLD, NEW)
    host.now += 1
    assert await has(one, NEW)
    assert await has(other, NEW)
    assert host.asked == 2


async def test_a_server_that_went_down_is_not_missed(host: Host) -> None:
    """Keys in memory are good; after a restart, those on disk are; and both say so."""
    keys = host.worker()
    assert await has(keys, OLD)
    host.down()
    host.now += FRESH_SECONDS
    assert await has(keys, OLD)
    await settled(keys)
    assert keys.standing() == ("ok", f"1 key of 127.0.0.1:{host.web.port}; cannot be fetched again: status 503")
    assert host.asked == 2
    later = host.worker()
    assert await has(later, OLD)
    assert "status 503" in later.standing()[1]
    host.now += OLD_SECONDS
    assert await has(later, OLD)


async def test_a_server_that_is_down_is_left_alone(host: Host) -> None:
    """With keys it is asked once a minute, and nobody waits for it after its first failure."""
    keys = host.worker()
    assert await has(keys, OLD)
    host.down()
    host.now += OLD_SECONDS
    for _ in range(5):
        assert await has(keys, OLD)
        await settled(keys)
    assert host.asked == 2
    host.now += UNKNOWN_SECONDS
    assert await has(keys, OLD)
    await settled(keys)
    assert host.asked == 3
    host.answers[KEYS] = shown(OLD)
    host.now += UNKNOWN_SECONDS
    assert await has(keys, OLD)
    await settled(keys)
    assert keys.standing()[1] == f"1 key of 127.0.0.1:{host.web.port}"


async def test_an_unknown_key_cannot_be_told_while_the_server_is_down(host: Host) -> None:
    """It may be a new one: that is no 401."""
    keys = host.worker()
    assert await has(keys, OLD)
    host.down()
    with pytest.raises(LoginUnavailable):
        await has(keys, NEW)
    with pytest.raises(LoginUnavailable):
        await has(keys, NEW)
    assert host.asked == 2


async def test_keys_of_long_ago_are_not_believed(host: Host) -> None:
    """Neither from memory nor from disk, whatever cannot be reached."""
    keys = host.worker()
    assert await has(keys, OLD)
    host.down()
    host.now += MOST_AGE_SECONDS + 1
    for worker in (keys, host.worker()):
        with pytest.raises(LoginUnavailable):
            await has(worker, OLD)


async def test_a_clock_that_was_set_back_asks_again(host: Host) -> None:
    """Keys from the future may be of any age; they are used until it answers."""
    keys = host.worker()
    assert await has(keys, OLD)
    host.down()
    host.now -= 10
    for worker in (keys, host.worker()):
        assert await has(worker, OLD)
        await settled(worker)
    assert host.asked == 3


async def test_a_disk_that_cannot_be_written_costs_the_copy_only(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    """One line says so."""
    host.path.parent.write_text("a file where the folder should be")
    assert await has(host.worker(), OLD)
    assert "could not be kept on disk" in caplog.text


FAULTS: dict[str, Answer] = {
    "redirect to a private address": Answer(302, b"", {"Location": "http://169.254.169.254/latest/meta-data"}),
    "redirect to itself": Answer(307, b"", {"Location": "/api/auth/jwks"}),
    "10 MB": Answer(200, b" " * 10_000_000 + b"{}"),
    "10 MB, packed": Answer(200, gzip.compress(b" " * 10_000_000), {"Content-Encoding": "gzip"}),
    "a page": Answer(200, b"<html>"),
    "no keys": Answer(200, {"keys": []}),
    "no set": Answer(200, ["keys"]),
    "too many keys": Answer(200, {"keys": [OLD.jwk] * 51}),
    "a private key": Answer(200, {"keys": [OLD.jwk, {**OLD.jwk, "d": "c2VjcmV0"}]}),
    "a secret": Answer(200, {"keys": [OLD.jwk, {"kty": "oct", "k": "c2VjcmV0"}]}),
    "404": Answer(404),
    "a length that is not true": Answer(200, b"{}", {"Content-Length": "10000000"}),
}


@pytest.mark.parametrize("answer", FAULTS.values(), ids=FAULTS.keys())
async def test_what_is_no_set_of_keys_is_refused(
    host: Host, answer: Answer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is signed in by it, it is logged once, and the server has 5 s of rest; nothing of it is repeated."""
    monkeypatch.setattr(fetched_keys, "FETCH_SECONDS", 1.0)
    host.answers[KEYS] = answer
    keys = host.worker()
    for _ in range(3):
        with pytest.raises(LoginUnavailable):
            await has(keys, OLD)
    assert [request for request, _ in host.web.seen] == [KEYS]
    host.now += RETRY_SECONDS
    with pytest.raises(LoginUnavailable):
        await has(keys, OLD)
    assert host.asked == 2
    assert len(caplog.records) == 1
    state, note = keys.standing()
    assert state == "down"
    assert "c2VjcmV0" not in caplog.text + note
    assert not host.path.exists()
    host.answers[KEYS] = shown(OLD)
    host.now += RETRY_SECONDS
    assert await has(keys, OLD)


@pytest.mark.parametrize("answer", FAULTS.values(), ids=FAULTS.keys())
async def test_good_keys_outlive_bad_ones(host: Host, answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that a server shows in a bad moment replace nothing, on disk neither."""
    monkeypatch.setattr(fetched_keys, "FETCH_SECONDS", 1.0)
    keys = host.worker()
    assert await has(keys, OLD)
    before = host.path.read_bytes()
    host.answers[KEYS] = answer
    host.now += OLD_SECONDS
    assert await has(keys, OLD)
    assert host.path.read_bytes() == before


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes the connection and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def closed() -> str:
    """An address where nobody listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    return f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("place", ["silent", "closed"])
async def test_a_server_that_does_not_answer_is_given_up(
    host: Host, place: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All who wait are told together; with keys on disk they notice nothing."""
    monkeypatch.setattr(fetched_keys, "FETCH_SECONDS", 0.2)
    url: str = request.getfixturevalue(place)
    keys = host.worker(url)
    answers = await asyncio.gather(*(has(keys, OLD) for _ in range(10)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {LoginUnavailable}
    assert keys.standing()[0] == "down"
    assert await has(host.worker(), OLD)
    host.now += FRESH_SECONDS
    assert await has(host.worker(url), OLD)


async def test_closing_ends_a_fetch(host: Host, silent: str) -> None:
    """The end of a worker does not wait for it."""
    keys = host.worker(silent)
    await keys.warm()
    await asyncio.sleep(0)
    await keys.close()
    assert keys._fetching is not None
    assert keys._fetching.cancelled()
