"""all-MiniLM-L6-v2 in numpy: text in, unit vectors of 384 numbers out. No torch, no thread, no network.

The architecture is BERT's encoder (Devlin et al. 2019, https://arxiv.org/abs/1810.04805) with six layers;
a text's vector is the mean over its tokens, made unit length, as the model card says
(https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from lectern.adapters.minilm_tensors import DIMENSIONS, LAYERS, MAX_TOKENS, Array, NotTheModel, map_weights

Integers = NDArray[np.int64]

HEADS: Final = 12
TOKENS_AT_ONCE: Final = 1024
"""Tokens, padding included, that go through the layers together: what they need then fits into a core's cache."""

_ROWS_IN_CACHE: Final = 32
"""Rows of 1,536 numbers that are passed over again and again: 200 KB an operand; all at once they cost three times."""

_EPSILON: Final = 1e-12
_MASKED: Final = np.float32(-1e9)


class MiniLM:
    """The model, its weights mapped into memory: processes that open the same file share its pages.

    It can be used by several threads at once.

    Args:
        folder: Holds `model.safetensors` and `tokenizer.json`.

    Raises:
        OSError: A file cannot be read.
        NotTheModel: A file is damaged, or of another model.
    """

    def __init__(self, folder: Path) -> None:
        self._weights = map_weights(folder / "model.safetensors")
        try:
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except OSError:
            raise
        except Exception as error:  # the tokenizers library raises nothing more telling
            raise NotTheModel(f"{folder / 'tokenizer.json'} is no tokenizer") from error
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)

    def encode(self, texts: Sequence[str]) -> Array:
        """One row of unit length a text, in order; shape (texts, 384). Blocks for some 10 ms a sentence."""
        # A lone half of a surrogate pair is no character; the tokenizer refuses it.
        clean = [text.encode(errors="replace").decode() for text in texts]
        # One by one: many at once would start the tokenizer's own thread pool.
        tokens = [self._tokenizer.encode(text).ids for text in clean]
        vectors = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        for places in groups([len(ids) for ids in tokens]):
            vectors[places] = self._forward([tokens[place] for place in places])
        return vectors

    def _forward(self, tokens: Sequence[Sequence[int]]) -> Array:
        """The vectors of a few texts of about one length."""
        longest = max(map(len, tokens))
        ids: Integers = np.zeros((len(tokens), longest), dtype=np.int64)
        mask = np.zeros((len(tokens), longest), dtype=np.float32)
        for row, found in enumerate(tokens):
            ids[row, : len(found)] = found
            mask[row, : len(found)] = 1
        weights = self._weights
        states = weights["embeddings.word_embeddings.weight"][ids]
        states += weights["embeddings.position_embeddings.weight"][:longest]
        states += weights["embeddings.token_type_embeddings.weight"][0]
        states = states.reshape(-1, DIMENSIONS)
        self._normalise(states, "embeddings.LayerNorm")
        hidden = (1 - mask)[:, None, None, :] * _MASKED
        for layer in range(LAYERS):
            self._layer(states, hidden, f"encoder.layer.{layer}")
        pooled: Array = np.einsum("tld,tl->td", states.reshape(len(tokens), longest, DIMENSIONS), mask)
        pooled /= np.linalg.norm(pooled, axis=1, keepdims=True)
        return pooled

    def _layer(self, states: Array, hidden: Array, name: str) -> None:
        """One encoder layer, in place: attention, then two dense layers, each added to what came in and normalised."""
        states += self._linear(
            self._attention(states, hidden, f"{name}.attention.self"), f"{name}.attention.output.dense"
        )
        self._normalise(states, f"{name}.attention.output.LayerNorm")
        inner = self._linear(states, f"{name}.intermediate.dense")
        gelu(inner)
        states += self._linear(inner, f"{name}.output.dense")
        self._normalise(states, f"{name}.output.LayerNorm")

    def _attention(self, states: Array, hidden: Array, name: str) -> Array:
        """Scaled dot-product attention (Vaswani et al. 2017, eq. 1) over twelve heads; padding is never looked at."""
        texts, longest = hidden.shape[0], hidden.shape[-1]

        def heads(part: str) -> Array:
            projected = self._linear(states, f"{name}.{part}").reshape(texts, longest, HEADS, -1)
            return np.ascontiguousarray(projected.transpose(0, 2, 1, 3))

        query = heads("query")
        query *= np.float32((DIMENSIONS / HEADS) ** -0.5)
        scores: Array = query @ heads("key").transpose(0, 1, 3, 2)
        scores += hidden
        scores -= scores.max(axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=-1, keepdims=True)
        mixed: Array = scores @ heads("value")
        return mixed.transpose(0, 2, 1, 3).reshape(-1, DIMENSIONS)

    def _linear(self, states: Array, name: str) -> Array:
        result: Array = states @ self._weights[f"{name}.weight"].T
        result += self._weights[f"{name}.bias"]
        return result

    def _normalise(self, states: Array, name: str) -> None:
        """Layer normalisation over the last axis, in place."""
        states -= states.mean(axis=-1, keepdims=True)
        variance = np.einsum("td,td->t", states, states)[:, None] / np.float32(DIMENSIONS)
        states /= np.sqrt(variance + np.float32(_EPSILON))
        states *= self._weights[f"{name}.weight"]
        states += self._weights[f"{name}.bias"]


def groups(lengths: Sequence[int]) -> list[list[int]]:
    """Places of texts that go through the layers together: of like length, so that little is padding.

    Args:
        lengths: Tokens of each text.
    """
    packed: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        # The first of a group is its longest.
        if not packed or lengths[packed[-1][0]] * (len(packed[-1]) + 1) > TOKENS_AT_ONCE:
            packed.append([])
        packed[-1].append(place)
    return packed


def gelu(values: Array) -> None:
    """x·Φ(x) = (x + |x|·erf(|x|/√2)) / 2, in place, with erf to 1.5e-7 (Abramowitz and Stegun 1964, 7.1.26)."""
    for start in range(0, len(values), _ROWS_IN_CACHE):
        part = values[start : start + _ROWS_IN_CACHE]
        size = np.abs(part)
        step = 1 / (1 + np.float32(0.3275911 * 0.5**0.5) * size)
        error = step * np.float32(1.061405429)
        for coefficient in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
            error += np.float32(coefficient)
            error *= step
        bell = size * size
        bell *= np.float32(-0.5)
        np.exp(bell, out=bell)
        error *= bell  # 1 - erf(|x|/√2)
        np.subtract(1, error, out=error)
        error *= size
        part += error
        part *= np.float32(0.5)
