"""`GET /health` and `GET /health/ready`: what is known, from memory, whatever is down. Never any I/O."""

import time
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from lectern.ports import Part
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


def overall(parts: list[Part]) -> Literal["healthy", "degraded"]:
    """`degraded` as soon as one part is known to be down; readers still get answers."""
    return "degraded" if any(part.state == "down" for part in parts) else "healthy"


@router.get("/health")
@router.head("/health", include_in_schema=False)
async def health(request: Request) -> dict[str, Any]:
    """The service is up; `parts` says how well."""
    parts: list[Part] = request.app.state.ports.parts()
    readiness: Readiness = request.app.state.readiness
    return {
        "status": overall(parts),
        "version": request.app.version,
        "uptime_seconds": readiness.uptime_seconds,
        "parts": {part.name: {"kind": part.kind, "state": part.state, "note": part.note} for part in parts},
    }


@router.get("/health/ready")
@router.head("/health/ready", include_in_schema=False)
async def ready(request: Request) -> JSONResponse:
    """200 when this worker is warm and takes new work, else 503."""
    readiness: Readiness = request.app.state.readiness
    state = "draining" if process.draining() else "ready" if readiness.warm else "warming"
    return JSONResponse({"status": state}, status_code=200 if state == "ready" else 503)
