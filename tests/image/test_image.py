"""What the image is, before it runs."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.image.conftest import Measure
from tests.image.containers import BASE, IMAGE, Container, build, podman
from tests.serving.servers import ROOT

# Of python:3.11-slim as it is published, rounded up. The stand-in made by debootstrap is larger.
SLIM_BYTES = 130_000_000
MOST_BYTES = 350_000_000


def inspect(image: str) -> dict[str, Any]:
    """All that podman knows of an image."""
    return dict(json.loads(podman("image", "inspect", image))[0])


def inside(*command: str, image: str = IMAGE) -> str:
    """What a command prints in a fresh container of the image, without a network."""
    return podman("run", "--rm", "--network=none", f"--entrypoint={command[0]}", image, *command[1:])


def test_it_is_small(measure: Measure) -> None:
    """With all serving dependencies it stays under 350 MB on the published slim base."""
    ours = inspect(IMAGE)["Size"] - inspect(BASE)["Size"]
    measure("our layers", f"{ours / 1e6:.0f} MB, so {(ours + SLIM_BYTES) / 1e6:.0f} MB on a slim base of 130 MB")
    assert ours + SLIM_BYTES < MOST_BYTES


def test_it_keeps_a_spaces_contract() -> None:
    """A numeric uid 1000 in /app, port 7860, a health check, and exec forms, so that signals arrive."""
    image = inspect(IMAGE)
    config, health = image["Config"], image["Healthcheck"]
    assert (config["User"], config["WorkingDir"], list(config["ExposedPorts"])) == ("1000", "/app", ["7860/tcp"])
    assert "PORT=7860" in config["Env"]
    assert (config["Entrypoint"], config["Cmd"]) == (["./entrypoint.sh"], ["serve"])
    assert health["Test"][:2] == ["CMD", "python"]
    assert health["StartPeriod"] >= 30e9


def test_it_holds_what_serving_needs_and_nothing_else() -> None:
    """No test, cache, environment file, pip or compiler; bash and a home for a Space's Dev Mode."""
    kept = set(inside("ls", "-A", "/app").split())
    assert kept == set(
        "LICENSE README.md __pycache__ alembic.ini docs entrypoint.sh gunicorn.conf.py index main.py migrations "
        "requirements-mcp.txt requirements.txt src".split()
    )
    assert inside("find", "/opt/venv", "-name", "tests", "-o", "-name", "pip", "-o", "-name", "*.pyx") == ""
    assert inside("stat", "--format=%u", "/app", "/home/user", "/app/src/lectern/app.py").split() == ["1000"] * 3
    assert inside("bash", "-c", "echo $HOME; id --user").split() == ["/home/user", "1000"]


def test_every_source_is_compiled() -> None:
    """Nothing is compiled at a start, which could not keep it: each source, ours and theirs, has its byte code."""
    script = (
        "import importlib.util as u, pathlib as p; "
        "print(*[f for r in ('/app/src', '/app/migrations', '/opt/venv/lib') for f in p.Path(r).rglob('*.py') "
        "if not p.Path(u.cache_from_source(str(f))).exists()])"
    )
    assert inside("python", "-c", script).split() == []


def test_every_package_still_imports() -> None:
    """What was stripped is missed by no package that serves, migrates, ingests or speaks to a remote part."""
    modules = (
        "gunicorn, uvloop, httptools, fastapi, numpy.random, numpy.linalg, aiohttp, httpx2, tokenizers, "
        "safetensors.numpy, huggingface_hub.file_download, hf_xet, sqlalchemy.dialects.postgresql, psycopg2, "
        "alembic.command, markdown_it, mdit_py_plugins.front_matter, yaml, rich.progress, rich.traceback, mcp.server"
    )
    assert inside("python", "-W", "error", "-c", f"import {modules}; print('all')") == "all\n"


def test_a_base_that_has_uid_1000_builds_too(tmp_path: Path) -> None:
    """Where the base already gives the uid to somebody, as some do, the instruction that makes it changes nothing."""
    [instruction] = re.findall(r"^RUN \(getent.*?[^\\]\n", (ROOT / "Dockerfile").read_text(), re.MULTILINE | re.DOTALL)
    taken = f"FROM {BASE}\nRUN useradd --uid 1000 node\n{instruction}ENV HOME=/home/user\nUSER 1000\n"
    (tmp_path / "Dockerfile").write_text(taken)
    podman("build", "--isolation=chroot", "--tag=lectern-image-test-taken", str(tmp_path))
    try:
        script = "touch $HOME/file /app/file && id --user --name"
        assert inside("sh", "-c", script, image="lectern-image-test-taken") == "node\n"
    finally:
        podman("rmi", "lectern-image-test-taken")


@pytest.fixture(scope="module")
def with_content(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of an image that was built from a tree with pages of the owner's own."""
    tree = tmp_path_factory.mktemp("context") / "tree"
    shutil.copytree(
        ROOT, tree, symlinks=True, ignore=shutil.ignore_patterns(".git", ".venv", "*cache*", "data", "content")
    )
    (tree / "content").mkdir()
    (tree / "content/moon.md").write_text("# Moon\n\n## Phases\n\nThe gibbous phase follows the first quarter.\n")
    (tree / "content/.env").write_text("OPENAI_API_KEY=sk-never\n")
    build(tree, "lectern-image-test-content", SITE_NAME="sky", SITE_URL="https://sky.example")
    return "lectern-image-test-content"


def test_pages_in_the_context_are_in_the_image(with_content: str) -> None:
    """`content/` is indexed under the site's name and address; secrets beside it stay out of the image."""
    with Container("--read-only", "--tmpfs=/tmp", image=with_content) as container:
        container.until_up()
        answer = container.ask("What follows the first quarter?")
        assert "gibbous" in answer["message"]
        assert answer["sources"][0]["href"] == "https://sky.example/moon#phases"
        assert container.run("ls", "-A", "/app/content").split() == ["moon.md"]
