"""Fits the constants of `lectern.adapters.lexicon.confidence` to labelled questions; run by hand, never by pytest.

    PYTHONPATH=src:. python tests/evaluation/fit_confidence.py CORPUS QUESTIONS.jsonl

It prints the weights, and what they are worth on questions they were not fitted to (ten times ten-fold).
"""

import sys
import tempfile
from pathlib import Path

import anyio
import anyio.to_thread
import numpy as np
from numpy.typing import NDArray

from lectern.adapters.local_index import LocalIndex
from lectern.adapters.local_index.generation import Generation
from lectern.adapters.local_index.search import figures, find
from lectern.evaluation.questions import Question, load_questions
from lectern.ingest.pipeline import ingest

Matrix = NDArray[np.float64]

PENALTY = 0.02
"""L2 penalty on the weights: 100 questions carry no large ones."""

NAMES = ("coverage", "strength", "known", "margin")


def features(generation: Generation, questions: list[Question]) -> Matrix:
    """The four figures of each question, shape (questions, 4)."""
    rows = []
    with generation.reader() as reader:
        for question in questions:
            query, ranked = find(generation, reader, question.question, None, None)
            found = figures(reader, query, ranked) if ranked else None
            rows.append([getattr(found, name) if found else 0.0 for name in NAMES])
    return np.array(rows)


def fit(figures: Matrix, answerable: Matrix) -> tuple[Matrix, float]:
    """Weights and bias of a logistic by gradient descent; both classes count as much as each other."""
    weights, bias = np.zeros(figures.shape[1]), 0.0
    share = np.where(answerable == 1, 0.5 / answerable.sum(), 0.5 / (1 - answerable).sum())
    for _ in range(20_000):
        error = share * (1 / (1 + np.exp(-(figures @ weights + bias))) - answerable)
        weights = weights - (figures.T @ error + PENALTY * weights / len(answerable))
        bias = bias - error.sum()
    return weights, float(bias)


def auroc(scores: Matrix, answerable: Matrix) -> float:
    """How often an answerable question scores above an unanswerable one."""
    good, bad = scores[answerable == 1], scores[answerable == 0]
    above = (good[:, None] > bad[None, :]).mean() + (good[:, None] == bad[None, :]).mean() / 2
    return float(above)


def held_out(figures: Matrix, answerable: Matrix, seed: int) -> Matrix:
    """Probabilities of each question by a fit that has not seen it."""
    order = np.random.default_rng(seed).permutation(len(answerable))
    scores = np.zeros(len(answerable))
    for fold in np.array_split(order, 10):
        rest = np.setdiff1d(order, fold)
        weights, bias = fit(figures[rest], answerable[rest])
        scores[fold] = 1 / (1 + np.exp(-(figures[fold] @ weights + bias)))
    return scores


def newest(index: Path) -> Path:
    """The folder of an index's current generation."""
    return index / (index / "CURRENT").read_text().strip()


async def main(corpus: Path, questions_file: Path) -> None:
    """Build an index, fit, report."""
    questions = load_questions(questions_file)
    with tempfile.TemporaryDirectory() as folder:
        index = LocalIndex(Path(folder) / "index")
        await ingest(corpus, site="site", base_url=None, index=index)
        rows = features(Generation(await anyio.to_thread.run_sync(newest, Path(folder) / "index")), questions)
    answerable = np.array([1.0 if question.answers else 0.0 for question in questions])
    weights, bias = fit(rows, answerable)
    lines = [f"bias {bias:.2f}", *(f"{name} {weight:.2f}" for name, weight in zip(NAMES, weights, strict=True))]
    for name, column in zip(NAMES, rows.T, strict=True):
        lines.append(f"{name} alone: AUROC {auroc(column, answerable):.3f}")
    own = 1 / (1 + np.exp(-(rows @ weights + bias)))
    lines.append(f"fitted and measured on the same: AUROC {auroc(own, answerable):.3f}")
    for kept in (0.9, 0.95, 0.975, 1.0):
        threshold = np.quantile(own[answerable == 1], 1 - kept, method="lower")
        rejected = (own[answerable == 0] < threshold).mean()
        lines.append(f"  threshold {threshold:.3f} keeps {kept:.1%}, refuses {rejected:.0%} of the unanswerable")
    areas, refused = [], []
    for seed in range(10):
        scores = held_out(rows, answerable, seed)
        areas.append(auroc(scores, answerable))
        refused.append((scores[answerable == 0] < np.quantile(scores[answerable == 1], 0.05, method="lower")).mean())
    lines.append(f"held out: AUROC {np.mean(areas):.3f}; keeping 95 % refuses {np.mean(refused):.0%}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]), Path(sys.argv[2]))
