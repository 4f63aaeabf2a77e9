"""`GET /chat/turns/{id}/stream`, `DELETE /chat/turns/{id}`: a turn is gone on with, or stopped."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Header, Request
from fastapi.responses import Response

from lectern.chat.deps import ConfigDep
from lectern.chat.schemas import Stopped
from lectern.chat.streaming import stream
from lectern.errors import ShuttingDown, StoreUnavailable, TooManyFollowers, TurnLost, TurnNotFound, TurnRunning
from lectern.formats import sse
from lectern.web.access import CertainCallerDep
from lectern.web.openapi import problems
from lectern.web.rates import RATED
from lectern.web.reading import while_reading

router = APIRouter(tags=["chat"])

PositionDep = Annotated[
    str,
    Header(
        alias="Last-Event-ID",
        pattern="^[0-9]{1,15}$",
        description="The `id` of the last frame that came; left out, the stream begins at its beginning",
    ),
]

_STREAM: Final[dict[int | str, dict[str, object]]] = {
    200: {"content": {sse.MEDIA_TYPE: sse.MEDIA}, "description": "The answer"}
}


@router.get(
    "/chat/turns/{turn_id}/stream",
    dependencies=[RATED],
    response_class=Response,
    responses=_STREAM | problems(TurnNotFound, TooManyFollowers, ShuttingDown, StoreUnavailable, TurnLost),
)
async def follow_turn(
    turn_id: UUID, request: Request, caller: CertainCallerDep, config: ConfigDep, position: PositionDep = "0"
) -> Response:
    """Go on with a turn's events where a stream broke off, while it is under way and when it is over."""
    follow = config.turns.follow(str(turn_id), caller.principal, position=int(position))
    following = await while_reading(request, follow)
    return stream(following, sse.SseEncoder(), config.heartbeat, media_type=sse.MEDIA_TYPE)


@router.delete("/chat/turns/{turn_id}", responses=problems(TurnNotFound, TurnRunning, StoreUnavailable))
async def stop_turn(turn_id: UUID, caller: CertainCallerDep, config: ConfigDep) -> Stopped:
    """Stop a turn that is under way, whoever follows it; what was said is kept."""
    await config.turns.stop(str(turn_id), caller.principal)
    return Stopped(turn_id=turn_id)
