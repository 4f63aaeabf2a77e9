"""`check`: look at everything that Lectern leans on from here, and say what to do about what does not work."""

import argparse
import json
import os
from typing import Final

from rich.markup import escape
from rich.table import Table

from lectern.cli.verbs import Verbs, console
from lectern.config import Settings
from lectern.ops.findings import Report
from lectern.wiring import examine

_COLOURS: Final = {"ok": "green", "warn": "yellow", "fail": "bold red", "skipped": "dim"}
_FAILED: Final = 1


def add_to(verbs: Verbs) -> None:
    """Add the verb and its arguments."""
    add = verbs.add_parser("check", help="look at network, database, index, models, login and machine from here")
    add.add_argument("--json", action="store_true", help="print one JSON object")
    add.add_argument("--origin", metavar="URL", help="only say whether pages of this site may call, and why")
    add.set_defaults(command=_check)


async def _check(arguments: argparse.Namespace, settings: Settings) -> int:
    report = await examine(settings, origin=arguments.origin)
    if arguments.json:
        print(json.dumps(report.fields(), indent=2, ensure_ascii=False))
    elif arguments.origin:
        console.print(report.findings[0].found, soft_wrap=True, markup=False)
    else:
        show(report)
    return _FAILED if report.failed else os.EX_OK


def show(report: Report) -> None:
    """Print a table of the findings, then what to do about them, the worst first."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("state")
    table.add_column("check", no_wrap=True)
    table.add_column("found", overflow="fold")
    table.add_column("ms", justify="right")
    for finding in report.findings:
        colour = _COLOURS[finding.state]
        table.add_row(
            f"[{colour}]{finding.state}[/]", finding.name, escape(finding.found), str(finding.milliseconds or 0)
        )
    console.print(table)
    for state in ("fail", "warn"):
        for finding in report.findings:
            if finding.state == state and finding.fix:
                console.print(f"\n[{_COLOURS[state]}]{finding.name}[/]: {escape(finding.fix)}", soft_wrap=True)
    console.print(f"\n{_verdict(report)}", soft_wrap=True)


def _verdict(report: Report) -> str:
    counts = {state: sum(finding.state == state for finding in report.findings) for state in _COLOURS}
    seconds = f"in {report.milliseconds / 1000:.1f} s"
    if not counts["fail"] and not counts["warn"]:
        return (
            f"[green]All is well[/]: {counts['ok']} checks {seconds}; {counts['skipped']} are for what is not set up."
        )
    told = [f"{counts[state]} {noun}" for state, noun in (("fail", "failed"), ("warn", "to look at")) if counts[state]]
    return f"{', '.join(told)}, {counts['ok']} fine, {counts['skipped']} skipped, {seconds}."
