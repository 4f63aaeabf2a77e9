"""Who may use the operator's routes: whoever has `ADMIN_TOKEN`. Their answers are kept by nobody on the way."""

from typing import Annotated

from fastapi import Depends, Request

from lectern.ops.endpoints import ReportDesk
from lectern.web import answer_headers

_HEADERS = ("authorization", "x-lectern-authorization")


async def _operator(request: Request) -> None:
    desk: ReportDesk = request.app.state.report_desk
    desk.admit([value for name in _HEADERS for value in request.headers.getlist(name)])


async def unstored(request: Request) -> None:
    """Let nobody store the answer, a refusal included."""
    answer_headers.add(request.scope, "Cache-Control", "no-store")


OperatorDep = Annotated[None, Depends(_operator)]
"""The operator; 401 for anybody else, 404 when there is no `ADMIN_TOKEN`."""
