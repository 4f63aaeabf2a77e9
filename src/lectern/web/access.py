"""Who is it? What a request carries, made into a `Caller`, before any work and with no connection held."""

from dataclasses import dataclass
from typing import Annotated
from uuid import uuid4

from fastapi import Depends, Request

from lectern.errors import LecternError, Unauthorized
from lectern.ports import Ports
from lectern.principal import Principal


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and from where.

    Attributes:
        principal: Who it is; a visitor when nobody can or need tell.
        address: The reader's address, for limits: IPv4, or the /64 network of an IPv6 one.
        is_new: Whether this visitor showed no id of an earlier request, so that only the address tells it apart.
        trouble: Why it could not be told who it is although it carries something that says so.
    """

    principal: Principal
    address: str
    is_new: bool = False
    trouble: LecternError | None = None


async def _caller(request: Request) -> Caller:
    ports: Ports = request.app.state.ports
    value = request.headers.get("x-lectern-authorization") or request.headers.get("authorization", "")
    if value[:7].lower() == "bearer ":
        for source in ports.identities:
            if principal := await source.by_token(value[7:].strip()):
                return Caller(principal, _address(request))
        raise Unauthorized
    return Caller(Principal("visitor", uuid4().hex), _address(request), is_new=True)


async def _signed_in(caller: "CallerDep") -> Caller:
    if caller.trouble is not None:
        raise caller.trouble
    if caller.principal.is_anonymous:
        raise Unauthorized
    return caller


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


CallerDep = Annotated[Caller, Depends(_caller)]
"""Whoever asks; 401 only for a bearer token that is not valid."""

SignedInDep = Annotated[Caller, Depends(_signed_in)]
"""An account or user; 401 for anybody else."""


async def _certain(caller: CallerDep) -> Caller:
    if caller.trouble is not None:
        raise caller.trouble
    return caller


CertainCallerDep = Annotated[Caller, Depends(_certain)]
"""Whoever asks, a visitor too; 503 while it cannot be told who it is."""
