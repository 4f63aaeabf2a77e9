"""`make bench-peers`: Lectern beside its peers, all in front of one stub, in one run.

    python -m loadtests.peers [--repeat N] [--readers N ...] [--only NAME ...] [--no-faults] [--write DOCUMENT]
    python -m loadtests.peers --from FILE --write docs/performance.md       # a run of before; nothing is measured

Each peer lives in an environment of its own below data/peers/, made from its pins by the first run (minutes). After
that, a run takes about seven minutes. `--write` puts the tables between `<!-- peers -->` and `<!-- /peers -->`.
"""

import argparse
import datetime as dt
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from loadtests.bench import machine
from loadtests.bench.markers import MarkersError, between
from loadtests.peers import record as records
from loadtests.peers.lineup import PEERS
from loadtests.peers.measuring import MODEL, Plan, give_faults, measure
from loadtests.peers.record import Record, RecordError
from loadtests.peers.table import section
from loadtests.services import ROOT

MARKER = "peers"


def main() -> int:
    """Measure or read, print, write; 1 for a file that is no record, or a document without markers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--readers", type=int, nargs="+", default=[50, 100], help="who ask at once, a wave of each")
    parser.add_argument("--only", nargs="+", choices=[peer.name for peer in PEERS], help="these peers")
    parser.add_argument("--no-faults", action="store_true", help="leave out what a failing provider does to them")
    parser.add_argument("--out", type=Path, default=ROOT / "data" / "load" / "peers.json")
    parser.add_argument(
        "--from", type=Path, dest="source", metavar="FILE", help="a run of before, instead of a new one"
    )
    parser.add_argument("--write", type=Path, metavar="DOCUMENT")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # what was started ends with this program
    try:
        run = records.read(arguments.source) if arguments.source else _measured(arguments)
        text = section(run)
        print(text)
        if arguments.write is not None:
            between(arguments.write, MARKER, text)
    except (RecordError, MarkersError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _measured(arguments: argparse.Namespace) -> Record:
    """A new run, written to its file."""
    here, commit, at = machine.Machine.here(), machine.commit(ROOT), dt.datetime.now(dt.UTC)
    began = time.monotonic()
    chosen = [peer for peer in PEERS if arguments.only is None or peer.name in arguments.only]
    found = measure(chosen, Plan(tuple(arguments.readers), arguments.repeat))
    run = Record(at, commit, here, machine.versions(), MODEL, arguments.repeat, _since(began), found)
    records.write(run, arguments.out)  # a run that is broken off among the faults leaves its figures
    if not arguments.no_faults:
        give_faults(chosen, found)
        run = replace(run, seconds=_since(began))
        records.write(run, arguments.out)
    print(f"Figures: {arguments.out}", file=sys.stderr)
    return run


def _since(began: float) -> float:
    return round(time.monotonic() - began, 1)


if __name__ == "__main__":
    sys.exit(main())
