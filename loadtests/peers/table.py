"""A run as the tables of docs/performance.md."""

import statistics
from collections.abc import Callable, Sequence
from typing import Any

from loadtests.peers.faults import FAULTS, PATIENCE_SECONDS, Outcome
from loadtests.peers.record import PeerRecord, Record

_ABSENT = "–"


def section(record: Record) -> str:
    """When and on what it was measured, and the tables."""
    machine = record.machine
    said = (
        f"Measured on {record.at:%Y-%m-%d} at commit `{record.commit}`, in one run of {record.seconds / 60:.0f} min:"
        f" {machine.cpu}, {machine.cores} cores, {machine.memory_gib:g} GiB, {machine.kernel},"
        f" Python {record.versions['python']}; load before it began: {machine.load:g}. The provider is"
        f" `{record.model}`. Medians of {record.repeat} repetitions, the range in parentheses."
    )
    parts = [said, weights(record.peers)]
    sizes = sorted({readers for peer in record.peers for readers in peer.waves})
    parts += [f"{readers} readers who ask in the same moment:\n\n{waves(record.peers, readers)}" for readers in sizes]
    if any(peer.faults for peer in record.peers):
        parts.append(f"What a reader gets when something fails:\n\n{faults(record.peers)}")
    return "\n\n".join(parts)


def weights(peers: Sequence[PeerRecord]) -> str:
    """What each does and weighs; why one is absent."""
    lines = ["| | does | packages | size, MiB | ready, s | PSS idle → after, MiB |", "|---|---|--:|--:|--:|--:|"]
    for peer in peers:
        title = f"{peer.title} {peer.version}".strip()
        if not peer.waves:
            lines.append(f"| {title} | {_cell(peer.absent)} | | | | |")
            continue
        does = _cell(f"{peer.does}; {peer.absent}".removesuffix("; "))
        environment = peer.environment
        weight = (
            f"{len(environment.packages)} | {_mebibytes(environment.size_bytes)}"
            if environment
            else f"{_ABSENT} | {_ABSENT}"
        )
        ready = _spread(peer.ready_seconds, "{:.1f}") if peer.ready_seconds else _ABSENT
        memory = (
            f"{_mebibytes(peer.pss_idle_bytes)} → {_mebibytes(peer.pss_after_bytes)}"
            if peer.pss_after_bytes
            else _ABSENT
        )
        lines.append(f"| {title} | {does} | {weight} | {ready} | {memory} |")
    return "\n".join(lines)


def waves(peers: Sequence[PeerRecord], readers: int) -> str:
    """The figures of the waves of one size."""
    lines = [
        "| | first token p50, s | first token p95, s | total p95, s | errors | CPU a token, µs | health p99, ms |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for peer in peers:
        if not (runs := peer.waves.get(readers)):
            lines.append(f"| {peer.title} |" + f" {_ABSENT} |" * 6)
            continue
        cells = [
            _over(runs, lambda run: _at(run["first_token_ms"], "p50") / 1000, "{:.2f}"),
            _over(runs, lambda run: _at(run["first_token_ms"], "p95") / 1000, "{:.2f}"),
            _over(runs, lambda run: _at(run["total_ms"], "p95") / 1000, "{:.2f}"),
            f"{sum(run['asked'] - run['answered'] for run in runs)} of {sum(run['asked'] for run in runs)}",
            _over(runs, lambda run: run["cpu_us_a_token"], "{:.0f}"),
            _over(runs, lambda run: _at(run["health"]["ms"], "p99"), "{:.0f}"),
        ]
        lines.append(f"| {peer.title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def faults(peers: Sequence[PeerRecord]) -> str:
    """What a reader gets, a line a service."""
    told = [peer for peer in peers if peer.faults or peer.stopped]
    titles = [fault.title for fault in FAULTS]
    lines = [
        f"| | {' | '.join(titles)} | readers leave | SIGTERM while answers stream |",
        "|---" * (len(titles) + 3) + "|",
    ]
    for peer in told:
        cells = [in_words(peer.faults[fault.name]) if fault.name in peer.faults else _ABSENT for fault in FAULTS]
        left, stopped = peer.left, peer.stopped
        cells.append(f"{left['closed']} of {left['readers']} calls of the provider closed" if left else _ABSENT)
        cells.append(f"{stopped['whole']} of {stopped['readers']} whole" if stopped else _ABSENT)
        lines.append(f"| {peer.title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def in_words(outcome: Outcome) -> str:
    """What a reader got, in half a sentence."""
    if outcome.stand_in and outcome.whole:
        said = f"an answer without the model, marked so, in {outcome.seconds:.1f} s"
    elif not outcome.ended:
        said = f"{outcome.tokens} tokens, then nothing for {PATIENCE_SECONDS:.0f} s: still waiting"
    elif outcome.status >= 400:  # noqa: PLR2004 - HTTP
        said = f"status {outcome.status}{' with `Retry-After`' * outcome.retry_after} after {outcome.seconds:.1f} s"
    elif outcome.told:
        said = f"status {outcome.status}, {outcome.tokens} tokens, then an error event, after {outcome.seconds:.1f} s"
    elif outcome.whole:
        said = f"an answer of {outcome.tokens} tokens that looks whole, after {outcome.seconds:.1f} s"
    else:
        said = f"status {outcome.status}, {outcome.tokens} tokens, then a cut stream after {outcome.seconds:.1f} s"
    said += f"; {outcome.calls} call{'s' * (outcome.calls != 1)}"
    if outcome.leaked:
        said += "; the provider's own words reach the reader"
    if outcome.health_failures:
        said += f"; {outcome.health_failures} health checks failed"
    return f"{said}; health within {outcome.health_ms:.0f} ms"


def _over(runs: Sequence[dict[str, Any]], figure: Callable[[dict[str, Any]], float], form: str) -> str:
    return _spread([value for run in runs if (value := figure(run)) == value], form)


def _at(spread: dict[str, float] | None, percentile: str) -> float:
    """A percentile; NaN where nobody was answered."""
    return spread[percentile] if spread else float("nan")


def _spread(values: Sequence[float], form: str) -> str:
    """`1.20 (1.18–1.31)`; one value where all look the same."""
    if not values:
        return _ABSENT
    middle, low, high = (form.format(value) for value in (statistics.median(values), min(values), max(values)))
    return middle if low == high else f"{middle} ({low}–{high})"


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:.0f}"


def _cell(text: str) -> str:
    """A text that ends no cell and no line."""
    return " ".join(text.replace("|", "\\|").split())
