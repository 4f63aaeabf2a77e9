"""The Hugging Face Hub, as a deployment needs it: thin calls; every failure is a DeployError that says what to do."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

import httpx2
import huggingface_hub
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, RepoFile, SpaceInfo
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError
from huggingface_hub.utils._headers import build_hf_headers
from huggingface_hub.utils._http import (
    default_client_factory,
    get_session,
    hf_raise_for_status,
    parse_ratelimit_headers,
)

from lectern.deploy.errors import LATER, REFUSED, UNUSABLE, DeployError
from lectern.deploy.fingerprint import describe
from lectern.deploy.hub_errors import PASSING, explained, no_token
from lectern.deploy.plan import MANIFEST, RemoteFile, Space, read_manifest
from lectern.deploy.tree import LocalFile

_TIMEOUT_SECONDS: Final = 60.0
"""Longest silence of the Hub; huggingface_hub's own calls would wait for ever."""
_TRIES: Final = 4
_LONGEST_WAIT_SECONDS: Final = 60.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Account:
    """Who deploys: the name, its organizations and what kind of token it is."""

    name: str
    organizations: tuple[str, ...]
    role: str


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a Space does now.

    Attributes:
        stage: As the Hub names it; more exist than huggingface_hub knows (SLEEPING).
        sha: The commit that runs, which is not the newest while that is being built; None when the Hub does not say.
        error: The Hub's words for what is wrong; empty for nothing.
    """

    stage: str
    sha: str | None = None
    error: str = ""


class Hub:
    """One account's calls. The endpoint is `HF_ENDPOINT`, which huggingface_hub reads when it is imported.

    Args:
        token: A token that may write.
        sleep: Waits some seconds before a call is tried again.
    """

    def __init__(self, token: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
        huggingface_hub.set_client_factory(_client)
        self._api = HfApi(token=token)
        self._token = token
        self._sleep = sleep

    @property
    def endpoint(self) -> str:
        """The Hub's address."""
        return str(self._api.endpoint)

    def account(self) -> Account:
        """Who the token belongs to.

        Raises:
            DeployError: The Hub does not know the token, or it may only read.
        """
        try:
            told = self._call("read who you are", self._api.whoami)
        except DeployError as error:
            refused = error.__cause__
            if isinstance(refused, HfHubHTTPError) and refused.response.status_code == httpx2.codes.UNAUTHORIZED:
                raise DeployError(no_token("The Hub does not know this token."), REFUSED) from error
            raise
        access = told.get("auth", {}).get("accessToken", {})
        if access.get("role") == "read":
            raise DeployError(no_token("This token may only read."), REFUSED)
        names = tuple(str(one["name"]) for one in told.get("orgs", ()))
        return Account(str(told["name"]), names, str(access.get("role", "unknown")))

    def space(self, space_id: str) -> Space | None:
        """What is there under a name; None for nothing."""
        try:
            info = self._call(f"read {space_id}", lambda: self._api.space_info(space_id))
        except DeployError as error:
            if isinstance(error.__cause__, RepositoryNotFoundError):
                return None
            raise
        head = info.sha or ""
        files = self._files(space_id, head)
        variables = self._call("read the variables", lambda: self._api.get_space_variables(space_id))
        secrets = self._call("read the secrets' names", lambda: self._api.get_space_secrets(space_id))
        return Space(
            id=info.id,
            sdk=info.sdk,
            private=bool(info.private),
            host=_host(info),
            head=head,
            files=files,
            manifest=self._manifest(space_id, head) if MANIFEST in files else None,
            variables={name: variable.value for name, variable in variables.items()},
            secrets={name: secret.description for name, secret in secrets.items()},
        )

    def create(self, space_id: str, *, private: bool, variables: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        """Make a Docker Space with its variables and secrets at once, so that its first build is its only one."""
        self._call(
            f"make the Space {space_id}",
            lambda: self._api.create_repo(
                space_id,
                repo_type="space",
                space_sdk="docker",
                private=private,
                space_variables=[{"key": name, "value": value} for name, value in variables.items()],
                space_secrets=[
                    {"key": name, "value": value, "description": describe(value)} for name, value in secrets.items()
                ],
            ),
        )

    def set_variable(self, space_id: str, name: str, value: str) -> None:
        """Set one variable; a running Space restarts."""
        self._call(f"set the variable {name}", lambda: self._api.add_space_variable(space_id, name, value))

    def set_secret(self, space_id: str, name: str, value: str) -> None:
        """Set one secret; a running Space restarts."""
        self._call(
            f"set the secret {name}",
            lambda: self._api.add_space_secret(space_id, name, value, description=describe(value)),
        )

    def commit(
        self, space_id: str, uploads: tuple[LocalFile, ...], deletes: tuple[str, ...], *, message: str, parent: str
    ) -> str:
        """Push one commit on top of `parent`, and see that it holds every file.

        Returns:
            The commit's name.

        Raises:
            DeployError: It could not be pushed, or the Space's own .gitignore kept files out of it.
        """
        operations = [CommitOperationAdd(path_in_repo=file.path, path_or_fileobj=file.data) for file in uploads]
        removals = [CommitOperationDelete(path_in_repo=path, is_folder=False) for path in deletes]
        done = self._call(
            "push the files",
            lambda: self._api.create_commit(
                space_id,
                [*operations, *removals],
                repo_type="space",
                commit_message=message,
                parent_commit=parent or None,
            ),
        )
        there = self._files(space_id, done.oid)
        if missing := [file.path for file in uploads if file.path not in there or not there[file.path].holds(file)]:
            raise DeployError(
                f"The Hub left out {len(missing)} files, {missing[0]} first: the Space's own .gitignore names them. "
                "Delete it there, or rename them, and deploy again.",
                UNUSABLE,
            )
        return str(done.oid)

    def runtime(self, space_id: str) -> Runtime:
        """What the Space does now."""
        told = self._call("read the Space's state", lambda: self._api.get_space_runtime(space_id))
        sha = told.raw.get("sha")
        return Runtime(str(told.stage), str(sha) if sha else None, str(told.raw.get("errorMessage") or ""))

    def logs(self, space_id: str, *, build: bool, follow: bool) -> Iterator[str]:
        """Lines of the build's or the app's log; it ends when the Hub ends it, or cannot be reached."""
        try:
            for text in self._api.fetch_space_logs(space_id, build=build, follow=follow):
                yield from text.splitlines()
        except (HfHubHTTPError, httpx2.HTTPError):
            yield "(the Hub sends no more of this log)"

    def _files(self, space_id: str, revision: str) -> dict[str, RemoteFile]:
        listed = self._call(
            "list the Space's files",
            lambda: list(
                self._api.list_repo_tree(space_id, recursive=True, repo_type="space", revision=revision or None)
            ),
        )
        return {
            entry.path: RemoteFile(entry.blob_id, entry.lfs.sha256 if entry.lfs else None)
            for entry in listed
            if isinstance(entry, RepoFile)
        }

    def _manifest(self, space_id: str, revision: str) -> frozenset[str]:
        url = huggingface_hub.hf_hub_url(
            space_id, MANIFEST, repo_type="space", revision=revision, endpoint=self._api.endpoint
        )

        def read() -> str:
            response = get_session().get(url, headers=build_hf_headers(token=self._token))
            hf_raise_for_status(response)
            return response.text

        return read_manifest(self._call(f"read the Space's {MANIFEST}", read))

    def _call(self, doing: str, call: Callable[[], T]) -> T:
        """Call the Hub, again after what passes. A commit is safe to send again: its parent is named."""
        for tried in range(1, _TRIES + 1):
            try:
                return call()
            except HfHubHTTPError as error:
                status = error.response.status_code
                if status not in PASSING or tried == _TRIES:
                    raise explained(doing, error) from error
                self._sleep(_wait_seconds(error, tried))
            except (httpx2.HTTPError, OSError) as error:
                if tried == _TRIES:
                    raise DeployError(f"Could not {doing}: {self.endpoint} cannot be reached.", LATER) from error
                self._sleep(2.0**tried)
            except (ValueError, RuntimeError) as error:
                # A card or a file that the library itself refuses; its words name the file.
                raise DeployError(f"Could not {doing}: {error}", UNUSABLE) from error
        raise AssertionError


def stored_token() -> str | None:
    """The token of HF_TOKEN, or of `hf auth login`."""
    return huggingface_hub.get_token()


def _client() -> httpx2.Client:
    client = default_client_factory()
    client.timeout = _TIMEOUT_SECONDS
    return client


def _host(info: SpaceInfo) -> str:
    host = info.host or (f"{info.subdomain}.hf.space" if info.subdomain else "")
    return host if "://" in host or not host else f"https://{host}"


def _wait_seconds(error: HfHubHTTPError, tried: int) -> float:
    told = parse_ratelimit_headers(error.response.headers)
    after = error.response.headers.get("retry-after", "")
    seconds = float(after) if after.isdecimal() else float(told.reset_in_seconds) if told else 2.0**tried
    return min(seconds, _LONGEST_WAIT_SECONDS)
