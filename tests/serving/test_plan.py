"""From limits to numbers."""

import pytest

from lectern.serving.limits import Limits, Source, read_limits
from lectern.serving.plan import MOST_CONNECTIONS, MOST_WORKERS, Plan, plan

MB = 2**20


def of(cpus: float, memory: float | None = None, fixed: int | None = None) -> Plan:
    """The plan for this many CPUs and bytes."""
    found = () if memory is None else (Source("cgroup v2", memory),)
    return plan(Limits((Source("cgroup v2", cpus),), found), fixed)


@pytest.mark.parametrize(
    ("cpus", "memory", "workers"),
    [
        (0.5, None, 2),
        (1, None, 2),
        (1.5, None, 2),
        (2, None, 2),
        (2.1, None, 3),
        (4, None, 4),
        (64, None, MOST_WORKERS),
        (2, 256 * MB, 1),
        (2, 64 * MB, 1),
        (2, 512 * MB, 2),
        (64, 512 * MB, 4),
        (2, 16 * 1024 * MB, 2),
    ],
)
def test_workers_follow_the_cpus_and_fit_into_memory(cpus: float, memory: float | None, workers: int) -> None:
    """CPUs are rounded up to at least two workers; memory caps them, but never below one."""
    assert of(cpus, memory).workers == workers


def test_the_operator_has_the_last_word() -> None:
    """WEB_CONCURRENCY is taken as it is, and a warning says when memory has no room for it."""
    fixed = of(2, 512 * MB, fixed=9)
    assert fixed.workers == 9
    assert "WEB_CONCURRENCY" in fixed.sentences[0]
    assert "room for 4" in fixed.sentences[0]
    assert "room" not in of(2, None, fixed=9).sentences[0]


@pytest.mark.parametrize(
    ("planned", "because"),
    [
        (of(4), "4 workers: 4 CPUs (cgroup v2)."),
        (of(0.5), "2 workers: 0.5 CPUs (cgroup v2), but one must serve while the other is replaced."),
        (of(64), "16 workers: 64 CPUs (cgroup v2), and no more than 16 are of use."),
        (of(2, 256 * MB), "1 worker: 256 MiB of memory (cgroup v2) has no room for the 2 that 2 CPUs"),
    ],
)
def test_the_number_of_workers_is_explained(planned: Plan, because: str) -> None:
    """The first sentence says how many workers and which limit decided it."""
    assert planned.sentences[0].startswith(because)


@pytest.mark.parametrize("workers", [1, 2, 4, 16, 40])
def test_all_workers_together_stay_below_the_databases_limit(workers: int) -> None:
    """Database connections are sized for a whole load on one worker, unless the sum would be refused."""
    planned = of(2, fixed=workers)
    assert planned.database_connections * workers <= MOST_CONNECTIONS
    assert planned.database_connections == 20 or planned.database_connections == MOST_CONNECTIONS // workers


def test_the_operator_may_fix_the_connections() -> None:
    """What is fixed is what is told, and that it was fixed."""
    planned = plan(Limits((Source("cgroup v2", 2),), ()), 3, 2)
    assert planned.database_connections == 2
    assert planned.sentences[1] == "2 database connections a worker, 6 in all: DATABASE_CONNECTIONS says so."


@pytest.mark.parametrize(("cpus", "threads"), [(0.5, 2), (2, 2), (3.5, 4), (64, 8)])
def test_search_threads_follow_the_cpus_of_the_whole_container(cpus: float, threads: int) -> None:
    """Each worker can use every CPU for searching, and two searches never wait for each other."""
    assert of(cpus).search_threads == threads


def test_each_number_has_its_sentence_and_what_was_ignored_is_said() -> None:
    """The plan explains all its numbers and names variables that made no sense."""
    planned = plan(read_limits(environ={"MEMORY": "lots"}, visible=Source("CPU affinity", 2)))
    assert [sentence.split(" ", 2)[1] for sentence in planned.sentences[:3]] == ["workers:", "database", "search"]
    assert "lots" in planned.sentences[3]
