"""What an examination looks at, and what it finds: the report of `./entrypoint.sh check` and `GET /health/report`.

A check never raises and never outlasts its time, so that a report is always whole. Nothing here does I/O.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal
from urllib.parse import quote

logger = logging.getLogger(__name__)

State = Literal["ok", "warn", "fail", "skipped"]

SHORTEST_SECRET: Final = 4
"""Characters; anything shorter is no secret, and taking it out would spoil every word that holds it."""

_BADNESS: Final[tuple[State, ...]] = ("skipped", "ok", "warn", "fail")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a report.

    Attributes:
        name: What was looked at.
        state: `fail` is configured and does not work, `warn` works and will hurt, `skipped` is not configured.
        found: What was seen, in a few words. Never a secret.
        fix: What to do, when there is something.
        milliseconds: How long the looking took; None until it is known.
    """

    name: str
    state: State
    found: str
    fix: str = ""
    milliseconds: int | None = None


Look = Callable[[], Awaitable[Sequence[Finding]]]


def skipped(name: str, why: str) -> "Check":
    """A check that has nothing to look at, and says why."""

    async def look() -> Sequence[Finding]:
        return [Finding(name, "skipped", why)]

    return Check(name, look)


@dataclass(frozen=True, slots=True)
class Check:
    """Something to look at.

    Attributes:
        name: What its finding is called when it does not come to one.
        look: Looks, and tells what it found.
        seconds: How long it may take.
        fix: What to do when it takes longer.
    """

    name: str
    look: Look
    seconds: float = 5
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, in the order of the checks, and the milliseconds that all took together."""

    findings: tuple[Finding, ...]
    milliseconds: int

    @property
    def state(self) -> State:
        """The worst that was found; `ok` when nothing was looked at."""
        return max((finding.state for finding in self.findings), key=_BADNESS.index, default="ok")

    @property
    def failed(self) -> bool:
        """Whether something that is configured does not work."""
        return self.state == "fail"

    def fields(self) -> dict[str, Any]:
        """The report for programs."""
        return {
            "status": self.state,
            "milliseconds": self.milliseconds,
            "findings": [
                {
                    "name": finding.name,
                    "state": finding.state,
                    "found": finding.found,
                    "fix": finding.fix,
                    "milliseconds": finding.milliseconds,
                }
                for finding in self.findings
            ],
        }


async def run_all(checks: Iterable[Check], *, secrets: Iterable[str] = ()) -> Report:
    """Run all checks at once.

    Args:
        checks: What to look at.
        secrets: Values that no finding may hold, whoever brought them in: a server's error text, an address.
    """
    began = time.monotonic()
    found = await asyncio.gather(*(_run(check) for check in checks))
    hide = _hiding(secrets)
    findings = (finding for of_check in found for finding in of_check)
    hidden = tuple(replace(finding, found=hide(finding.found), fix=hide(finding.fix)) for finding in findings)
    return Report(hidden, milliseconds_since(began))


async def _run(check: Check) -> list[Finding]:
    """The check's findings, each with its time; one that says so when it came to none."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(check.seconds):
            findings = list(await check.look())
    except TimeoutError:
        findings = [Finding(check.name, "fail", f"no answer within {check.seconds:g} s", check.fix)]
    except Exception as error:  # noqa: BLE001 - whatever a check meets, the others are told
        logger.warning("The check of %s ended in %s", check.name, type(error).__name__)
        findings = [Finding(check.name, "fail", f"could not be looked at ({type(error).__name__})", check.fix)]
    took = milliseconds_since(began)
    return [
        finding if finding.milliseconds is not None else replace(finding, milliseconds=took) for finding in findings
    ]


def milliseconds_since(began: float) -> int:
    """Milliseconds from a moment of `time.monotonic` to now."""
    return round((time.monotonic() - began) * 1000)


def _hiding(secrets: Iterable[str]) -> Callable[[str], str]:
    """What takes secrets out of a text, also as an address has them; the longest first, as one may hold another."""
    known = {form for secret in secrets for form in (secret, quote(secret, safe="")) if len(secret) >= SHORTEST_SECRET}
    ordered = sorted(known, key=len, reverse=True)

    def hide(text: str) -> str:
        for secret in ordered:
            text = text.replace(secret, "***")
        return text

    return hide
