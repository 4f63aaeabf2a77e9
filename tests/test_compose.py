"""compose.yaml says what Docker, and Lectern's settings, understand."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from lectern.config import Settings

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "compose.yaml").read_text(encoding="utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]


def test_it_is_valid() -> None:
    """Each key and value is one of the Compose specification; a misspelt one is not."""
    assert set(PyCompose.from_yaml(TEXT).service_names()) == {"lectern", "postgres", "qdrant", "llm"}
    with pytest.raises(ValueError, match="cap_dorp"):
        PyCompose.from_yaml(TEXT.replace("cap_drop", "cap_dorp"))


def test_lectern_reads_every_variable_that_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each variable of Lectern's service is a setting, and what it holds is taken by it."""
    given = SERVICES["lectern"]["environment"]
    assert {name.lower() for name in given} <= set(Settings.model_fields)
    for name, value in given.items():
        # As where nothing is set: the default after `:-`, and a first word after `:?`.
        monkeypatch.setenv(name, re.sub(r"\$\{\w+:[-?]([^} ]*)[^}]*\}", r"\1", value))
    settings = Settings(_env_file=None)
    assert settings.sqlalchemy_url.startswith("postgresql+psycopg2://lectern:letters@postgres:5432/lectern")
    assert settings.has_llm
    assert settings.embedding_name is None


def test_the_dockerfile_takes_every_build_argument() -> None:
    """An argument that the Dockerfile does not declare would be lost."""
    declared = set(re.findall(r"^ARG (\w+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(SERVICES["lectern"]["build"]["args"]) <= declared


def test_its_parts_wait_for_each_other_and_keep_their_data() -> None:
    """Lectern waits until each part is healthy, which each can tell; what must stay is in a named volume."""
    for name, wait in SERVICES["lectern"]["depends_on"].items():
        assert wait == {"condition": "service_healthy"}
        # The stub is Lectern's own image, whose check asks /health on PORT; the stub answers it.
        assert "healthcheck" in SERVICES[name] or SERVICES[name]["environment"] == {"PORT": "9000"}
    for name, volume in (("lectern", "lectern"), ("postgres", "postgres"), ("qdrant", "qdrant")):
        assert SERVICES[name]["volumes"][0].startswith(f"{volume}:/")
    assert all((ROOT / mount.split(":")[0]).is_dir() for mount in SERVICES["llm"]["volumes"])


def test_it_holds_no_secret_and_publishes_one_port() -> None:
    """Passwords and keys come from the environment; only Lectern can be reached, and from this machine only."""
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|KEY|TOKEN|SECRET", name):
                assert re.fullmatch(r"\$\{\w+:[-?].*\}", value), name
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"lectern": ["127.0.0.1:7860:7860"]}
