"""The committed counts, and what a new one is against them.

An interpreter of another build does the same work in other instructions. Each build may have figures of its own; one
that has none is compared with the nearest, scaled by what a fixed piece of Python costs (`python`), more generously.
"""

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

FILE: Final = Path(__file__).parent / "baseline.json"

TOLERANCE: Final = 0.05
SCALED_TOLERANCE: Final = 0.10
"""Measured: 2 to 4.3 % between builds of 3.11 that differ by a seventh."""

SAME_BUILD: Final = 0.02
"""How far `python` may be off where the interpreter is the same; measured: 0.9 % at most."""

Verdict = Literal["same", "more", "less"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure against what it should be, both in instructions."""

    name: str
    count: int
    expected: int
    verdict: Verdict

    @property
    def change(self) -> float:
        """How much more it is, as a share."""
        return self.count / self.expected - 1


@dataclass(frozen=True, slots=True)
class Baseline:
    """The figures of one build.

    Attributes:
        build: The interpreter that they were counted with.
        figures: By name, in instructions.
    """

    build: str
    figures: Mapping[str, int]

    def scale(self, figures: Mapping[str, int]) -> float:
        """How many instructions the interpreter of these figures needs for one of this build's; 1 for the same."""
        ratio = figures["python"] / self.figures["python"]
        return 1.0 if abs(ratio - 1) <= SAME_BUILD else ratio

    def compare(self, figures: Mapping[str, int]) -> list[Comparison]:
        """Each figure against this baseline's; one that the baseline does not have counts as `more`."""
        scale = self.scale(figures)
        tolerance = TOLERANCE if scale == 1.0 else SCALED_TOLERANCE
        compared = []
        for name, count in figures.items():
            if name == "python":
                continue
            expected = round(self.figures.get(name, 1) * scale)
            change = count / expected - 1
            verdict: Verdict = "more" if change > tolerance else "less" if change < -tolerance else "same"
            compared.append(Comparison(name, count, expected, verdict))
        return compared


def build() -> str:
    """The interpreter that runs this, in words."""
    name = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{name}, {platform.python_compiler()}, {platform.machine()}"


def nearest(figures: Mapping[str, int], file: Path = FILE) -> Baseline | None:
    """The committed figures of the interpreter that is most like the one of these; None when there are none."""
    baselines = [Baseline(name, found) for name, found in _read(file).items()]
    return min(baselines, key=lambda found: abs(found.figures["python"] - figures["python"]), default=None)


def update(figures: Mapping[str, int], file: Path = FILE) -> None:
    """Write figures down as this build's; those of others were counted with older code, and go."""
    file.write_text(json.dumps({build(): dict(figures)}, indent=2) + "\n", encoding="utf-8")


def _read(file: Path) -> dict[str, dict[str, int]]:
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}
