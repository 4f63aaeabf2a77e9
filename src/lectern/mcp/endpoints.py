"""`POST /mcp`: the Model Context Protocol over streamable HTTP, for whoever may ask the API."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from lectern.chat.deps import ConfigDep
from lectern.errors import InvalidRequest
from lectern.mcp.asker import Asker
from lectern.mcp.route import McpRoute
from lectern.mcp.service import McpService
from lectern.web.access import CallerDep
from lectern.web.deps import PortsDep
from lectern.web.rates import RATED
from lectern.web.reading import while_reading

router = APIRouter(tags=["mcp"], route_class=McpRoute)


# Its bodies are JSON-RPC, described by `tools/list`; a schema of them here would say nothing. A server without sessions
# has no GET and no DELETE: the protocol wants 405 then, which the router answers.
@router.post("/mcp", dependencies=[RATED], include_in_schema=False)
async def mcp(request: Request, caller: CallerDep, ports: PortsDep, config: ConfigDep) -> Response:
    """Answer one message of the protocol."""
    service: McpService = request.app.state.mcp
    body = await request.body()
    if not body.lstrip().startswith(b"{"):
        raise InvalidRequest("Send one JSON-RPC message, as a JSON object; batches are not taken.")
    request.state.asker = Asker(caller, ports, config, service.toolboxes, str(request.base_url))
    return await while_reading(request, service.answer(request.scope, body))
