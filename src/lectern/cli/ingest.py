"""`ingest`: index a folder of Markdown."""

import argparse
import math
import os
from dataclasses import replace
from pathlib import Path

import anyio.to_thread

from lectern.cli.verbs import DEMO_SITE, Verbs, console
from lectern.config import Settings
from lectern.config.index import own_pages
from lectern.errors import LecternError
from lectern.ingest.embedding import embed_missing
from lectern.ingest.pipeline import ingest
from lectern.ingest.report import ProgressBar, summary_table
from lectern.serving.limits import read_limits
from lectern.wiring import build_embeddings, build_index, fetch_embedding_model


def add_to(verbs: Verbs) -> None:
    """Add the verb and its arguments."""
    add = verbs.add_parser("ingest", help="index a folder of Markdown")
    add.add_argument("path", type=Path, help="a folder of .md and .mdx files, or one file")
    add.add_argument("--site", default="docs", help="the site's name (default: %(default)s)")
    add.add_argument("--base-url", help="where the site is read, as https://example.org/docs; without it Lectern shows")
    add.add_argument("--dry-run", action="store_true", help="say what would change, write nothing")
    add.set_defaults(command=_ingest)


async def _ingest(arguments: argparse.Namespace, settings: Settings) -> int:
    index = build_index(settings)
    embeddings = build_embeddings(settings, threads=_cores())
    with ProgressBar(console) as progress:
        report = await ingest(
            arguments.path,
            site=arguments.site,
            base_url=arguments.base_url or own_pages(arguments.site),
            index=index,
            embeddings=embeddings,
            requests=settings.provider_requests,
            retire=(DEMO_SITE,),
            dry_run=arguments.dry_run,
            progress=progress,
        )
    # The pages answer by words by now; the weights are fetched, once, after that.
    if embeddings is None and not arguments.dry_run and await _fetched_embedding_model(settings):
        embeddings = build_embeddings(settings, threads=_cores())
        assert embeddings is not None
        with ProgressBar(console) as progress:
            report = replace(report, embedded=await embed_missing(index, arguments.site, embeddings, progress))
        console.print("A server that runs already searches by meaning once it is restarted.")
    console.print(summary_table(report))
    part = index.describe()
    console.print(f"{part.kind}: {part.note or part.state}")
    await index.close()
    return os.EX_OK


async def _fetched_embedding_model(settings: Settings) -> bool:
    """Whether the local model has just come to this machine."""
    if settings.embedder != "local":
        return False
    console.print("Fetching the local embedding model, 91 MB, once ...")
    try:
        return await anyio.to_thread.run_sync(fetch_embedding_model, settings)
    except LecternError as error:
        console.print(f"{error.message} Retrieval is by words until an ingest can fetch it.")
        return False


def _cores() -> int:
    """Threads that encode at once: as many as the container's limits carry."""
    return max(1, math.ceil(read_limits().cpu.value))
