"""`/admin/keys`: the keys of integrations, for the operator."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from lectern.errors import KeyNotFound, NotFound, StoreUnavailable, TooManyKeys
from lectern.integrations.desk import KeyDesk
from lectern.integrations.schemas import KeyBody, KeyRequest, KeysBody, NewKeyBody, RevokedBody
from lectern.web.access import OperatorDep
from lectern.web.openapi import problems

router = APIRouter(prefix="/admin/keys", tags=["operator"], responses=problems(StoreUnavailable))


async def _desk(request: Request) -> KeyDesk:  # a plain function would be run in a thread
    desk: KeyDesk | None = request.app.state.keys
    if desk is None:
        raise NotFound("This service keeps no keys.")
    return desk


DeskDep = Annotated[KeyDesk, Depends(_desk)]


@router.post("", status_code=201, responses=problems(TooManyKeys))
async def add_key(body: KeyRequest, _: OperatorDep, desk: DeskDep) -> NewKeyBody:
    """Make a key for an integration; the key itself is in this answer only."""
    return NewKeyBody.made(*await desk.add(body.name, rate=body.rate, days=body.expires_in_days))


@router.get("")
async def list_keys(_: OperatorDep, desk: DeskDep) -> KeysBody:
    """The newest 1,000 keys, newest first, also those that hold no more."""
    return KeysBody(keys=[KeyBody.of(key) for key in await desk.all()])


@router.delete("/{key_id}", responses=problems(KeyNotFound))
async def revoke_key(key_id: str, _: OperatorDep, desk: DeskDep) -> RevokedBody:
    """Make a key worth nothing. Done again it changes nothing and is no error."""
    await desk.revoke(key_id)
    return RevokedBody(id=key_id)
