"""The command line: `prepare`, `migrate`, `ingest`, `eval`. `./entrypoint.sh VERB` calls it.

Exit codes: 0 done · 2 wrong arguments · 65 nothing usable in what was given · 75 a part is not available, try again ·
78 wrong settings.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from rich.console import Console

from lectern.config import ConfigError, Settings
from lectern.database_address import is_postgres
from lectern.errors import LecternError, StoreUnavailable
from lectern.evaluation.evaluate import evaluate
from lectern.evaluation.questions import load_questions
from lectern.evaluation.report import as_json, figures_table, misses_list
from lectern.ingest.pipeline import ingest
from lectern.ingest.report import ProgressBar, summary_table
from lectern.wiring import build_embeddings, build_index, migrate

DEMO_SITE = "lectern"
"""The site made of Lectern's own README and docs; it gives way to the first real one."""

_ROOT = Path(__file__).parents[2]
_console = Console(highlight=False)


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

    add = verbs.add_parser("prepare", help="migrate, and index Lectern's own docs when there is no site yet")
    add.set_defaults(command=_prepare)

    add = verbs.add_parser("migrate", help="bring the database's schema up to date")
    add.set_defaults(command=_migrate)

    add = verbs.add_parser("ingest", help="index a folder of Markdown")
    add.add_argument("path", type=Path, help="a folder of .md and .mdx files, or one file")
    add.add_argument("--site", default="docs", help="the site's name (default: %(default)s)")
    add.add_argument("--base-url", help="where the site is read, as https://example.org/docs; without it Lectern shows")
    add.add_argument("--dry-run", action="store_true", help="say what would change, write nothing")
    add.set_defaults(command=_ingest)

    add = verbs.add_parser("eval", help="measure retrieval on labelled questions")
    add.add_argument("questions", type=Path, help="a JSONL file: {id, question, kind, answers: [{path, heading}]}")
    add.add_argument("--site", help="search in this site only")
    add.add_argument("--json", action="store_true", help="print one JSON object")
    add.add_argument("--misses", action="store_true", help="list the questions whose sections were not found")
    add.set_defaults(command=_eval)
    return parser


async def _prepare(_: argparse.Namespace, settings: Settings) -> int:
    try:
        _console.print(migrate(settings))
    except StoreUnavailable as error:
        if not is_postgres(settings.sqlalchemy_url):
            raise
        # A remote part that is down never stops a start.
        _console.print(f"{error.message} Starting without it; the server tries again by itself.", soft_wrap=True)
    index = build_index(settings)
    if await index.sites():
        return os.EX_OK
    _console.print("No site is indexed yet; starting with Lectern's own README and docs.")
    try:
        with ProgressBar(_console) as progress:
            report = await ingest(
                _ROOT,
                site=DEMO_SITE,
                base_url=_own_pages(DEMO_SITE),
                index=index,
                embeddings=build_embeddings(settings),
                only=("README.md", "docs"),
                progress=progress,
            )
    except LecternError as error:
        # An image may come without them; an empty index answers that it found nothing, and the server is up.
        _console.print(f"They could not be indexed: {error.message}")
    else:
        _console.print(f"Indexed {report.counts.documents} pages. Yours: ./entrypoint.sh ingest PATH --base-url URL")
    return os.EX_OK


async def _migrate(_: argparse.Namespace, settings: Settings) -> int:
    _console.print(migrate(settings))
    return os.EX_OK


async def _ingest(arguments: argparse.Namespace, settings: Settings) -> int:
    with ProgressBar(_console) as progress:
        report = await ingest(
            arguments.path,
            site=arguments.site,
            base_url=arguments.base_url or _own_pages(arguments.site),
            index=build_index(settings),
            embeddings=build_embeddings(settings),
            retire=(DEMO_SITE,),
            dry_run=arguments.dry_run,
            progress=progress,
        )
    _console.print(summary_table(report))
    return os.EX_OK


async def _eval(arguments: argparse.Namespace, settings: Settings) -> int:
    evaluation = await evaluate(
        load_questions(arguments.questions),
        build_index(settings),
        build_embeddings(settings),
        min_confidence=settings.min_confidence,
        site=arguments.site,
    )
    if arguments.json:
        print(json.dumps(as_json(evaluation), indent=2, ensure_ascii=False))
        return os.EX_OK
    _console.print(figures_table(evaluation))
    if arguments.misses:
        _console.print(misses_list(evaluation), soft_wrap=True)
    return os.EX_OK


def _own_pages(site: str) -> str:
    """Where Lectern itself shows a site that is not published anywhere."""
    return f"/pages/{quote(site, safe='')}"


if __name__ == "__main__":
    sys.exit(main())
