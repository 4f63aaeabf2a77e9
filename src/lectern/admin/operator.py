"""Who may use the operator's routes: whoever has `ADMIN_TOKEN`."""

from typing import Annotated

from fastapi import Depends, Request

from lectern.ops.endpoints import ReportDesk

_HEADERS = ("authorization", "x-lectern-authorization")


async def _operator(request: Request) -> None:
    desk: ReportDesk = request.app.state.report_desk
    desk.admit([value for name in _HEADERS for value in request.headers.getlist(name)])


OperatorDep = Annotated[None, Depends(_operator)]
"""The operator; 401 for anybody else, 404 when there is no `ADMIN_TOKEN`."""
