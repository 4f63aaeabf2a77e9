"""What endpoints are handed, as `Annotated` aliases."""

from typing import Annotated

from fastapi import Depends, Request

from lectern.ports import Ports


def _ports(request: Request) -> Ports:
    ports: Ports = request.app.state.ports
    return ports


PortsDep = Annotated[Ports, Depends(_ports)]
