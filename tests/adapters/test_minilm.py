"""The local embedding model: the published figures, an independent reading of the paper, and hostile texts."""

import json
import math
from pathlib import Path

import anyio
import anyio.lowlevel
import numpy as np
import pytest
import safetensors.numpy
from numpy.typing import NDArray
from tests.local_model import model_folder
from tokenizers import Tokenizer

from lectern.adapters.minilm import MiniLMEmbeddings
from lectern.adapters.minilm_model import TOKENS_AT_ONCE, MiniLM, gelu, groups
from lectern.adapters.minilm_tensors import NotTheModel, map_weights
from lectern.errors import UpstreamUnavailable

Matrix = NDArray[np.float64]


@pytest.fixture(scope="module")
def model() -> MiniLM:
    """The model, mapped."""
    return MiniLM(model_folder())


def test_the_published_similarities(model: MiniLM) -> None:
    """The figures that the sentence-transformers project prints in its README for this model come out here."""
    vectors = model.encode(["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."])
    expected = [[1.0000, 0.6660, 0.1046], [0.6660, 1.0000, 0.1411], [0.1046, 0.1411, 1.0000]]
    assert vectors @ vectors.T == pytest.approx(np.array(expected), abs=6e-5)


def test_an_independent_forward_pass(model: MiniLM) -> None:
    """One token after the other, in double precision and with the exact erf, the vectors are the same."""
    for text in ("How do I keep a reducer pure?", "naïve café 東京 🙂 `useSelector()`"):
        [vector] = model.encode([text])
        assert vector == pytest.approx(_slowly(text), abs=2e-6)


def test_paraphrases_are_nearer_than_strangers(model: MiniLM) -> None:
    """What means the same is near, whatever the words."""
    pairs = [
        ("How can I undo the last action?", "Reverting to a previous state"),
        ("Where do I put the money?", "Coins and notes belong into the till"),
        ("Is it free to use?", "Pricing and licence"),
    ]
    lefts, rights = (model.encode(list(side)) for side in zip(*pairs, strict=True))
    cosines = lefts @ rights.T
    assert (cosines.argmax(axis=1) == np.arange(3)).all()


def test_company_changes_nothing(model: MiniLM) -> None:
    """A text's vector is the same alone, among longer ones, in any order; each is of unit length."""
    texts = ["short", "a rather longer text " * 10, "", "another one of middling length, with commas", "x " * 500]
    together = model.encode(texts)
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(5), abs=1e-5)
    for text, vector in zip(texts, together, strict=True):
        assert model.encode([text])[0] == pytest.approx(vector, abs=2e-6)
    assert model.encode([]).shape == (0, 384)


@pytest.mark.parametrize("text", ["", " ", "\0", "\ud800 half", "a\u0300" * 4000, "🙂" * 3000, "a" * 100_000])
def test_any_text_has_a_vector(model: MiniLM, text: str) -> None:
    """No text a reader can send is refused or gives what is no number."""
    [vector] = model.encode([text])
    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_groups_hold_every_text_once_and_little_padding() -> None:
    """Texts of like length go together, never more tokens at once than the limit."""
    lengths = [3, 200, 5, 256, 90, 91, 4, 256, 30] * 9
    packed = groups(lengths)
    assert sorted(place for group in packed for place in group) == list(range(len(lengths)))
    for group in packed:
        assert max(lengths[place] for place in group) * len(group) <= TOKENS_AT_ONCE
    padded = sum(max(lengths[place] for place in group) * len(group) for group in packed)
    assert padded < 1.3 * sum(lengths)


def test_gelu_is_exact_to_single_precision() -> None:
    """The approximation of erf is within what float32 can tell."""
    values = np.linspace(-8, 8, 4001, dtype=np.float32).reshape(-1, 1)
    exact = np.array([[x * (1 + math.erf(x / math.sqrt(2))) / 2] for x in values[:, 0].tolist()])
    gelu(values)
    assert values == pytest.approx(exact, abs=2e-6)


def test_files_of_another_model_are_refused(tmp_path: Path) -> None:
    """Damaged files and other shapes are told from the model's, and no file is an error of its own."""
    file = tmp_path / "model.safetensors"
    with pytest.raises(OSError, match=r"model\.safetensors"):
        map_weights(file)
    file.write_bytes(b"garbage" * 100)
    with pytest.raises(NotTheModel, match="no safetensors"):
        map_weights(file)
    safetensors.numpy.save_file({"embeddings.word_embeddings.weight": np.zeros((4, 4), np.float32)}, file)
    with pytest.raises(NotTheModel, match="another model"):
        map_weights(file)
    whole = (model_folder() / "model.safetensors").read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(NotTheModel, match="no safetensors"):
        map_weights(file)
    file.write_bytes(whole)
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": "none"}))
    with pytest.raises(NotTheModel, match="no tokenizer"):
        MiniLM(tmp_path)


async def test_the_port_encodes_off_the_loop() -> None:
    """While texts are encoded the loop goes on; the part says what it is."""
    embeddings = MiniLMEmbeddings(model_folder(), model="all-MiniLM-L6-v2", threads=1)
    assert embeddings.describe().state == "unknown"
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await anyio.lowlevel.checkpoint()
            turns += 1

    async with anyio.create_task_group() as group:
        group.start_soon(count)
        vectors = await embeddings.embed(["a text of some words " * 20] * 16, purpose="document")
        group.cancel_scope.cancel()
    assert turns > 100
    assert len(vectors) == 16
    assert len(vectors[0]) == 384
    assert isinstance(vectors[0][0], float)
    assert embeddings.describe().state == "ok"
    assert embeddings.model == "all-MiniLM-L6-v2"
    assert await embeddings.embed([], purpose="query") == []
    await embeddings.close()
    await embeddings.warm()


async def test_weights_that_cannot_be_read_are_a_part_that_is_down(tmp_path: Path) -> None:
    """The failure is one of ours, and the next call tries again."""
    embeddings = MiniLMEmbeddings(tmp_path, model="all-MiniLM-L6-v2")
    with pytest.raises(UpstreamUnavailable):
        await embeddings.warm()
    assert embeddings.describe().state == "down"
    for name in ("model.safetensors", "tokenizer.json"):
        (tmp_path / name).symlink_to(model_folder() / name)
    await embeddings.warm()
    assert embeddings.describe().state == "ok"


def _slowly(text: str) -> Matrix:
    """The vector of one text, step by step as the papers write it."""
    tensors = safetensors.numpy.load_file(model_folder() / "model.safetensors")
    weights = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}
    tokenizer = Tokenizer.from_file(str(model_folder() / "tokenizer.json"))
    tokenizer.no_padding()
    tokens = tokenizer.encode(text).ids
    words, places, kinds = (
        weights[f"embeddings.{kind}_embeddings.weight"] for kind in ("word", "position", "token_type")
    )
    states = [words[token] + places[place] + kinds[0] for place, token in enumerate(tokens)]

    def dense(row: Matrix, name: str) -> Matrix:
        result: Matrix = weights[f"{name}.weight"] @ row + weights[f"{name}.bias"]
        return result

    def normalised(row: Matrix, name: str) -> Matrix:
        result: Matrix = (row - row.mean()) / math.sqrt(row.var() + 1e-12)
        return result * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    states = [normalised(row, "embeddings.LayerNorm") for row in states]
    for number in range(6):
        layer = f"encoder.layer.{number}"
        queries, keys, values = (
            [dense(row, f"{layer}.attention.self.{part}").reshape(12, 32) for row in states]
            for part in ("query", "key", "value")
        )
        after = []
        for row, query in zip(states, queries, strict=True):
            heads = []
            for head in range(12):
                scores = np.array([query[head] @ key[head] / math.sqrt(32) for key in keys])
                shares = np.exp(scores) / np.exp(scores).sum()
                heads.append(sum(share * value[head] for share, value in zip(shares, values, strict=True)))
            attended = dense(np.concatenate(heads), f"{layer}.attention.output.dense")
            after.append(normalised(row + attended, f"{layer}.attention.output.LayerNorm"))
        states = []
        for row in after:
            inner = dense(row, f"{layer}.intermediate.dense")
            inner = np.array([x * (1 + math.erf(x / math.sqrt(2))) / 2 for x in inner.tolist()])
            states.append(normalised(row + dense(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm"))
    mean: Matrix = np.mean(states, axis=0)
    return mean / np.linalg.norm(mean)
