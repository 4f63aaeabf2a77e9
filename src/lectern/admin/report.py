"""`GET /health/report`: the report of `./entrypoint.sh check`, for the operator."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from lectern.ops.report_desk import ReportDesk
from lectern.web.access import OperatorDep

router = APIRouter(tags=["health"])


@router.get("/health/report")
async def report(request: Request, _operator: OperatorDep) -> JSONResponse:
    """What `./entrypoint.sh check` finds in this worker, at most 15 s old. For the operator only (`ADMIN_TOKEN`)."""
    desk: ReportDesk = request.app.state.report_desk
    made, age = await desk.report()
    body: dict[str, Any] = made.fields() | {"version": request.app.version, "age_seconds": round(age, 1)}
    return JSONResponse(body)
