"""The tensors of all-MiniLM-L6-v2, mapped from their file and checked against the shapes that the model has."""

import json
import math
import mmap
from pathlib import Path
from typing import Final

import numpy as np
import safetensors
from numpy.typing import NDArray

Array = NDArray[np.float32]

VOCABULARY: Final = 30522
DIMENSIONS: Final = 384
INTERMEDIATE: Final = 1536
LAYERS: Final = 6
MAX_TOKENS: Final = 256
"""Longest text the model was made for; the rest is cut off."""

_POSITIONS: Final = 512
_HEADER_LENGTH: Final = 8
_ATTENTION: Final = ("self.query", "self.key", "self.value", "output.dense")


class NotTheModel(ValueError):
    """The files are not those of all-MiniLM-L6-v2."""


def map_weights(file: Path) -> dict[str, Array]:
    """The tensors of a safetensors file, as views of its pages.

    The library checks the file; its own loaders copy, and 90 MB a worker is what mapping saves.
    The format: https://github.com/huggingface/safetensors#format.

    Raises:
        OSError: It cannot be read.
        NotTheModel: It is damaged, or the tensors are not this model's.
    """
    try:
        with safetensors.safe_open(file, framework="numpy") as checked:
            shapes = {name: checked.get_slice(name).get_shape() for name in checked.keys()}  # noqa: SIM118 - no dict
    except safetensors.SafetensorError as error:
        raise NotTheModel(f"{file} is no safetensors file") from error
    if any(shapes.get(name) != shape for name, shape in _shapes().items()):
        raise NotTheModel(f"{file} holds another model")
    with file.open("rb") as opened:
        mapped = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
    start = _HEADER_LENGTH + int.from_bytes(mapped[:_HEADER_LENGTH], "little")
    header = json.loads(mapped[_HEADER_LENGTH:start])
    weights = {}
    for name, shape in _shapes().items():
        if header[name]["dtype"] != "F32":
            raise NotTheModel(f"{file} holds other numbers than float32")
        offset = start + header[name]["data_offsets"][0]
        weights[name] = np.frombuffer(mapped, np.float32, math.prod(shape), offset).reshape(shape)
    return weights


def _shapes() -> dict[str, list[int]]:
    """The tensors that the model is made of."""
    shapes = {
        "embeddings.word_embeddings.weight": [VOCABULARY, DIMENSIONS],
        "embeddings.position_embeddings.weight": [_POSITIONS, DIMENSIONS],
        "embeddings.token_type_embeddings.weight": [2, DIMENSIONS],
    }
    norms = ["embeddings.LayerNorm"]
    square = {f"attention.{part}": (DIMENSIONS, DIMENSIONS) for part in _ATTENTION}
    dense = square | {"intermediate.dense": (INTERMEDIATE, DIMENSIONS), "output.dense": (DIMENSIONS, INTERMEDIATE)}
    for number in range(LAYERS):
        layer = f"encoder.layer.{number}"
        norms += [f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"]
        for name, (rows, columns) in dense.items():
            shapes |= {f"{layer}.{name}.weight": [rows, columns], f"{layer}.{name}.bias": [rows]}
    for name in norms:
        shapes |= {f"{name}.weight": [DIMENSIONS], f"{name}.bias": [DIMENSIONS]}
    return shapes
