"""The deployment, step by step, in the order in which a Space is built only once.

Secrets and variables come before the push: each change of them restarts a running Space, and the build that the push
starts takes the restart's place. Every step looks at what is there first, so a run that was killed is run again.
"""

from collections.abc import Callable
from dataclasses import dataclass

from lectern.deploy.errors import UNUSABLE, DeployError
from lectern.deploy.hub import Hub
from lectern.deploy.plan import Plan, Space, Wanted, make_plan
from lectern.deploy.report import Teller
from lectern.deploy.rollout import Clock, Progress, Rollout
from lectern.deploy.tree import LARGE_BYTES, leaks
from lectern.deploy.verify import Verifier


@dataclass(frozen=True, slots=True)
class Manner:
    """How to go about it.

    Attributes:
        question: Asked of the Space at the end.
        timeout_seconds: For everything after the push.
        dry_run: Only read and tell.
        confirm: Asks the person, given a question; True goes on.
        takes_over: A Docker Space with someone's other app in it may be overwritten (`--yes`).
    """

    question: str
    timeout_seconds: float
    dry_run: bool
    confirm: Callable[[str], bool]
    takes_over: bool


def refuse_leaks(wanted: Wanted, known: dict[str, str]) -> None:
    """Stop before a secret is pushed.

    Args:
        wanted: The files, and the secrets of this deployment.
        known: Other secret values of this environment, by name.

    Raises:
        DeployError: A file holds one; it is named with the secret's name, never the value.
    """
    if found := leaks(wanted.files, known | dict(wanted.secrets)):
        raise DeployError("Nothing was pushed. " + "; ".join(found) + ". Take it out first.", UNUSABLE)


def deploy(
    hub: Hub, wanted: Wanted, space: Space | None, *, token: str, tell: Teller, manner: Manner, clock: Clock
) -> bool:
    """Bring a Space to what is wanted, wait until it runs that, and ask it a question.

    Args:
        hub: The account's calls.
        wanted: What the Space shall be.
        space: What it is; None when it does not exist.
        token: The Hub's, sent to the app of a private Space only.
        tell: Where to say what happens.
        manner: How to go about it.
        clock: Time.

    Returns:
        Whether it was done; False for a dry run, or when the person said no.

    Raises:
        DeployError: It cannot be done, or the Space does not run.
    """
    plan = make_plan(wanted, space)
    tell.plan(plan, wanted, space)
    for file in wanted.files:
        if len(file.data) > LARGE_BYTES:
            tell.warn(f"{file.path} has {len(file.data) / 1e6:.0f} MB; a Space is built faster without such files")
    _refuse_a_strangers(wanted, plan, manner)
    if manner.dry_run:
        tell.step("Dry run: nothing was changed.")
        return False
    changes = plan.creates or plan.pushes or plan.configures
    if changes and not manner.confirm(f"Go on with {wanted.space_id}?"):
        tell.step("Nothing was changed.")
        return False
    space = _configured(hub, wanted, plan, space, tell)
    commit = space.head
    if plan.pushes:
        commit = hub.commit(space.id, plan.uploads, plan.deletes, message="Deploy Lectern", parent=space.head)
        tell.step(f"Pushed {commit[:7]}.")
    elif not changes:
        tell.step(f"Nothing to change; {commit[:7]} is the newest commit.")
    _run(hub, wanted, space, Progress(commit, restarts=changes), token=token, tell=tell, manner=manner, clock=clock)
    return True


def _refuse_a_strangers(wanted: Wanted, plan: Plan, manner: Manner) -> None:
    if plan.overwrites and not manner.takes_over:
        raise DeployError(
            f"{wanted.space_id} holds another app: its {', '.join(plan.overwrites[:5])} would be overwritten. Choose "
            "another name, or say --yes if it may go.",
            UNUSABLE,
        )


def _configured(hub: Hub, wanted: Wanted, plan: Plan, space: Space | None, tell: Teller) -> Space:
    """The Space, made if need be, with its variables and secrets."""
    if space is None:
        hub.create(wanted.space_id, private=wanted.private, variables=wanted.variables, secrets=wanted.secrets)
        tell.step(f"Made the Space {wanted.space_id}.")
        made = hub.space(wanted.space_id)
        if made is None:
            raise DeployError(
                f"The Hub made {wanted.space_id} and does not show it. Run the same command again.", UNUSABLE
            )
        return made
    for name in plan.secrets:
        hub.set_secret(space.id, name, wanted.secrets[name])
    for name, value in plan.variables.items():
        hub.set_variable(space.id, name, value)
    if plan.configures:
        tell.step(f"Set {len(plan.variables)} variables and {len(plan.secrets)} secrets.")
    return space


def _run(
    hub: Hub,
    wanted: Wanted,
    space: Space,
    progress: Progress,
    *,
    token: str,
    tell: Teller,
    manner: Manner,
    clock: Clock,
) -> None:
    """Wait for the commit, then ask the app."""
    if not space.host:
        raise DeployError("The Hub names no host for this Space. Run the same command again in a minute.", UNUSABLE)
    verifier = Verifier(space.host, token=token if space.private else None, clock=clock)
    deadline = clock.now() + manner.timeout_seconds
    rollout = Rollout(
        hub,
        space.id,
        show=tell.log,
        tell=lambda stage: tell.step(f"The Space is {stage.lower().replace('_', ' ')} ..."),
        wake=verifier.wake,
        clock=clock,
    )
    rollout.wait(progress, deadline)
    tell.step(f"{progress.commit[:7]} runs.")
    tell.done(wanted, space, hub.endpoint, verifier.verify(manner.question, deadline))
