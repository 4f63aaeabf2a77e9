"""What endpoints are handed, as `Annotated` aliases."""

from typing import Annotated

from fastapi import Depends, Request

from lectern.ports import Ports


async def _ports(request: Request) -> Ports:  # a plain function would be run in a thread
    ports: Ports = request.app.state.ports
    return ports


PortsDep = Annotated[Ports, Depends(_ports)]
