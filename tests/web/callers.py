"""Lectern's app with routes that say who asks, as each kind of endpoint hears it."""

import os
from collections.abc import AsyncGenerator

from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from lectern.app import create_app
from lectern.errors import NotFound
from lectern.web.access import CallerDep, OperatorDep, SignedInDep
from lectern.web.streaming import Heartbeat, StreamingFrames

router = APIRouter()


class Body(BaseModel):
    """A body that can be wrong."""

    number: int


@router.get("/whoami")
async def whoami(caller: CallerDep, again: CallerDep) -> dict[str, object]:
    """Anybody."""
    return {
        "id": caller.principal.id,
        "address": caller.address,
        "is_new": caller.is_new,
        "trouble": caller.trouble.code if caller.trouble else None,
        "once": caller is again,
        "process": os.getpid(),
    }


@router.get("/signed-in")
async def signed_in(caller: SignedInDep, again: CallerDep) -> dict[str, object]:
    """Readers who are signed in."""
    return {"id": caller.principal.id, "once": caller is again}


@router.get("/operator")
async def operator(caller: OperatorDep) -> str:
    """The operator."""
    return caller.principal.id


@router.get("/missing")
async def missing(_caller: CallerDep) -> None:
    """An error after the caller is settled."""
    raise NotFound


@router.get("/defect")
async def defect(_caller: CallerDep) -> None:
    """A defect after the caller is settled."""
    raise RuntimeError


@router.post("/body")
async def body(_caller: CallerDep, _body: Body) -> None:
    """A body that is looked at after the caller."""


@router.get("/stream")
async def stream(_caller: CallerDep) -> StreamingFrames:
    """Frames."""

    async def frames() -> AsyncGenerator[bytes, None]:
        yield b"data: 1\n\n"

    heartbeat = Heartbeat(b": ping\n\n", 10)
    return StreamingFrames(frames(), media_type="text/event-stream", cut=None, heartbeat=heartbeat)


def with_callers(app: FastAPI) -> FastAPI:
    """The app with these routes."""
    app.include_router(router)
    return app


def create() -> FastAPI:
    """The app of the environment with these routes, for a server."""
    return with_callers(create_app())
