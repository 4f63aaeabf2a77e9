"""A report is always whole: every check comes to a finding, in time, without a secret."""

import asyncio
import json
import logging
from collections.abc import Sequence

import pytest

from lectern.ops.findings import Check, Finding, Look, Report, State, run_all


def found(*findings: Finding) -> Look:
    """A look that finds this."""

    async def look() -> Sequence[Finding]:
        return findings

    return look


async def test_a_check_that_raises_is_a_finding_and_the_others_are_told(caplog: pytest.LogCaptureFixture) -> None:
    """The finding and the log name the kind of the error, and never its text."""

    async def broken() -> Sequence[Finding]:
        raise RuntimeError("the password is sesame")

    with caplog.at_level(logging.WARNING):
        report = await run_all([Check("first", broken, fix="Do this."), Check("second", found(Finding("b", "ok", "")))])
    assert [(f.name, f.state) for f in report.findings] == [("first", "fail"), ("b", "ok")]
    assert report.findings[0].found == "could not be looked at (RuntimeError)"
    assert report.findings[0].fix == "Do this."
    assert "sesame" not in caplog.text


async def test_a_check_that_hangs_is_left_and_the_others_do_not_wait() -> None:
    """Its finding says how long it had; all run at the same time."""
    checks = [Check(f"slow {n}", lambda: asyncio.sleep(60, []), 0.2, "Look there.") for n in range(20)]
    async with asyncio.timeout(2):  # one after the other would take 4 s
        report = await run_all(checks)
    assert {(f.state, f.found, f.fix) for f in report.findings} == {("fail", "no answer within 0.2 s", "Look there.")}


@pytest.mark.parametrize("secret", ["pa/ss w@rd", "sk-0123456789", "sesame-and-more"])
async def test_no_secret_is_in_a_report(secret: str) -> None:
    """A text that carries one, as it is or as in an address, is told without it, also where one holds another."""
    texts = ("it said pa/ss w@rd", "//u:pa%2Fss%20w%40rd@h", "key sk-0123456789!", "sesame-and-more")
    findings = [Finding("x", "fail", text, fix=text) for text in texts]
    report = await run_all([Check("x", found(*findings))], secrets=["sesame", secret, ""])
    assert secret not in json.dumps(report.fields())
    assert "pa%2Fss" not in json.dumps(report.fields()) or secret != "pa/ss w@rd"
    assert "***" in json.dumps(report.fields())


@pytest.mark.parametrize(
    ("states", "worst", "failed"),
    [
        ([], "ok", False),
        (["skipped"], "skipped", False),
        (["skipped", "ok"], "ok", False),
        (["ok", "warn", "skipped"], "warn", False),
        (["warn", "fail", "ok"], "fail", True),
    ],
)
def test_a_report_is_as_good_as_its_worst_finding(states: list[State], worst: State, *, failed: bool) -> None:
    """Warnings do not fail it."""
    report = Report(tuple(Finding("x", state, "") for state in states), 1)
    assert (report.state, report.failed, report.fields()["status"]) == (worst, failed, worst)


async def test_each_finding_has_its_time() -> None:
    """A check's own measurement stays; otherwise it is what the check took."""
    report = await run_all([Check("a", found(Finding("a", "ok", "", milliseconds=7), Finding("b", "ok", "")))])
    assert report.findings[0].milliseconds == 7
    assert report.findings[1].milliseconds is not None
