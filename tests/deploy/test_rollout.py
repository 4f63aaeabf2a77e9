"""What each stage of a Space means, by a clock that the test turns."""

from collections.abc import Iterator

import pytest

from lectern.deploy.errors import FAILED, LATER, DeployError
from lectern.deploy.hub import Runtime
from lectern.deploy.rollout import SETTLE_SECONDS, Clock, Progress, Rollout, judge

NEW, OLD = "a" * 40, "b" * 40


@pytest.mark.parametrize(
    ("stage", "sha", "verdict"),
    [
        ("RUNNING", NEW, "running"),
        ("RUNNING", OLD, "wait"),
        ("RUNNING_BUILDING", OLD, "wait"),
        ("RUNNING_APP_STARTING", OLD, "wait"),
        ("RUNNING_APP_STARTING", NEW, "wait"),
        ("BUILDING", None, "wait"),
        ("SLEEPING", NEW, "asleep"),
        ("SOMETHING_NEW", NEW, "wait"),
    ],
)
def test_a_stage_after_work_was_seen(stage: str, sha: str | None, verdict: str) -> None:
    """Only RUNNING with the pushed commit is the end."""
    assert judge(Runtime(stage, sha), Progress(NEW, restarts=True, worked=True), 1) == verdict


@pytest.mark.parametrize("stage", ["BUILD_ERROR", "RUNTIME_ERROR", "NO_APP_FILE", "CONFIG_ERROR"])
def test_an_error_from_before_the_push_is_not_believed(stage: str) -> None:
    """Pushing the fix of a broken Space must not fail on the old error; after some seconds it is the new one."""
    assert judge(Runtime(stage, OLD), Progress(NEW, restarts=True), SETTLE_SECONDS - 1) == "wait"
    with pytest.raises(DeployError):
        judge(Runtime(stage, OLD), Progress(NEW, restarts=True), SETTLE_SECONDS)
    with pytest.raises(DeployError):
        judge(Runtime(stage, OLD), Progress(NEW, restarts=False), 0)


def test_a_restart_for_a_setting_is_not_taken_for_done() -> None:
    """With the same commit before and after, RUNNING is believed once the restart was seen or should have been."""
    progress = Progress(NEW, restarts=True)
    assert judge(Runtime("RUNNING", NEW), progress, 0) == "wait"
    assert judge(Runtime("RUNNING_APP_STARTING", NEW), progress, 1) == "wait"
    assert judge(Runtime("RUNNING", NEW), progress, 2) == "running"


def test_a_hub_that_does_not_name_the_commit() -> None:
    """The field is not documented; without it, work that was seen must do."""
    assert judge(Runtime("RUNNING"), Progress(NEW, restarts=True), 0) == "wait"
    assert judge(Runtime("RUNNING"), Progress(NEW, restarts=True, worked=True), 0) == "running"


class ScriptedHub:
    """Tells one state after the other, the last one for ever."""

    def __init__(self, *states: Runtime, log: tuple[str, ...] = ()) -> None:
        self._states, self._log = list(states), log

    def runtime(self, _: str) -> Runtime:
        """The next state."""
        return self._states.pop(0) if len(self._states) > 1 else self._states[0]

    def logs(self, _: str, *, build: bool, follow: bool) -> Iterator[str]:
        """The log."""
        yield from self._log


def wait(hub: ScriptedHub, *, seconds: float = 60) -> tuple[list[str], list[str]]:
    """Follow a rollout in no time; the lines and the stages that were told."""
    now = [0.0]
    lines: list[str] = []
    stages: list[str] = []

    def sleep(for_seconds: float) -> None:
        now[0] += for_seconds

    rollout = Rollout(
        hub,  # type: ignore[arg-type] # scripted
        "ada/answers",
        show=lines.append,
        tell=stages.append,
        wake=lambda: stages.append("woken"),
        clock=Clock(lambda: now[0], sleep),
    )
    rollout.wait(Progress(NEW, restarts=True), seconds)
    if rollout._follower is not None:
        rollout._follower.join(5)
    return lines, stages


def test_the_log_of_the_build_before_is_left_out() -> None:
    """The Hub may still send the last build's log; each names its commit in its first line."""
    log = (f"== Commit SHA: {OLD[:7]} ==", "old line", f"== Commit SHA: {NEW[:7]} ==", "new line")
    lines, stages = wait(ScriptedHub(Runtime("RUNNING_BUILDING", OLD), Runtime("RUNNING", NEW), log=log))
    assert lines == [f"== Commit SHA: {NEW[:7]} ==", "new line"]
    assert stages == ["RUNNING_BUILDING", "RUNNING"]


def test_an_old_commit_is_waited_for_until_the_deadline() -> None:
    """The message names both commits, and a retry may do."""
    with pytest.raises(DeployError, match="still runs the old commit bbbbbbb, not aaaaaaa") as failed:
        wait(ScriptedHub(Runtime("RUNNING", OLD)))
    assert failed.value.exit_code == LATER


def test_a_build_that_fails_within_one_look_still_shows_its_log() -> None:
    """No build stage was seen, so nobody followed the log; it is fetched."""
    with pytest.raises(DeployError, match="no space left") as failed:
        wait(ScriptedHub(Runtime("BUILD_ERROR", None, "exit code 1."), log=("no space left",)))
    assert failed.value.exit_code == FAILED


def test_a_space_that_sleeps_is_called_until_it_runs() -> None:
    """Each look at a sleeping Space wakes it once more."""
    states = [Runtime("BUILDING"), Runtime("SLEEPING", NEW), Runtime("SLEEPING", NEW), Runtime("RUNNING", NEW)]
    assert wait(ScriptedHub(*states))[1].count("woken") == 2
