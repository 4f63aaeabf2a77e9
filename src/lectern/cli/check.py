"""`check`: whether pages of a site may call."""

import argparse
import os

from lectern.cli.verbs import Verbs, console
from lectern.config import Settings
from lectern.wiring import explain_origin


def add_to(verbs: Verbs) -> None:
    """Add the verb and its arguments."""
    add = verbs.add_parser("check", help="say whether pages of a site may call, and by which rule")
    add.add_argument("--origin", required=True, metavar="URL", help="the site, or one of its pages")
    add.set_defaults(command=_check)


async def _check(arguments: argparse.Namespace, settings: Settings) -> int:
    text, allowed = explain_origin(settings, arguments.origin)
    console.print(text, soft_wrap=True, markup=False)
    return os.EX_OK if allowed else 1
