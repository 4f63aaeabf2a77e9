"""What the verbs share: the type of their parser, the console, and the name of the built-in site."""

import argparse
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    Verbs = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - argparse names it no other way
else:
    Verbs = object

DEMO_SITE = "lectern"
"""The site made of Lectern's own README and docs; it gives way to the first real one."""

console = Console(highlight=False)
