"""Curves of a run, one PNG for each kind of time: how many waited longer than so many milliseconds.

    python -m loadtests.bench.charts RUN.json [FOLDER]

A curve that is further left is faster. Both axes are logarithmic, so that the slowest one in a thousand is as easy to
see as the median: an average hides it, a histogram draws it one pixel high.
"""

import argparse
import math
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import AutoLocator, FixedLocator, FuncFormatter, Locator, LogLocator, NullLocator

from loadtests.bench.distribution import SHARES, Distribution, by_kind
from loadtests.bench.measured import number
from loadtests.bench.record import Record, RecordError, read

_COLOURS: Final = {"lectern": "#0b6e4f", "relay": "#d1495b", "stub": "#6c757d", "embedding": "#edae49"}
"""Told apart also by those who see few colours: dark green, red, grey, yellow, each with a line of its own."""
_LINES: Final = {"lectern": "-", "relay": "--", "stub": ":", "embedding": "-."}
_LEAST_MS: Final = 0.1
"""Where an axis begins at the earliest: tokens in one packet are nothing apart."""
_MARKS: Final[tuple[tuple[float, Callable[[], Locator]], ...]] = (
    (0.5, AutoLocator),
    (2, lambda: LogLocator(subs=(1, 1.5, 2, 3, 5, 7))),
    (3, lambda: LogLocator(subs=(1, 2, 5))),
    (math.inf, LogLocator),
)
"""The marks that have room where an axis is so many powers of ten long at most."""
_FASTEST: Final = SHARES.index(0.05)
_ONE_IN: Final = (1, 2, 10, 100, 1000, 10_000)


def main() -> int:
    """Draw a run's curves beside it, or into a folder; 1 for a file that is no record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path, nargs="?")
    arguments = parser.parse_args()
    try:
        record = read(arguments.run)
    except RecordError as error:
        print(error, file=sys.stderr)
        return 1
    for chart in draw(record, arguments.folder or arguments.run.parent, arguments.run.stem):
        print(chart)
    return 0


def draw(record: Record, folder: Path, stem: str) -> list[Path]:
    """Draw each kind of time of each row; the files, named `{stem}-{row}-{kind}.png`."""
    folder.mkdir(parents=True, exist_ok=True)
    charts = []
    for row in record.rows:
        for kind, services in by_kind(row.samples).items():
            chart = folder / f"{stem}-{_slug(row.name)}-{_slug(kind)}.png"
            figure = survival(kind, services)
            figure.text(0.01, 0.01, _caption(record, row.title), fontsize=7, color="#555555", va="bottom")
            figure.savefig(chart, dpi=120)
            charts.append(chart)
    return charts


def survival(kind: str, services: Mapping[str, Distribution]) -> Figure:
    """One chart: a curve a service, as far down as it has times for."""
    figure = Figure(figsize=(9, 6))
    axes = figure.add_axes((0.13, 0.33, 0.84, 0.61))
    for service, distribution in services.items():
        curve = zip(distribution.milliseconds, (1 - share for share in SHARES), strict=True)
        shown = [(milliseconds, longer) for milliseconds, longer in curve if longer * distribution.count >= 1]
        axes.plot(
            [milliseconds for milliseconds, _ in shown],
            [longer for _, longer in shown],
            color=_COLOURS.get(service),
            linestyle=_LINES.get(service, "-"),
            linewidth=2,
            label=_label(service, distribution),
        )
    axes.set_title(kind[:1].upper() + kind[1:], loc="left", fontweight="bold")
    _scale(axes, services)
    legend = {"family": "monospace", "size": 9}
    axes.legend(loc="upper left", bbox_to_anchor=(-0.02, -0.16), frameon=False, prop=legend)
    return figure


def _scale(axes: Axes, services: Mapping[str, Distribution]) -> None:
    """Axes in words and in milliseconds, from where the fastest twentieth is."""
    most = max(distribution.count for distribution in services.values())
    shown = [value for one in services.values() for value in one.milliseconds[_FASTEST:] if value >= _LEAST_MS]
    if shown:
        axes.set_xscale("log")
        axes.set_xlim(left=0.98 * min(shown))
        left, right = axes.get_xlim()
        decades = math.log10(right / left)
        axes.xaxis.set_major_locator(next(marks for longest, marks in _MARKS if decades <= longest)())
    axes.set_yscale("log")
    axes.set_ylim(max(0.7 / most, 1e-4), 1.15)
    axes.yaxis.set_major_locator(FixedLocator([1 / one_in for one_in in _ONE_IN if one_in <= most]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: "all" if share == 1 else f"1 in {1 / share:,.0f}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda milliseconds, _: number(milliseconds)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("milliseconds")
    axes.set_ylabel("waited longer than that")
    axes.grid(visible=True, color="#dddddd", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)


def _label(service: str, distribution: Distribution) -> str:
    """The service with its percentiles; one that fewer than one time is beyond would be a guess."""
    told = (share for share in (0.5, 0.95, 0.99, 0.999) if (1 - share) * distribution.count >= 1)
    marks = (f"p{share * 100:g} {number(distribution.milliseconds[SHARES.index(share)]):>5}" for share in told)
    return f"{service:<11}{'   '.join(marks)} ms   of {distribution.count:,}"


def _caption(record: Record, title: str) -> str:
    machine = record.machine
    where = f"{machine.cpu}, {machine.cores} cores, {record.repeat} repetitions"
    return f"{title}\n{record.at:%Y-%m-%d}, {record.commit}, {where}"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


if __name__ == "__main__":
    sys.exit(main())
