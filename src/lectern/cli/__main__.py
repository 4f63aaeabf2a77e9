"""`python -m lectern.cli VERB`: reads the arguments and the settings, runs the verb, tells errors in one line."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence

from lectern.cli import check, deploy, evaluate, ingest, keys, migrate, prepare, rekey
from lectern.config import ConfigError, Settings
from lectern.errors import LecternError

_VERBS = (prepare, migrate, ingest, evaluate, check, deploy, keys, rekey)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        return int(asyncio.run(arguments.command(arguments, Settings.load())))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return os.EX_CONFIG
    except LecternError as error:
        print(f"lectern {arguments.verb}: {error.message}", file=sys.stderr)
        return os.EX_TEMPFAIL if error.retryable else os.EX_DATAERR
    except BrokenPipeError:
        # The reader of the output (`| head`) has seen enough; what is still buffered must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return os.EX_OK
    except KeyboardInterrupt:
        print("Stopped. What was committed stays; running it again goes on.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lectern", description="Cited, streamed answers from a site's own pages.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb in _VERBS:
        verb.add_to(verbs)
    return parser


if __name__ == "__main__":
    sys.exit(main())
