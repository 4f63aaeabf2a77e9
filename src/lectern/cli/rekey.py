"""`rekey`: rewrite what is encrypted with the newest secret, after `SECRET_KEY` was changed."""

import argparse
import os
import sys

from lectern.cli.verbs import Verbs, console
from lectern.config import Settings
from lectern.wiring import rekey


def add_to(verbs: Verbs) -> None:
    """Add the verb."""
    add = verbs.add_parser("rekey", help="rewrite what is encrypted with the newest secret (SECRET_KEY)")
    add.set_defaults(command=_rekey)


async def _rekey(_: argparse.Namespace, settings: Settings) -> int:
    done = await rekey(settings)
    console.print(f"Rewritten with the newest secret: accounts {done.accounts}, profiles {done.profiles}.")
    if done.changed:
        console.print(f"{done.changed} were changed meanwhile; run it again.")
        return os.EX_TEMPFAIL
    if done.unreadable:
        told = "open with no secret, and stay as they are; add the one that closed them to SECRET_KEY_FALLBACKS"
        print(f"{done.unreadable} {told}.", file=sys.stderr)
        return os.EX_DATAERR
    return os.EX_OK
