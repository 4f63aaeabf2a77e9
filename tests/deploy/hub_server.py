"""A server that plays the Hugging Face Hub over real HTTP: accounts, Spaces, commits, large files, settings, builds.

What it answers follows huggingface_hub 2.4's own code and its documentation. A commit "builds": a Space goes through
`stages`, one a look at its state, and then the pushed files are handed to `app`, which starts what they hold. What is
said to it is kept in `requests`, so that a test sees what left the machine.
"""

import base64
import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.deploy.loopback import LoopbackServer

RUNNING = "RUNNING"
BUILD = ("BUILDING", "APP_STARTING")


def git_oid(data: bytes) -> str:
    """As git names a blob."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@dataclass
class Repo:
    """One Space of the Hub."""

    id: str
    sdk: str | None = "docker"
    private: bool = False
    files: dict[str, bytes] = field(default_factory=lambda: {"README.md": b"---\nsdk: docker\n---\n"})
    lfs: set[str] = field(default_factory=set)
    variables: dict[str, dict[str, str]] = field(default_factory=dict)
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    commits: list[str] = field(default_factory=lambda: ["0" * 40])
    stage: str = "NO_APP_FILE"
    running: str | None = None
    host: str = ""
    pending: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    builds: int = 0
    restarts: int = 0

    @property
    def head(self) -> str:
        """The newest commit."""
        return self.commits[-1]


class HubServer(LoopbackServer):
    """The Hub. A context manager; `url` is its HF_ENDPOINT.

    Attributes:
        token: The only one it knows.
        stages: What a commit's build goes through before it ends.
        ends: The stage it ends in.
        old_sha: The build ends, and the commit before it goes on running.
        build_log: Lines of a build's log.
        lfs_bytes: From this size on a file goes to large-file storage.
        failures: `(method, pattern of the path) → answers (status, headers) to give first`.
        app: Called with a Repo when its build ends well; makes the host answer.
    """

    def __init__(self) -> None:
        self.token = "hf_" + "T0kenForTheFakeHub" * 2
        self.role = "write"
        self.stages: tuple[str, ...] = BUILD
        self.ends = RUNNING
        self.old_sha = False
        self.build_log = [
            "===== Build Queued at 2026-11-21 12:00:00 / Commit SHA: {sha} =====",
            "--> FROM python:3.11-slim",
        ]
        self.lfs_bytes = 10_000_000
        self.failures: dict[tuple[str, str], list[tuple[int, dict[str, str]]]] = {}
        self.app: Callable[[Repo], None] = lambda _: None
        self.host_of: Callable[[str], str] = lambda _: self.url
        self.repos: dict[str, Repo] = {}
        self.objects: dict[str, bytes] = {}
        self.requests: list[tuple[str, str, bytes]] = []
        self.lock = threading.RLock()
        hub = self

        class Handler(_Handler):
            server_of_hub = hub

        super().__init__(Handler)

    def add(self, repo: Repo) -> Repo:
        """A Space that is there already."""
        repo.host = repo.host or self.host_of(repo.id)
        self.repos[repo.id] = repo
        return repo

    def asked(self, method: str, pattern: str) -> list[bytes]:
        """The bodies of all requests of a kind."""
        return [body for verb, path, body in self.requests if verb == method and re.search(pattern, path)]

    def look(self, repo: Repo) -> dict[str, Any]:
        """The Space's state; each look moves a build on by one stage."""
        if repo.pending:
            repo.stage = repo.pending.pop(0)
            if not repo.pending and repo.stage in (RUNNING, "SLEEPING"):
                if not self.old_sha:
                    repo.running = repo.head
                self.app(repo)
        told = {
            "stage": repo.stage,
            "hardware": {"current": "cpu-basic", "requested": "cpu-basic"},
            "sha": repo.running,
        }
        return told | ({"errorMessage": "Job failed with exit code: 1."} if repo.stage == "BUILD_ERROR" else {})

    def build(self, repo: Repo) -> None:
        """A commit came: the log starts, the stages are queued; while one runs, they are those of a running Space."""
        repo.builds += 1
        repo.log = [line.replace("{sha}", repo.head[:7]) for line in self.build_log]
        prefix = "RUNNING_" if repo.running else ""
        repo.pending = [f"{prefix}{stage}" for stage in self.stages] + [self.ends]

    def restart(self, repo: Repo) -> None:
        """A variable or secret changed."""
        if repo.running:
            repo.restarts += 1
            repo.pending = ["RUNNING_APP_STARTING", RUNNING]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_of_hub: HubServer

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Keep the test's output clean."""

    def do_GET(self) -> None:
        self._route()

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET  # noqa: N815 - the same

    def _route(self) -> None:
        hub, path = self.server_of_hub, self.path.partition("?")[0]
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        with hub.lock:
            hub.requests.append((self.command, self.path, body))
            for (method, pattern), answers in hub.failures.items():
                if method == self.command and re.search(pattern, path) and answers:
                    status, headers = answers.pop(0)
                    return self._json({"error": "made to fail"}, status, headers)
        if not path.startswith("/lfs/") and self.headers.get("authorization") != f"Bearer {hub.token}":
            return self._json(
                {"error": "Invalid username or password."},
                401,
                {"X-Error-Message": "Invalid credentials in Authorization header"},
            )
        for method, pattern, action in _ROUTES:
            if method == self.command and (match := re.fullmatch(pattern, path)):
                with hub.lock:
                    return action(self, body, *match.groups())
        return self._json({"error": f"no such route: {self.command} {path}"}, 404)

    def _json(self, answer: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(answer).encode()
        self._send(data, "application/json", status, headers)

    def _send(self, data: bytes, kind: str, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"content-type": kind, "content-length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):  # the verb was stopped
            self.wfile.write(data)

    def _repo(self, name: str) -> Repo | None:
        repo = self.server_of_hub.repos.get(name)
        if repo is None:
            self._json({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
        return repo

    def whoami(self, _: bytes) -> None:
        """Who the token is."""
        access = {"displayName": "deploy", "role": self.server_of_hub.role}
        self._json({"type": "user", "name": "ada", "orgs": [{"name": "handbooks"}], "auth": {"accessToken": access}})

    def create(self, body: bytes) -> None:
        """A new Space, with its settings."""
        asked, hub = json.loads(body), self.server_of_hub
        name = f"{asked['organization'] or 'ada'}/{asked['name']}"
        if name in hub.repos:
            return self._json({"error": "You already created this space repo"}, 409)
        repo = hub.add(Repo(name, sdk=asked["sdk"], private=asked.get("visibility") == "private"))
        for kept, given in ((repo.variables, asked.get("variables")), (repo.secrets, asked.get("secrets"))):
            kept.update({one["key"]: one for one in given or ()})
        return self._json({"url": f"{hub.url}/spaces/{name}", "name": name})

    def info(self, _: bytes, name: str) -> None:
        """What space_info reads."""
        if repo := self._repo(name):
            told = {"id": repo.id, "sha": repo.head, "private": repo.private, "sdk": repo.sdk, "host": repo.host}
            self._json(told | {"subdomain": repo.id.replace("/", "-")})

    def tree(self, _: bytes, name: str) -> None:
        """What list_repo_tree reads."""
        if repo := self._repo(name):
            files = []
            for path, data in repo.files.items():
                entry: dict[str, Any] = {"type": "file", "path": path, "size": len(data), "oid": git_oid(data)}
                if path in repo.lfs:
                    entry |= {
                        "oid": "1" * 40,
                        "lfs": {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134},
                    }
                files.append(entry)
            self._json(files)

    def resolve(self, _: bytes, name: str, path: str) -> None:
        """A file's content."""
        if (repo := self._repo(name)) is not None:
            self._send(repo.files[path], "text/plain")

    def preupload(self, body: bytes, name: str) -> None:
        """Which files go where."""
        if (repo := self._repo(name)) is not None:
            asked = json.loads(body)
            ignored = asked.get("gitIgnore") or repo.files.get(".gitignore", b"").decode()
            modes = [
                {
                    "path": one["path"],
                    "uploadMode": "lfs" if one["size"] >= self.server_of_hub.lfs_bytes else "regular",
                    "shouldIgnore": any(
                        line and line.strip("/") in one["path"].split("/") for line in ignored.split("\n")
                    ),
                }
                for one in asked["files"]
            ]
            self._json({"files": modes})

    def batch(self, body: bytes, _: str) -> None:
        """Where a large file is put."""
        hub = self.server_of_hub
        objects = []
        for one in json.loads(body)["objects"]:
            there = one["oid"] in hub.objects
            action = {} if there else {"actions": {"upload": {"href": f"{hub.url}/lfs/{one['oid']}"}}}
            objects.append({"oid": one["oid"], "size": one["size"], **action})
        self._json({"transfer": "basic", "objects": objects})

    def put_object(self, body: bytes, oid: str) -> None:
        """A large file."""
        self.server_of_hub.objects[oid] = body
        self._json({})

    def commit(self, body: bytes, name: str) -> None:
        """A commit, and the build it starts."""
        repo = self._repo(name)
        if repo is None:
            return None
        hub = self.server_of_hub
        lines = [json.loads(line) for line in body.splitlines()]
        parent = lines[0]["value"].get("parentCommit")
        if parent is not None and parent != repo.head:
            return self._json({"error": "A commit has happened since. Please refresh and try again."}, 412)
        for line in lines[1:]:
            value = line["value"]
            repo.lfs.discard(value["path"])
            if line["key"] == "file":
                repo.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                repo.files[value["path"]] = hub.objects[value["oid"]]
                repo.lfs.add(value["path"])
            else:
                del repo.files[value["path"]]
        repo.commits.append(hashlib.sha1(body + repo.head.encode()).hexdigest())
        hub.build(repo)
        return self._json(
            {"commitUrl": f"{hub.url}/spaces/{name}/commit/{repo.head}", "commitOid": repo.head, "success": True}
        )

    def validate(self, _: bytes) -> None:
        """A card's YAML is right."""
        self._json({"errors": [], "warnings": []})

    def runtime(self, _: bytes, name: str) -> None:
        """The Space's state."""
        if (repo := self._repo(name)) is not None:
            self._json(self.server_of_hub.look(repo))

    def logs(self, _: bytes, name: str, kind: str) -> None:
        """A log, as server-sent events."""
        if (repo := self._repo(name)) is not None:
            lines = repo.log if kind == "build" else ["Traceback (most recent call last):", "MemoryError"]
            frames = [{"data": f"{line}\n", "timestamp": "2026-11-21T12:00:00.000Z"} for line in lines]
            self._send("".join(f"data: {json.dumps(frame)}\n\n" for frame in frames).encode(), "text/event-stream")

    def settings(self, body: bytes, name: str, kind: str) -> None:
        """Read or set a variable or a secret."""
        if (repo := self._repo(name)) is not None:
            kept = repo.variables if kind == "variables" else repo.secrets
            if self.command == "POST":
                one = json.loads(body)
                kept[one["key"]] = one
                self.server_of_hub.restart(repo)
            hidden = {key: {**one, "value": None} if kind == "secrets" else one for key, one in kept.items()}
            self._json(
                {key: {name: value for name, value in one.items() if value is not None} for key, one in hidden.items()}
            )


_SPACE = r"([\w.-]+/[\w.-]+)"
_ROUTES: list[tuple[str, str, Callable[..., None]]] = [
    ("GET", r"/api/whoami-v2", _Handler.whoami),
    ("POST", r"/api/repos/create", _Handler.create),
    ("POST", r"/api/validate-yaml", _Handler.validate),
    ("GET", rf"/api/spaces/{_SPACE}", _Handler.info),
    ("GET", rf"/api/spaces/{_SPACE}/tree/.*", _Handler.tree),
    ("GET", rf"/spaces/{_SPACE}/resolve/[^/]+/(.+)", _Handler.resolve),
    ("POST", rf"/api/spaces/{_SPACE}/preupload/main", _Handler.preupload),
    ("POST", rf"/spaces/{_SPACE}\.git/info/lfs/objects/batch", _Handler.batch),
    ("PUT", r"/lfs/(\w+)", _Handler.put_object),
    ("POST", rf"/api/spaces/{_SPACE}/commit/main", _Handler.commit),
    ("GET", rf"/api/spaces/{_SPACE}/runtime", _Handler.runtime),
    ("GET", rf"/api/spaces/{_SPACE}/logs/(build|run)", _Handler.logs),
    ("GET", rf"/api/spaces/{_SPACE}/(variables|secrets)", _Handler.settings),
    ("POST", rf"/api/spaces/{_SPACE}/(variables|secrets)", _Handler.settings),
]
