"""What limits are counted with, by the settings; and what a report says of it."""

from contextlib import AsyncExitStack

import pytest
from pydantic import SecretStr
from tests.redis_server import running_redis

from lectern.adapters.shared_counters import SharedCounters
from lectern.app import create_app
from lectern.config import Settings
from lectern.limits.rules import Rules
from lectern.ports import Rate
from lectern.principal import Principal
from lectern.serving.numbers import SharedNumbers
from lectern.wiring import build_rules
from lectern.wiring.checks import _redis
from lectern.wiring.counters import build_counters
from lectern.wiring.doctor import _secrets
from lectern.wiring.guards import Guards


def settings(**given: object) -> Settings:
    """Settings by name, and nothing of this machine's."""
    return Settings(_env_file=None, **given)  # type: ignore[arg-type] # settings by name


async def test_without_settings_there_are_counters_and_no_limits() -> None:
    """Throttles, budgets and keys count in memory all the same; nothing is said of it, and nobody else is rated."""
    plain = settings()
    counters = build_counters(plain, Guards(plain, None), SharedNumbers(shared=True))
    assert isinstance(counters, SharedCounters)
    assert (counters.describe().kind, counters.describe().note) == ("memory of all workers", "")
    assert build_rules(plain) is None
    rates = create_app(plain).state.rates
    assert await rates.judge(Principal("visitor", "a"), "192.0.2.1", is_new=True) is None
    verdict = await rates.judge(Principal("integration", "a", rate=Rate(3, 60)), "192.0.2.1", is_new=False)
    assert verdict.standing.remaining == 2


def test_limits_become_rates() -> None:
    """As they are set, and as they are shown; a process alone counts in its own memory."""
    limited = settings(limits="visitor=5/minute, address=9/hour")
    assert build_rules(limited) == Rules(visitor=Rate(5, 60), address=Rate(9, 3600))
    part = build_counters(limited, Guards(limited, None), None).describe()
    assert (part.kind, part.note) == ("memory of this process", "visitor 5 a minute, address 9 an hour")
    assert create_app(limited).state.rates is not None


async def test_redis_has_a_circuit_among_the_others() -> None:
    """So that /health/circuits tells of it; making it connects to nothing."""
    ports = create_app(settings(redis_url=SecretStr("rediss://:p@redis.invalid:6380/2"))).state.ports
    assert [state.part for circuit in ports.circuits if (state := circuit.describe()).part == "limits"] == ["limits"]
    assert ports.counters.describe().kind == "Redis at redis.invalid:6380"
    assert "limits" in [part.name for part in ports.parts()]
    await ports.counters.close()


@pytest.mark.parametrize(("up", "state"), [(True, "ok"), (False, "fail")])
async def test_a_check_looks_at_it(up: bool, state: str) -> None:  # noqa: FBT001
    """It says whether limits are counted there, and how fast; or what is wrong, and what that costs."""
    with running_redis() as server:
        looked_at = settings(redis_url=SecretStr(server.url))
        if not up:
            server.kill()
        async with AsyncExitStack() as opened:
            [check] = _redis(looked_at, opened)
            [finding] = await check.look()
    assert (finding.name, finding.state) == ("redis", state)
    assert ("counts in" in finding.found, "as many times higher" in finding.fix) == (up, not up)


async def test_without_redis_a_check_says_what_that_means() -> None:
    """Nothing is wrong with one container."""
    async with AsyncExitStack() as opened:
        [check] = _redis(settings(), opened)
        [finding] = await check.look()
    assert finding.state == "skipped"


def test_its_password_is_kept_out_of_reports() -> None:
    """By itself, too, not only as a part of its address."""
    assert "p/w" in list(_secrets(settings(redis_url=SecretStr("redis://:p%2Fw@h"))))
