"""Where the local model's weights are looked for, and how they are fetched from a hub that behaves or does not."""

import hashlib
import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lectern.adapters.minilm_weights import FILES, REPOSITORY, find_weights

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONTENT = {"tokenizer.json": b'{"a": "tokenizer"}', "model.safetensors": bytes(range(256)) * 4096}
FETCH = """
import sys
from lectern.adapters.minilm_weights import fetch_weights
from lectern.errors import UpstreamUnavailable
try:
    print(fetch_weights(weights_sha256=sys.argv[1]))
except UpstreamUnavailable as error:
    sys.exit(f"{error.message}")
"""


class Hub(http.server.ThreadingHTTPServer):
    """Plays the hub for one model; cuts the first download of the weights after so many bytes if told to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = dict(CONTENT)
        self.cut_after: int | None = None
        self.gets: list[tuple[str, str | None, str | None]] = []

    @property
    def address(self) -> str:
        """What to set `HF_ENDPOINT` to."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        """What a file is."""
        self._answer(with_body=False)

    def do_GET(self) -> None:
        """A file, or what is left of it."""
        self._answer(with_body=True)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Stay silent."""

    def _answer(self, *, with_body: bool) -> None:
        name = self.path.rpartition("/")[2]
        body = self.server.content.get(name)
        if body is None or not self.path.startswith(f"/{REPOSITORY}/resolve/"):
            self.send_error(404)
            return
        asked = self.headers.get("Range")
        if with_body:
            self.server.gets.append((name, asked, self.headers.get("Authorization")))
        start = int(asked.removeprefix("bytes=").partition("-")[0]) if asked else 0
        self.send_response(206 if asked else 200)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
        self.send_header("Content-Length", str(len(body) - start))
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.end_headers()
        if not with_body:
            return
        if self.server.cut_after is not None and name == "model.safetensors":
            body, self.server.cut_after = body[: start + self.server.cut_after], None
            self.close_connection = True
        self.wfile.write(body[start:])


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub on a free port."""
    with Hub() as hub:
        thread = threading.Thread(target=hub.serve_forever, args=(0.02,))
        thread.start()
        yield hub
        hub.shutdown()
        thread.join()


def fetch(cache: Path, endpoint: str, weights: bytes | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Fetch in a process of its own: the hub's library reads its variables once."""
    expected = hashlib.sha256(weights or CONTENT["model.safetensors"]).hexdigest()
    here = {name: value for name, value in os.environ.items() if name.startswith(("COVERAGE_", "PATH", "HOME"))}
    here |= {"PYTHONPATH": os.pathsep.join(sys.path), "HF_HUB_CACHE": str(cache), "HF_ENDPOINT": endpoint} | env
    command = [sys.executable, "-c", FETCH, expected]
    return subprocess.run(command, env=here, capture_output=True, text=True, timeout=60, check=False)


def test_what_was_fetched_is_found(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One fetch fills the cache as the hub's own library does; it is found there, and nobody's token was sent."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert find_weights() is None
    done = fetch(tmp_path, hub.address, HF_TOKEN="hf_secret")
    assert done.returncode == 0, done.stderr
    folder = find_weights()
    assert str(folder) == done.stdout.strip()
    assert folder is not None
    assert {name: (folder / name).read_bytes() for name in FILES} == CONTENT
    assert sorted(name for name, _, _ in hub.gets) == sorted(FILES)
    assert {authorization for *_, authorization in hub.gets} == {None}


def test_a_fetch_that_was_cut_off_gets_the_rest(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that breaks half-way costs nothing but the rest, and half a file is never taken for one."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    hub.cut_after = 500_000
    for _ in range(2):
        done = fetch(tmp_path, hub.address)
        if done.returncode == 0:
            break
        assert find_weights() is None
    assert done.returncode == 0, done.stderr
    assert (Path(done.stdout.strip()) / "model.safetensors").read_bytes() == CONTENT["model.safetensors"]


def test_other_weights_are_thrown_away(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not the model, however it came to be there, is refused and does not stay; the next fetch is whole."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    hub.content["model.safetensors"] = b"something else"
    done = fetch(tmp_path, hub.address)
    assert done.returncode == 1
    assert "thrown away" in done.stderr
    assert find_weights() is None
    hub.content = dict(CONTENT)
    assert fetch(tmp_path, hub.address).returncode == 0


def test_a_hub_out_of_reach_is_one_sentence(hub: Hub, tmp_path: Path) -> None:
    """No hub, a hub without the model, and `HF_HUB_OFFLINE` end in a sentence of ours."""
    for done in (fetch(tmp_path, "http://127.0.0.1:9"), fetch(tmp_path, hub.address, HF_HUB_OFFLINE="1")):
        assert done.returncode == 1
        assert "could not be fetched" in done.stderr
        assert "Traceback" not in done.stderr
    assert hub.gets == []
    hub.content.clear()
    assert "could not be fetched" in fetch(tmp_path, hub.address).stderr


def test_the_variables_of_the_hub_decide_where_to_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with the hub's own library: `HF_HUB_CACHE`, then `HF_HOME`, then the user's cache; `main` is preferred."""
    for name in ("HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    places = {
        "HOME": tmp_path / "home" / ".cache" / "huggingface" / "hub",
        "HF_HOME": tmp_path / "hf" / "hub",
        "HF_HUB_CACHE": tmp_path / "cache",
    }
    values = {"HF_HOME": tmp_path / "hf", "HF_HUB_CACHE": tmp_path / "cache", "HOME": tmp_path / "home"}
    for name, hub_cache in places.items():
        monkeypatch.setenv(name, str(values[name]))
        repository = hub_cache / "models--sentence-transformers--all-MiniLM-L6-v2"
        _put(repository / "snapshots" / "aaaa", "tokenizer.json")
        assert find_weights() is None
        _put(repository / "snapshots" / "bbbb", *FILES)
        _put(repository / "snapshots" / "cccc", *FILES)
        assert find_weights() == repository / "snapshots" / "bbbb"
        _put(repository / "refs", "main", text="cccc")
        assert find_weights() == repository / "snapshots" / "cccc"


def test_a_named_folder_is_the_only_one(tmp_path: Path) -> None:
    """A folder that was named is never stood in for by the cache."""
    assert find_weights(tmp_path) is None
    _put(tmp_path, *FILES)
    assert find_weights(tmp_path) == tmp_path


def _put(folder: Path, *names: str, text: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text(text)
