"""`POST /chat/turns/{id}/feedback`: what a reader thought of an answer."""

from uuid import UUID

from fastapi import APIRouter

from lectern.chat.schemas import FeedbackKept, FeedbackRequest
from lectern.errors import TurnNotFound
from lectern.ports import Feedback
from lectern.web.access import CertainCallerDep
from lectern.web.deps import PortsDep
from lectern.web.openapi import problems

router = APIRouter(tags=["chat"])


@router.post("/chat/turns/{turn_id}/feedback", responses=problems(TurnNotFound))
async def rate_turn(turn_id: UUID, body: FeedbackRequest, caller: CertainCallerDep, ports: PortsDep) -> FeedbackKept:
    """Say whether an answer was good; only those who may read the conversation can."""
    if ports.conversations is None:  # then no turn is kept that could be rated
        raise TurnNotFound
    rating = body.value
    feedback = Feedback(str(turn_id), rating, body.comment or "")
    await ports.conversations.rate(feedback, principal_id=caller.principal.id)
    return FeedbackKept(turn_id=turn_id, rating=rating)
