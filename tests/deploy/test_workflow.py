"""The GitHub workflow calls the verb as it is, with names that exist."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from lectern.cli.__main__ import _parser
from lectern.config import Settings

WORKFLOW = Path(__file__).parents[2] / ".github" / "workflows" / "space.yml"
TEXT = WORKFLOW.read_text(encoding="utf-8")
JOB: dict[str, Any] = yaml.safe_load(TEXT)["jobs"]["deploy"]
STEP: dict[str, Any] = next(step for step in JOB["steps"] if step.get("name") == "Deploy")


def test_the_verb_takes_its_arguments() -> None:
    """The command line of the step parses, with a Space's name in the variable's place."""
    command, *arguments = STEP["run"].replace('"$SPACE"', "ada/answers").split()
    assert command == "./entrypoint.sh"
    assert _parser().parse_args(arguments).space == "ada/answers"


@pytest.mark.parametrize("name", sorted(STEP["env"].keys() - {"SPACE", "HF_TOKEN"}))
def test_each_name_is_a_setting_of_its_kind(name: str) -> None:
    """A secret of the settings comes from GitHub's secrets, and any other setting from its variables."""
    kind = "secrets" if SecretStr.__name__ in str(Settings.model_fields[name.lower()].annotation) else "vars"
    assert STEP["env"][name] == f"${{{{ {kind}.{name} }}}}"


def test_nothing_runs_unasked_or_with_more_than_it_needs() -> None:
    """No variable, no deployment; the job may read the code; two deployments do not run at once."""
    workflow = yaml.safe_load(TEXT)
    assert JOB["if"] == "vars.SPACE != ''"
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["group"]


def test_actions_are_pinned_to_a_commit() -> None:
    """A tag can be moved; a commit cannot."""
    used = [step["uses"] for step in JOB["steps"] if "uses" in step]
    assert used
    assert all(re.search(r"@[0-9a-f]{40}$", action) for action in used)


def test_no_expression_stands_in_a_command() -> None:
    """What is put into a script's text by GitHub is run by the shell; values come as variables."""
    assert "${{" not in STEP["run"]
