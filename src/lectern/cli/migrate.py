"""`migrate`: bring the database's schema up to date."""

import argparse
import os

from lectern.cli.verbs import Verbs, console
from lectern.config import Settings
from lectern.wiring import migrate


def add_to(verbs: Verbs) -> None:
    """Add the verb and its arguments."""
    add = verbs.add_parser("migrate", help="bring the database's schema up to date")
    add.set_defaults(command=_migrate)


async def _migrate(_: argparse.Namespace, settings: Settings) -> int:
    console.print(migrate(settings))
    return os.EX_OK
