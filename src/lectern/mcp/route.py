"""Refusals as agents' clients read them: a JSON-RPC error, with the status and headers that any other route answers.

A client shows the message of such an error, and of any other body only that there was one.
"""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute

from lectern.errors import InvalidRequest, LecternError
from lectern.web.problems import problem_body, problem_response

_INVALID: Final = -32600
"""JSON-RPC's own code for what is no request."""

_REFUSED: Final = -32090
"""Any other refusal: of the codes that JSON-RPC leaves to servers, one that MCP uses for nothing; `data` says more."""


class McpRoute(APIRoute):
    """A route whose refusals are JSON-RPC errors."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's own handler, and what it raises as an answer."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except LecternError as error:
                return _refusal(error)

        return answer


def _refusal(error: LecternError) -> Response:
    problem = problem_response(error)
    kind = _INVALID if isinstance(error, InvalidRequest) else _REFUSED
    # Without the request's id: a caller may be refused before a byte of its message is read.
    told = {"code": kind, "message": f"{error.message} ({error.code})", "data": problem_body(error)}
    response = JSONResponse({"jsonrpc": "2.0", "id": None, "error": told}, problem.status_code)
    kept = {name: value for name, value in problem.headers.items() if name not in {"content-length", "content-type"}}
    response.headers.update(kept)
    return response
