"""What a deployment changes on the Hub. No clock, no I/O: what is there and what is wanted make the plan."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from lectern.deploy.errors import REFUSED, UNUSABLE, DeployError
from lectern.deploy.fingerprint import is_of
from lectern.deploy.tree import CONTENT, LocalFile

MANIFEST: Final = ".deployed"
"""The file in the Space that lists what deploy put there: only that is ever deleted."""

_HEAD: Final = (
    "# The files that ./entrypoint.sh deploy put here. It deletes those that it no longer has, and no others.\n"
)
_FROM_THE_HUB: Final = frozenset({"README.md", ".gitattributes", MANIFEST})
_OURS: Final = "src/lectern/__init__.py"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on the Hub: git's name of it, and its SHA-256 if it is in large-file storage."""

    git_oid: str
    sha256: str | None = None

    def holds(self, file: LocalFile) -> bool:
        """Whether it has the same bytes."""
        return self.sha256 == file.sha256 if self.sha256 else self.git_oid == file.git_oid


@dataclass(frozen=True, slots=True)
class Space:
    """A Space as the Hub tells of it.

    Attributes:
        id: OWNER/NAME.
        sdk: What its card says: docker, gradio, static; None for none.
        private: Only its owners may see it.
        host: Where its app answers, as https://….
        head: The newest commit.
        files: By path.
        manifest: The paths in its manifest; None when it has none.
        variables: Names and values, which everyone can read.
        secrets: Names and descriptions.
    """

    id: str
    sdk: str | None
    private: bool
    host: str
    head: str
    files: Mapping[str, RemoteFile]
    manifest: frozenset[str] | None
    variables: Mapping[str, str]
    secrets: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the Space shall be.

    Attributes:
        space_id: OWNER/NAME.
        private: Asked for with `--private`.
        files: All of them, but the manifest.
        replaces_content: False leaves the Space's `content/` as it is.
        variables: Names and values.
        secrets: Names and values; never shown.
    """

    space_id: str
    private: bool
    files: tuple[LocalFile, ...]
    replaces_content: bool
    variables: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """What changes.

    Attributes:
        creates: The Space is made first.
        uploads: Files that are new or differ, the manifest among them.
        deletes: Paths that deploy once put there and no longer has.
        unchanged: How many files stay as they are.
        overwrites: Files of a stranger's app that would be lost; empty for a Space of ours.
        variables: Those to set.
        secrets: Names of those to set.
    """

    creates: bool
    uploads: tuple[LocalFile, ...]
    deletes: tuple[str, ...]
    unchanged: int
    overwrites: tuple[str, ...]
    variables: Mapping[str, str]
    secrets: tuple[str, ...]

    @property
    def pushes(self) -> bool:
        """Whether there is anything to commit."""
        return bool(self.uploads or self.deletes)

    @property
    def configures(self) -> bool:
        """Whether a variable or a secret is set."""
        return bool(self.variables or self.secrets)


def make_plan(wanted: Wanted, space: Space | None) -> Plan:
    """Compare what is wanted with what is there.

    Raises:
        DeployError: The Space cannot be ours, or a name would be both a variable and a secret.
    """
    if space is None:
        files = (*wanted.files, _manifest({file.path for file in wanted.files}))
        return Plan(True, files, (), 0, (), wanted.variables, tuple(sorted(wanted.secrets)))
    _refuse_what_is_not_ours(wanted, space)
    before = space.manifest or frozenset()
    kept = set() if wanted.replaces_content else {path for path in before if path.startswith(f"{CONTENT}/")}
    paths = {file.path for file in wanted.files} | (kept & space.files.keys())
    files = (*wanted.files, _manifest(paths))
    uploads = tuple(file for file in files if not _is_there(file, space))
    return Plan(
        creates=False,
        uploads=uploads,
        deletes=tuple(sorted((before - paths) & space.files.keys())),
        unchanged=len(files) - len(uploads),
        overwrites=_overwritten(space, uploads),
        variables={name: value for name, value in wanted.variables.items() if space.variables.get(name) != value},
        secrets=tuple(
            sorted(name for name, value in wanted.secrets.items() if not is_of(space.secrets.get(name), value))
        ),
    )


def read_manifest(text: str) -> frozenset[str]:
    """The paths that a manifest lists."""
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def _manifest(paths: set[str]) -> LocalFile:
    return LocalFile(MANIFEST, (_HEAD + "".join(f"{path}\n" for path in sorted(paths))).encode())


def _is_there(file: LocalFile, space: Space) -> bool:
    remote = space.files.get(file.path)
    return remote is not None and remote.holds(file)


def _overwritten(space: Space, uploads: tuple[LocalFile, ...]) -> tuple[str, ...]:
    """What a stranger's app would lose. A manifest, Lectern's own sources or an empty Space make it no stranger's."""
    if space.manifest is not None or _OURS in space.files or space.files.keys() <= _FROM_THE_HUB:
        return ()
    return tuple(sorted(file.path for file in uploads if file.path in space.files))


def _refuse_what_is_not_ours(wanted: Wanted, space: Space) -> None:
    if space.sdk != "docker":
        raise DeployError(
            f"{space.id} exists and is a {space.sdk or 'card-less'} Space, not a Docker Space. It is left as it is; "
            "choose another name.",
            UNUSABLE,
        )
    if wanted.private and not space.private:
        raise DeployError(
            f"{space.id} exists and everyone can see it, and --private was asked for. Make it private in its settings, "
            "or leave --private out.",
            REFUSED,
        )
    if public := sorted(wanted.secrets.keys() & space.variables.keys()):
        raise DeployError(
            f"{', '.join(public)}: a variable of {space.id}, which everyone can read. Delete it in the Space's "
            "settings, make a new key where it came from, and deploy again.",
            UNUSABLE,
        )
    if hidden := sorted(wanted.variables.keys() & space.secrets.keys()):
        raise DeployError(
            f"{', '.join(hidden)}: a secret of {space.id}, and a Space with a variable of that name does not start. "
            "Delete the secret in the Space's settings, or unset the variable here.",
            UNUSABLE,
        )
