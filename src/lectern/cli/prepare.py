"""`prepare`: what a start needs on this machine: the schema, and pages when there are none."""

import argparse
import os
from pathlib import Path

from lectern.cli.verbs import DEMO_SITE, Verbs, console, own_pages
from lectern.config import Settings
from lectern.database_address import is_postgres
from lectern.errors import LecternError, StoreUnavailable
from lectern.ingest.pipeline import ingest
from lectern.ingest.report import ProgressBar
from lectern.wiring import build_index, migrate

_ROOT = Path(__file__).parents[3]


def add_to(verbs: Verbs) -> None:
    """Add the verb and its arguments."""
    add = verbs.add_parser("prepare", help="migrate, and index Lectern's own docs when there is no site yet")
    add.set_defaults(command=_prepare)


async def _prepare(_: argparse.Namespace, settings: Settings) -> int:
    try:
        console.print(migrate(settings))
    except StoreUnavailable as error:
        if not is_postgres(settings.sqlalchemy_url):
            raise
        # A remote part that is down never stops a start.
        console.print(f"{error.message} Starting without it; the server tries again by itself.", soft_wrap=True)
    index = build_index(settings)
    if await index.sites():
        return os.EX_OK
    console.print("No site is indexed yet; starting with Lectern's own README and docs.")
    try:
        with ProgressBar(console) as progress:
            report = await ingest(
                _ROOT,
                site=DEMO_SITE,
                base_url=own_pages(DEMO_SITE),
                index=index,
                # No vectors: the first start does not wait for them.
                only=("README.md", "docs"),
                progress=progress,
            )
    except LecternError as error:
        # An image may come without them; an empty index answers that it found nothing, and the server is up.
        console.print(f"They could not be indexed: {error.message}")
    else:
        console.print(f"Indexed {report.counts.documents} pages. Yours: ./entrypoint.sh ingest PATH --base-url URL")
    return os.EX_OK
