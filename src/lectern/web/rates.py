"""How often may they? Settled once it is known who asks, before any work and with no connection held."""

from fastapi import Depends, Request

from lectern.limits.rates import Rates
from lectern.web import answer_headers
from lectern.web.access import CallerDep


async def _rated(request: Request, caller: CallerDep) -> None:
    rates: Rates | None = request.app.state.rates
    if rates is None:
        return
    verdict = await rates.judge(caller.principal, caller.address, is_new=caller.is_new)
    if verdict is None:
        return
    for name, value in verdict.headers():
        answer_headers.add(request.scope, name, value)
    if refusal := verdict.refusal():
        raise refusal


RATED = Depends(_rated)
"""For the `dependencies` of a route that costs something: 429 for who asks too often, `RateLimit-*` on every answer.

Reads `app.state.rates`, None where there are no rates."""
