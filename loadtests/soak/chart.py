"""The chart of a soak: each quantity over time with the line that was judged, and the memory of each process."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from loadtests.soak.judgement import Series, Verdict, slope
from loadtests.soak.samples import Sample, lives, totals


def draw(samples: Sequence[Sample], verdicts: Sequence[Verdict], warm_up: float, path: Path) -> None:
    """Write a PNG; the warm-up is shaded, what rises is red."""
    mpl.use("agg")
    figure = Figure(figsize=(10, 12), layout="constrained")
    series = totals(samples)
    judged = {verdict.name: verdict for verdict in verdicts}
    axes = figure.subplots(len(series) + 1, 1, sharex=True)
    for axis, line in zip(axes, series, strict=False):
        axis.plot(*_columns(line), color="#4477aa", linewidth=1)
        after = line.after(warm_up).points
        if len(after) > 1 and line.name in judged:
            first, last = after[0][0], after[-1][0]
            middle, steep = judged[line.name].median, slope(after)
            ends = [middle + steep * (moment - (first + last) / 2) for moment in (first, last)]
            axis.plot([first, last], ends, color="#228833" if judged[line.name].flat else "#cc3311", linewidth=2)
        axis.set_title(str(judged.get(line.name, line.name)), loc="left", fontsize=9)
        axis.set_ylim(bottom=0)
    for line in lives(samples).values():
        axes[-1].plot(*_columns(line), linewidth=1)
    axes[-1].set_title("memory of each process, MB", loc="left", fontsize=9)
    axes[-1].set_xlabel("seconds")
    for axis in axes:
        axis.axvspan(0, warm_up, color="#dddddd", zorder=0)
    figure.savefig(path, dpi=110)


def _columns(series: Series) -> tuple[list[float], list[float]]:
    return [moment for moment, _ in series.points], [value for _, value in series.points]
