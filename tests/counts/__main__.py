"""Counts the instructions of a request and of 1,000 streamed tokens, and compares them with the committed ones.

More than 5 % more is a failure. `--update` commits to what it counted. Why a count grew: `make profile`.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.counts import baseline
from tests.counts.valgrind import NotCounted, count, figures


def main() -> int:
    """Count, print, compare; the exit code: 0, 1 for more than there may be, 69 where nothing can be counted."""
    parser = argparse.ArgumentParser(prog="tests.counts", description=__doc__)
    parser.add_argument("--update", action="store_true", help=f"write what was counted to {baseline.FILE.name}")
    parser.add_argument("--runs", type=int, default=1, help="count so often, and show how far the counts are apart")
    parser.add_argument("--keep", type=Path, help="a folder for callgrind's files, one a region")
    arguments = parser.parse_args()
    try:
        runs = [figures(count(arguments.keep)) for _ in range(arguments.runs)]
    except NotCounted as error:
        sys.stderr.write(f"Instructions are not counted: {error}\n")
        return os.EX_UNAVAILABLE
    if len(runs) > 1:
        sys.stdout.write(_spread(runs))
    if arguments.update:
        baseline.update(runs[0])
        sys.stdout.write(f"Written to {baseline.FILE.name}: {runs[0]}\n")
        return os.EX_OK
    return judge(runs[0])


def judge(found: Mapping[str, int]) -> int:
    """Print figures beside the committed ones; the exit code."""
    known = baseline.nearest(found)
    if known is None:
        sys.stderr.write("Nothing to compare with: `make counts-baseline` writes it.\n")
        return os.EX_CONFIG
    scale = known.scale(found)
    if scale != 1.0:
        sys.stdout.write(
            f"This is {baseline.build()}; the baseline's {known.build} needs {1 / scale:.2f} times the instructions for"
            f" the same Python. It is scaled by that, and {baseline.SCALED_TOLERANCE:.0%} are tolerated.\n"
        )
    compared = known.compare(found)
    sys.stdout.write(f"{'instructions of':<18}{'counted':>14}{'committed':>14}{'change':>9}\n")
    for item in compared:
        sys.stdout.write(f"{item.name:<18}{item.count:>14,}{item.expected:>14,}{item.change:>+9.1%}\n")
    verdicts = {item.verdict for item in compared}
    if "more" in verdicts:
        sys.stderr.write("More than there may be: `make profile REGION=turn` shows where.\n")
        return 1
    if "less" in verdicts:
        sys.stdout.write("Less than is committed to. Keep it: `make counts-baseline`, and commit the file.\n")
    return os.EX_OK


def _spread(runs: list[dict[str, int]]) -> str:
    """How far the runs are apart, in per cent of the least."""
    lines = []
    for name in runs[0]:
        counts = [run[name] for run in runs]
        apart = max(counts) / min(counts) - 1
        lines.append(f"{name:<18}{apart:>8.2%}  {' '.join(f'{number:,}' for number in counts)}\n")
    return "".join(lines)


if __name__ == "__main__":
    sys.exit(main())
