"""`keys`: make a key for an integration, list the keys, revoke one."""

import argparse
import os
import re
import sys

from lectern import rate
from lectern.cli.verbs import Verbs, console
from lectern.config import Settings
from lectern.integrations.desk import MOST_DAYS, MOST_NAME_CHARACTERS
from lectern.ports import ApiKey
from lectern.web.texts import not_blank, readable
from lectern.wiring import has_schema, migrate, open_key_desk


def add_to(verbs: Verbs) -> None:
    """Add the verb and its arguments."""
    keys = verbs.add_parser("keys", help="keys with which programs ask: add, list, revoke")
    actions = keys.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="make a key; it is printed once, and kept nowhere")
    add.add_argument("name", metavar="NAME", type=_name, help="what to call the integration")
    add.add_argument("--limits", metavar="RATE", type=_rate, help="like 60/minute; left out, what accounts may")
    add.add_argument("--days", metavar="N", type=_days, help="how long it holds; left out, until it is revoked")
    add.set_defaults(command=_add)
    actions.add_parser("list", help="the keys, newest first").set_defaults(command=_list)
    revoke = actions.add_parser("revoke", help="make a key worth nothing")
    revoke.add_argument("id", metavar="ID", help="as `keys list` shows it")
    revoke.set_defaults(command=_revoke)


async def _add(arguments: argparse.Namespace, settings: Settings) -> int:
    if not has_schema(settings):  # the first thing that is done with a file that serving would make
        migrate(settings)
    async with open_key_desk(settings) as desk:
        key, token = await desk.add(arguments.name, rate=arguments.limits, days=arguments.days)
    print(f"A key for {key.name}, {_limits(key)}, {_state(key)}; its id is {key.id}.", file=sys.stderr)
    print("It is shown this once. Whoever has it asks as this integration.", file=sys.stderr)
    print(token)  # alone on the standard output, so that a script can take it
    return os.EX_OK


async def _list(_: argparse.Namespace, settings: Settings) -> int:
    async with open_key_desk(settings) as desk:
        keys = await desk.all()
    for key in keys:
        line = f"{key.id}  …{key.hint}  {key.created_at:%Y-%m-%d}  {_state(key)}, {_limits(key)}  {key.name}"
        console.print(line, markup=False, soft_wrap=True)
    if not keys:
        console.print("There is no key.")
    return os.EX_OK


async def _revoke(arguments: argparse.Namespace, settings: Settings) -> int:
    async with open_key_desk(settings) as desk:
        await desk.revoke(arguments.id)
    console.print("Revoked. Every worker refuses it within a few seconds.")
    return os.EX_OK


def _limits(key: ApiKey) -> str:
    return rate.written(key.rate) if key.rate is not None else "limits of accounts"


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return f"revoked {key.revoked_at:%Y-%m-%d}"
    return f"until {key.expires_at:%Y-%m-%d}" if key.expires_at is not None else "until it is revoked"


def _name(text: str) -> str:
    try:
        name = not_blank(readable(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if len(name) > MOST_NAME_CHARACTERS:
        raise argparse.ArgumentTypeError(f"must have at most {MOST_NAME_CHARACTERS} characters")
    return name


def _rate(text: str) -> rate.Rate:
    found = rate.parsed(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"must be {rate.WANTED}")
    return found


def _days(text: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text) or not 1 <= int(text) <= MOST_DAYS:
        raise argparse.ArgumentTypeError(f"must be a number from 1 to {MOST_DAYS}")
    return int(text)
