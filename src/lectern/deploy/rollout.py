"""From the push to the running commit: what each stage of a Space means, and waiting for the right one."""

import re
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from lectern.deploy.errors import FAILED, LATER, DeployError
from lectern.deploy.hub import Hub, Runtime

SETTLE_SECONDS: Final = 15.0
"""How long the Hub may take to notice a push: until then a stage may still tell of what was before."""

POLL_SECONDS: Final = 1.0
"""As huggingface_hub's own wait_for_space."""

_WORKING: Final = frozenset({"BUILDING", "APP_STARTING", "RUNNING_BUILDING", "RUNNING_APP_STARTING"})
_BROKEN: Final = {
    "BUILD_ERROR": "The build failed.",
    "RUNTIME_ERROR": "The app stopped, or did not answer in time.",
    "CONFIG_ERROR": "The Space's configuration is wrong (its card, or a name that is both a variable and a secret).",
    "NO_APP_FILE": "The Hub finds no app: its README.md must say sdk: docker, and a Dockerfile must lie beside it.",
}
_HELD: Final = {
    "PAUSED": "The Space is paused, and only its owner can restart it, in its settings. Then deploy again.",
    "STOPPED": "The Space is stopped. Restart it in its settings, then deploy again.",
    "DELETING": "The Space is being deleted.",
}
_LAST_LINES: Final = 30
_NAMES_COMMIT: Final = re.compile(r"Commit SHA: ([0-9a-f]{7,40})")

Verdict = Literal["wait", "running", "asleep"]


@dataclass(slots=True)
class Progress:
    """What was seen since the push.

    Attributes:
        commit: The one that must run.
        restarts: Something was pushed or set, so the Space must first be seen at work, or be given time.
        worked: A stage was seen in which it builds or starts.
        stage: The last one seen.
        sha: The commit that ran then.
    """

    commit: str
    restarts: bool
    worked: bool = False
    stage: str = ""
    sha: str | None = None


def judge(runtime: Runtime, progress: Progress, waited_seconds: float) -> Verdict:
    """What a stage means for the pushed commit.

    Raises:
        DeployError: The commit will not run.
    """
    progress.stage, progress.sha = runtime.stage, runtime.sha
    progress.worked |= runtime.stage in _WORKING
    settled = progress.worked or not progress.restarts or waited_seconds >= SETTLE_SECONDS
    if runtime.stage in _HELD:
        raise DeployError(_HELD[runtime.stage], FAILED)
    if runtime.stage in _BROKEN and settled:
        raise DeployError(" ".join(filter(None, (_BROKEN[runtime.stage], runtime.error))), FAILED)
    # Where the Hub does not say which commit runs, work that was seen must do.
    ours = runtime.sha == progress.commit or (runtime.sha is None and settled)
    if runtime.stage == "RUNNING" and ours and settled:
        return "running"
    return "asleep" if runtime.stage == "SLEEPING" and settled else "wait"


@dataclass(frozen=True, slots=True)
class Clock:
    """Time, handed in: seconds of a clock that only goes forward, and how to wait."""

    now: Callable[[], float]
    sleep: Callable[[float], None]


class Rollout:
    """Follows one Space until the pushed commit runs.

    Args:
        hub: The account's calls.
        space_id: OWNER/NAME.
        show: Takes each line of the build's log.
        tell: Takes each new stage.
        wake: Calls the app once, which wakes a Space that sleeps.
        clock: Time.
    """

    def __init__(
        self,
        hub: Hub,
        space_id: str,
        *,
        show: Callable[[str], None],
        tell: Callable[[str], None],
        wake: Callable[[], None],
        clock: Clock,
    ) -> None:
        self._hub, self._space_id = hub, space_id
        self._show, self._tell, self._wake, self._clock = show, tell, wake, clock
        self._lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._follower: threading.Thread | None = None

    def wait(self, progress: Progress, deadline: float) -> None:
        """Wait until the commit runs.

        Raises:
            DeployError: It will not, or does not before the deadline.
        """
        began = self._clock.now()
        while True:
            runtime = self._hub.runtime(self._space_id)
            if runtime.stage != progress.stage:
                self._tell(runtime.stage)
            try:
                verdict = judge(runtime, progress, self._clock.now() - began)
            except DeployError as error:
                raise DeployError(self._with_log(error.message, runtime.stage), error.exit_code) from None
            if verdict == "running":
                return
            if verdict == "asleep":
                self._wake()
            if progress.worked and "BUILDING" in runtime.stage:
                self._follow(progress.commit)
            if self._clock.now() >= deadline:
                raise DeployError(_too_late(progress), LATER)
            self._clock.sleep(POLL_SECONDS)

    def _follow(self, commit: str) -> None:
        """Show the build's log from now on, in a thread that ends with the process."""
        if self._follower is None:
            self._follower = threading.Thread(target=self._read, args=(commit,), daemon=True)
            self._follower.start()

    def _read(self, commit: str) -> None:
        ours = True
        for line in self._hub.logs(self._space_id, build=True, follow=True):
            # The log of the build before may come first; a build's first line names its commit.
            if named := _NAMES_COMMIT.search(line):
                ours = commit.startswith(named[1])
            if ours:
                self._lines.append(line)
                self._show(line)

    def _with_log(self, message: str, stage: str) -> str:
        """The message, and the last lines of the log that tells why."""
        if stage not in ("BUILD_ERROR", "RUNTIME_ERROR"):
            return message
        if self._follower is not None:
            self._follower.join(timeout=2)
        lines = list(self._lines) if stage == "BUILD_ERROR" else []
        if not lines:
            read = self._hub.logs(self._space_id, build=stage == "BUILD_ERROR", follow=False)
            lines = list(deque(read, maxlen=_LAST_LINES))
        return "\n  ".join((f"{message} The last lines of its log:", *lines))


def _too_late(progress: Progress) -> str:
    if progress.stage.startswith("RUNNING") and progress.sha not in (None, progress.commit):
        return (
            f"The Space still runs the old commit {str(progress.sha)[:7]}, not {progress.commit[:7]} "
            f"(stage {progress.stage}). Run the same command again to go on waiting, or restart it in its settings."
        )
    return (
        f"The Space does not run {progress.commit[:7]} in time (stage {progress.stage}). Run the same command again to "
        "go on waiting; --timeout SECONDS waits longer."
    )
