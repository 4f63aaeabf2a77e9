"""How often may they? Settled once it is known who asks, before any work and with no connection held."""

from collections.abc import Awaitable, Callable

from fastapi import Depends, Request

from lectern.limits.rates import Rates
from lectern.web import answer_headers
from lectern.web.access import CallerDep


def _rated_by(name: str) -> Callable[..., Awaitable[None]]:
    async def rated(request: Request, caller: CallerDep) -> None:
        rates: Rates | None = getattr(request.app.state, name)
        if rates is None:
            return
        verdict = await rates.judge(caller.principal, caller.address, is_new=caller.is_new)
        if verdict is None:
            return
        for header, value in verdict.headers():
            answer_headers.add(request.scope, header, value)
        if refusal := verdict.refusal():
            raise refusal

    return rated


RATED = Depends(_rated_by("rates"))
"""For the `dependencies` of a route that costs something: 429 for who asks too often, `RateLimit-*` on every answer.

Reads `app.state.rates`, None where nothing counts."""

ASSISTANT_RATED = Depends(_rated_by("assistant_rates"))
"""The same, instead of it, for turns with the task assistant, which have a rate of their own as well.

Reads `app.state.assistant_rates`."""
