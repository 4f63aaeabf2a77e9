"""`prepare`: what a start needs on this machine: the schema, an index with a page in it, an index as CONTENT_DIR is."""

import argparse
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from lectern.cli.verbs import DEMO_SITE, Verbs, console
from lectern.config import Settings
from lectern.config.index import own_pages
from lectern.database_address import is_postgres
from lectern.errors import LecternError, StoreUnavailable
from lectern.ingest.pipeline import NothingToIngest, Report, ingest
from lectern.lifecycle.content import fingerprint_of
from lectern.ops.side_process import end_with_caller
from lectern.ports import Embeddings, Index
from lectern.wiring import build_embeddings, build_index, migrate, note_indexed_content

_ROOT = Path(__file__).parents[3]
_PARTS = ("schema", "index", "content")


def add_to(verbs: Verbs) -> None:
    """Add the verb and its arguments."""
    add = verbs.add_parser("prepare", help="make what a start needs: the schema, and an index if there is none")
    add.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        help="schema: migrate; index: index CONTENT_DIR, or Lectern's own docs, if there is no page yet; "
        "content: bring the index in line with CONTENT_DIR, vectors included (default: schema index)",
    )
    add.add_argument("--beside", action="store_true", help="end when standard input does, as a server's side process")
    add.add_argument("--report", type=Path, help="with content: a file that gets what was done, as JSON")
    add.set_defaults(command=_prepare)


async def _prepare(arguments: argparse.Namespace, settings: Settings) -> int:
    parts = arguments.parts or ["schema", "index"]
    if unknown := [part for part in parts if part not in _PARTS]:
        print(f"Unknown part {unknown[0]!r}. Parts: {', '.join(_PARTS)}.", file=sys.stderr)
        return 2  # argparse's own code; its `choices` refuse the empty list
    if arguments.beside:
        end_with_caller()
    code = _migrate(settings) if "schema" in parts else os.EX_OK
    index = build_index(settings)
    try:
        if "index" in parts and not await index.sites():
            await _first_pages(index, settings)
        if "content" in parts:
            report = await _content(index, settings, build_embeddings(settings))
            if arguments.report is not None:
                arguments.report.write_text(json.dumps(_counts(report)), encoding="utf-8")
    finally:
        await index.close()
    return code


def _migrate(settings: Settings) -> int:
    """Migrate; a database that cannot be is told, and the rest goes on."""
    try:
        console.print(migrate(settings), soft_wrap=True)
    except StoreUnavailable as error:
        if not is_postgres(settings.sqlalchemy_url):
            console.print(error.message, soft_wrap=True)
            return os.EX_TEMPFAIL
        # A remote part that is down never stops a start.
        console.print(f"{error.message} Starting without it; the server tries again by itself.", soft_wrap=True)
    return os.EX_OK


async def _first_pages(index: Index, settings: Settings) -> None:
    """Index the owner's pages, or Lectern's own when there are none. Without vectors: nobody waits for those."""
    if settings.content_dir.is_dir():
        try:
            await _content(index, settings, None)
        except NothingToIngest:
            console.print(f"There is no page in {settings.content_dir}.", soft_wrap=True)
        else:
            return
    console.print("No site is indexed yet; starting with Lectern's own README and docs.")
    try:
        report = await ingest(
            _ROOT, site=DEMO_SITE, base_url=own_pages(DEMO_SITE), index=index, only=("README.md", "docs")
        )
    except LecternError as error:
        # An image may come without them; an empty index answers that it found nothing, and the server is up.
        console.print(f"They could not be indexed: {error.message}", soft_wrap=True)
    else:
        console.print(
            f"Indexed {report.counts.documents} pages. Yours: ./entrypoint.sh ingest PATH --base-url URL",
            soft_wrap=True,
        )


def _counts(report: Report) -> dict[str, Any]:
    """What an ingest did, for programs."""
    pages = {"new": len(report.new), "changed": len(report.changed), "gone": len(report.gone), "same": report.same}
    vectors = report.embedded and {"made": report.embedded.done, "missing": report.embedded.left}
    return {"pages": pages, "vectors": vectors}


async def _content(index: Index, settings: Settings, embeddings: Embeddings | None) -> Report:
    """Bring the site of CONTENT_DIR in line with the folder, and note what it was made from.

    Raises:
        NothingToIngest: There is no page in it; nothing is changed.
        LecternError: It could not be done now; what was committed stands.
    """
    site = settings.site_name
    model = embeddings.model if embeddings else None
    fingerprint = None
    with suppress(OSError):  # the ingest tells what is wrong with the folder
        fingerprint = fingerprint_of(settings.content_dir, site=site, base_url=settings.site_base, model=model)
    report = await ingest(
        settings.content_dir,
        site=site,
        base_url=settings.site_base,
        index=index,
        embeddings=embeddings,
        requests=settings.provider_requests,
        retire=(DEMO_SITE,),
    )
    changes = f"{len(report.new)} new, {len(report.changed)} changed, {len(report.gone)} gone, {report.same} same"
    console.print(f"{settings.content_dir} is indexed as site {site!r}: pages {changes}.", soft_wrap=True, markup=False)
    if report.embedded is not None and (report.embedded.done or report.embedded.left):
        console.print(f"Vectors: {report.embedded.done} made, {report.embedded.left} missing.")
    complete = not report.kept and (report.embedded is None or not report.embedded.left)
    if fingerprint is not None and complete:
        with suppress(OSError):  # without the note the next start looks again, and finds nothing to do
            note_indexed_content(settings, fingerprint)
    return report
