"""Settings → a report on everything that Lectern leans on from here. Loads what it needs when it is asked."""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from lectern.config import Settings
from lectern.ops.aside import run_aside
from lectern.ops.findings import Report, run_all


async def examine(settings: Settings, *, origin: str | None = None) -> Report:
    """Look at all that is configured, or at one origin, with connections of its own, and give them back.

    Args:
        settings: Read from the environment.
        origin: A site whose right to call is all that is asked.
    """
    from lectern.wiring.checks import build_checks  # noqa: PLC0415 - a server that nobody asks loads none of it

    async with AsyncExitStack() as opened:
        # It loads modules and looks for files.
        checks = await run_aside(build_checks, settings, origin, opened)
        return await run_all(checks, secrets=_secrets(settings))


def _secrets(settings: Settings) -> Iterator[str]:
    """Every secret value, and the password inside an address."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
    yield from settings.earlier_secrets
    if (password := urlsplit(settings.sqlalchemy_url).password) is not None:
        yield unquote(password)
