"""`GET /health`, `/health/ready`, `/health/circuits`: what is known, from memory, whatever is down. Never any I/O."""

import time
from collections.abc import Sequence
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from lectern.ports import CircuitState, Part, Ports
from lectern.resilience.door import Door
from lectern.serving import process

router = APIRouter(tags=["health"])


class Readiness:
    """Whether this worker has warmed up, and since when the service runs."""

    def __init__(self) -> None:
        self.warm = False
        self._started = time.monotonic()

    @property
    def uptime_seconds(self) -> float:
        """Seconds since the app was made, which is once, in the master."""
        return round(time.monotonic() - self._started, 1)


def overall(parts: list[Part], circuits: Sequence[CircuitState] = ()) -> Literal["healthy", "degraded"]:
    """`degraded` as soon as one part is known to be down, in whichever worker; readers still get answers.

    A stand-in is not asked while what it stands in for is well, so what was last known of it does not count.
    """
    used = (circuit for circuit in circuits if not circuit.part.startswith("fallback_"))
    down = any(part.state == "down" for part in parts) or not all(circuit.well for circuit in used)
    return "degraded" if down else "healthy"


class CircuitBody(BaseModel):
    """How a remote part goes: calls pass (`closed`), are turned away (`open`), or one of them tries (`half_open`)."""

    state: Literal["closed", "open", "half_open"]
    failure_count: int = Field(description="Failures in a row")
    retry_after_seconds: float = Field(description="When the next call may pass; 0 when one may now")
    rejected: bool = Field(False, description="The part is up but refused the last request: key, model or content")
    changed_seconds_ago: float | None = Field(None, description="When this became so; null when it has always been so")
    guarded: bool = Field(description="False for what is part of this machine, which has no circuit")
    operations: dict[str, str] = Field(default_factory=dict, description="The state of each operation")


class PartBody(BaseModel):
    """What is known of a part."""

    kind: str
    state: Literal["ok", "down", "unknown"]
    note: str


class TurnsBody(BaseModel):
    """How busy this worker is."""

    under_way: int
    limit: int | None = Field(description="Set by the worker itself while it does not keep up, else null")
    refused: int = Field(description="Since its start")


class HealthBody(BaseModel):
    """How well the service is."""

    status: Literal["healthy", "degraded"]
    version: str
    uptime_seconds: float
    startup_seconds: dict[str, float] = Field(description="From the process's beginning to each milestone")
    turns: TurnsBody
    parts: dict[str, PartBody]


class ReadinessBody(BaseModel):
    """Whether a worker takes new work."""

    status: Literal["ready", "warming", "draining"]


@router.get("/health", responses={200: {"model": HealthBody}})
@router.head("/health", include_in_schema=False)
async def health(request: Request) -> JSONResponse:
    """The service is up; `parts` says how well."""
    ports: Ports = request.app.state.ports
    parts = ports.parts()
    readiness: Readiness = request.app.state.readiness
    door: Door = request.app.state.door
    body: dict[str, Any] = {
        "status": overall(parts, [circuit.describe() for circuit in ports.circuits]),
        "version": request.app.version,
        "uptime_seconds": readiness.uptime_seconds,
        "startup_seconds": process.startup().seconds,
        "turns": {"under_way": door.turns, "limit": door.limit, "refused": door.refused},
        "parts": {part.name: {"kind": part.kind, "state": part.state, "note": part.note} for part in parts},
    }
    return JSONResponse(body)


@router.get("/health/ready", responses={200: {"model": ReadinessBody}, 503: {"model": ReadinessBody}})
@router.head("/health/ready", include_in_schema=False)
async def ready(request: Request) -> JSONResponse:
    """200 when this worker is warm and takes new work, else 503."""
    readiness: Readiness = request.app.state.readiness
    state = "draining" if process.draining() else "ready" if readiness.warm else "warming"
    return JSONResponse({"status": state}, status_code=200 if state == "ready" else 503)


@router.get("/health/circuits")
async def circuits(request: Request) -> dict[str, CircuitBody]:
    """Each part's circuit, as all workers know it together; a part with several operations shows the worst."""
    ports: Ports = request.app.state.ports
    shown = {name: _unguarded() for name in ("llm", "embeddings", "index", "database")}
    if ports.embeddings is None:
        del shown["embeddings"]
    states = sorted((circuit.describe() for circuit in ports.circuits), key=_badness)
    for state in states:  # the worst comes last and stays
        operations = shown[state.part].operations if state.part in shown else {}
        shown[state.part] = CircuitBody(
            state=state.state,
            failure_count=state.failure_count,
            retry_after_seconds=state.retry_after_seconds,
            rejected=state.rejected,
            changed_seconds_ago=state.changed_seconds_ago,
            guarded=True,
            operations=operations | {state.operation: state.state},
        )
    if shown["database"].guarded and ports.store.describe().state == "down":
        # Its outbox leaves a database alone from the first failure on; to whoever asks, that is an open circuit.
        shown["database"].state = "open"
    return shown


def _unguarded() -> CircuitBody:
    return CircuitBody(state="closed", failure_count=0, retry_after_seconds=0, guarded=False)


def _badness(state: CircuitState) -> tuple[int, int, float]:
    return (("closed", "half_open", "open").index(state.state), state.failure_count, state.retry_after_seconds)
