"""How likely it is that the best sections answer the question: a logistic of four cheap figures."""

import math
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Figures:
    """What the confidence is computed from; each about 0 to 1.

    Attributes:
        coverage: Share of the question's idf that the best section holds, misspelt words corrected.
        strength: Lexical score of the best section, which is BM25 over the question's idf.
        known: Share of the question's idf in words that the site knows at all.
        margin: How far the best section's score stands above the tenth's, as a share of the best.
    """

    coverage: float
    strength: float
    known: float
    margin: float


BIAS: Final = 0.0
WEIGHTS: Final = Figures(coverage=1.0, strength=1.0, known=1.0, margin=1.0)


def confidence(figures: Figures) -> float:
    """The probability, 0 to 1, that the best sections answer."""
    logit = (
        BIAS
        + WEIGHTS.coverage * figures.coverage
        + WEIGHTS.strength * figures.strength
        + WEIGHTS.known * figures.known
        + WEIGHTS.margin * figures.margin
    )
    return 1 / (1 + math.exp(-logit))
