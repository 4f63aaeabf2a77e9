"""`deploy`: bring this checkout, the site's pages and the settings to a Hugging Face Space.

Exit codes beside the others: 69 the Space does not run what was pushed · 77 the Hub does not let this token do it.
"""

import argparse
import getpass
import os
import re
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError

from lectern.cli.verbs import Verbs, console
from lectern.config import ServerSettings, Settings

_ROOT = Path(__file__).parents[3]
_STAYS_HERE: Final = frozenset(ServerSettings.model_fields) - {"log_level", "max_requests", "lectern_demo"}
"""Settings of this machine's process; a Space has its own."""
_SECRET_NAME: Final = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$")
_ADDRESS: Final = re.compile(r"[./]|[a-z]+://")
_SPACE_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def add_to(verbs: Verbs) -> None:
    """Add the verb and its arguments."""
    add = verbs.add_parser(
        "deploy", help="bring this checkout to a Hugging Face Space", epilog="docs/deploy.md tells what it does."
    )
    add.add_argument("space", type=_space_id, metavar="OWNER/NAME", help="the Space; made if it does not exist")
    add.add_argument("--private", action="store_true", help="make it private: only callers with the Hub's token get in")
    add.add_argument(
        "--content", type=Path, metavar="PATH", help="the folder of your pages (default: content/, if any)"
    )
    add.add_argument("--site-url", metavar="URL", help="where those pages are published; the same as SITE_URL")
    add.add_argument("--dry-run", action="store_true", help="say what would change, change nothing")
    add.add_argument("--question", metavar="TEXT", help="asked of the Space at the end")
    add.add_argument(
        "--timeout", type=float, default=1800, metavar="SECONDS", help="for build, start and question (default: 1800)"
    )
    add.add_argument("--yes", action="store_true", help="ask nothing, and take over a Docker Space with another app")
    add.set_defaults(command=_deploy)


async def _deploy(arguments: argparse.Namespace, settings: Settings) -> int:
    from lectern.deploy.errors import DeployError  # noqa: PLC0415 - no other verb waits for the Hub's library

    # Nothing else runs on this loop, so the calls block it; Ctrl-C must then stop them, not a task.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        _run(arguments, settings)
    except DeployError as error:
        print(f"lectern deploy: {error.message}", file=sys.stderr)
        return error.exit_code
    return os.EX_OK


def _run(arguments: argparse.Namespace, settings: Settings) -> None:
    from lectern.deploy.errors import REFUSED, DeployError  # noqa: PLC0415 - the same
    from lectern.deploy.hub import Hub, stored_token  # noqa: PLC0415
    from lectern.deploy.hub_errors import no_token  # noqa: PLC0415
    from lectern.deploy.plan import Wanted  # noqa: PLC0415
    from lectern.deploy.report import Teller  # noqa: PLC0415
    from lectern.deploy.rollout import Clock  # noqa: PLC0415
    from lectern.deploy.steps import Manner, deploy, refuse_leaks  # noqa: PLC0415
    from lectern.deploy.tree import CONTENT, content_files, image_files  # noqa: PLC0415
    from lectern.deploy.verify import QUESTION  # noqa: PLC0415

    tell = Teller(console)
    variables, secrets = _given(settings)
    if arguments.site_url:
        variables["SITE_URL"] = arguments.site_url
    folder = arguments.content or (_ROOT / CONTENT if (_ROOT / CONTENT).is_dir() else None)
    trees = [image_files(_ROOT), *([content_files(folder)] if folder else [])]
    for warning in (warning for tree in trees for warning in tree.warnings):
        tell.warn(warning)
    if not (token := stored_token()):
        raise DeployError(no_token("There is no token for the Hugging Face Hub."), REFUSED)
    hub = Hub(token)
    account = hub.account()
    groups = f", of {', '.join(account.organizations)}" if account.organizations else ""
    tell.step(f"You are {account.name}{groups} (token: {account.role}).")
    space = hub.space(arguments.space)
    there = {*space.variables, *space.secrets} if space else set()
    demo = settings.lectern_demo or (space is not None and space.variables.get("LECTERN_DEMO", "0") not in ("", "0"))
    missing = [] if demo else _missing(settings, there)
    if arguments.dry_run:
        for name, why in missing:
            tell.warn(f"{name} is missing, and will be asked for: {why}")
    else:
        _ask_for_missing(missing, variables, secrets)
    for name, value in (variables | secrets).items():
        if _names_this_machine(value) and name != "CORS_ALLOWED_ORIGINS":
            tell.warn(f"{name} names this machine, which a Space cannot reach")
    wanted = Wanted(
        space_id=arguments.space,
        private=arguments.private,
        files=tuple(file for tree in trees for file in tree.files),
        replaces_content=folder is not None,
        variables=variables,
        secrets=secrets,
    )
    refuse_leaks(wanted, _known_secrets(token))
    deploy(
        hub,
        wanted,
        space,
        token=token,
        tell=tell,
        manner=Manner(
            question=arguments.question or QUESTION,
            timeout_seconds=arguments.timeout,
            dry_run=arguments.dry_run,
            confirm=lambda question: arguments.yes or _confirmed(question),
            takes_over=arguments.yes,
        ),
        clock=Clock(time.monotonic, time.sleep),
    )


def _given(settings: Settings) -> tuple[dict[str, str], dict[str, str]]:
    """The variables and the secrets that are set here and mean something on a Space."""
    variables, secrets = {}, {}
    for field in settings.model_fields_set - _STAYS_HERE:
        value = getattr(settings, field)
        if isinstance(value, SecretStr):
            secrets[field.upper()] = value.get_secret_value()
        elif value is not None and not isinstance(value, Path):
            variables[field.upper()] = _written(value)
    return variables, secrets


def _written(value: Any) -> str:  # noqa: ANN401 - a setting may be anything
    """A setting as its variable holds it."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return f"{value:g}"
    return (",".join(value) or "none") if isinstance(value, tuple) else str(value)


def _missing(settings: Settings, there: set[str]) -> list[tuple[str, str]]:
    """What the Space needs that is neither here nor there, as `(variable, what happens without it)`."""
    return [
        (need.variable, need.consequence)
        for need in settings.unmet_requirements()
        if there.isdisjoint({need.variable, *need.alternatives})
    ]


def _ask_for_missing(missing: list[tuple[str, str]], variables: dict[str, str], secrets: dict[str, str]) -> None:
    """Ask for what is missing; without a terminal, name it all.

    Raises:
        DeployError: Something is still missing, or not what its setting takes.
    """
    from lectern.deploy.errors import UNSET, DeployError  # noqa: PLC0415 - the same as above

    unmet = []
    for name, why in missing:
        secret = _is_secret(name)
        value = _asked(f"{name} ({why}): ", secret=secret) if sys.stdin.isatty() else ""
        if not value:
            unmet.append(f"  {name} ({'secret' if secret else 'variable'}): {why}")
            continue
        try:
            checked = Settings.model_validate({name.lower(): value})
        except ValidationError:
            # What pydantic says would show the value.
            raise DeployError(f"{name} cannot hold what was typed.", UNSET) from None
        given = _given(checked)
        variables.update(given[0])
        secrets.update(given[1])
    if unmet:
        raise DeployError(
            "\n".join(
                (
                    "The Space would not start. Set these in the environment or in .env and deploy again:",
                    *unmet,
                    "Or LECTERN_DEMO=1, for a Space that quotes the pages and forgets conversations.",
                )
            ),
            UNSET,
        )


def _is_secret(name: str) -> bool:
    return "Secret" in str(Settings.model_fields[name.lower()].annotation)


def _asked(prompt: str, *, secret: bool) -> str:
    return (getpass.getpass(prompt) if secret else input(prompt)).strip()


def _confirmed(question: str) -> bool:
    """Ask a person; without a terminal, whoever wrote the script has said yes."""
    return not sys.stdin.isatty() or input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def _known_secrets(token: str) -> dict[str, str]:
    """What no pushed file may hold beside the Space's secrets: the Hub's token, and the environment's keys."""
    return _keys_of(os.environ) | {"HF_TOKEN": token}


def _keys_of(environment: Mapping[str, str]) -> dict[str, str]:
    # A short value, a path or an address is in files by chance.
    return {
        name: value
        for name, value in environment.items()
        if _SECRET_NAME.search(name) and len(value) >= 12 and not _ADDRESS.match(value)  # noqa: PLR2004
    }


def _names_this_machine(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.hostname in ("localhost", "127.0.0.1", "::1") or parts.scheme == "sqlite"


def _space_id(text: str) -> str:
    if not _SPACE_ID.fullmatch(text):
        raise argparse.ArgumentTypeError("it is OWNER/NAME, as in ada/handbook-answers")
    return text
