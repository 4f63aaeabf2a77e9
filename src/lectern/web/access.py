"""Who is it? What a request carries, made into a `Caller`, before any work and with no connection held.

A bearer token says it, or is refused: a login's, or an integration's key. Else cookies of a login may say it; those
that are not valid say nothing. Else it is a visitor: the one of the cookie that Lectern has given out, or a new one,
whose cookie goes with the answer, which may be a stream or an error.
"""

import hmac
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Final

from fastapi import Depends, Request

from lectern.errors import Forbidden, LecternError, LoginUnavailable, NotFound, StoreUnavailable, Unauthorized
from lectern.ports import IdentitySource, Ports
from lectern.principal import Principal
from lectern.web import answer_headers
from lectern.web.client_address import client_address
from lectern.web.credentials import bearer_token, of_sensible_size
from lectern.web.visitors import COOKIE, SECURE_COOKIE, Visitors

logger = logging.getLogger(__name__)

OPERATOR: Final = Principal("operator", "operator")


@dataclass(frozen=True, slots=True)
class Access:
    """What callers are known by.

    Attributes:
        visitors: Gives anonymous readers their ids.
        operator_token: Who carries it is the operator; None means that there is none.
        on_space: Whether this is a Space, where `Authorization` may be the Hub's.
    """

    visitors: Visitors
    operator_token: str | None = field(default=None, repr=False)
    on_space: bool = False

    def is_operator(self, token: str) -> bool:
        """Whether this bearer token is the operator's; in constant time, so that no first wrong character shows."""
        return self.operator_token is not None and hmac.compare_digest(token.encode(), self.operator_token.encode())


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and from where.

    Attributes:
        principal: Who it is; a visitor when nobody can or need tell.
        address: The reader's address, for limits: IPv4, or the /64 network of an IPv6 one; empty when it is not known.
        is_new: Whether this visitor showed no id of an earlier request, so that only the address tells it apart.
        trouble: Why it could not be told who it is although it carries something that says so.
    """

    principal: Principal
    address: str
    is_new: bool = False
    trouble: LecternError | None = None


async def _access(request: Request) -> Access:
    access: Access = request.app.state.access
    return access


AccessDep = Annotated[Access, Depends(_access)]


async def _caller(request: Request, access: AccessDep) -> Caller:
    # Whoever asks gets an answer of its own, perhaps with a cookie: nothing on the way may keep it for others.
    answer_headers.replace(request.scope, "Cache-Control", "private, no-store")
    address = client_address(request.client.host if request.client else None)
    principal, trouble = await _known(request, access)
    if principal is not None:
        return Caller(principal, address)
    is_secure = request.scope["scheme"] == "https"
    visitor = access.visitors.of(request.cookies.get(SECURE_COOKIE if is_secure else COOKIE))
    if visitor.is_new or visitor.is_stale:
        answer_headers.add(request.scope, "Set-Cookie", access.visitors.cookie(visitor, secure=is_secure))
    return Caller(Principal("visitor", visitor.id), address, is_new=visitor.is_new, trouble=trouble)


async def _known(request: Request, access: Access) -> tuple[Principal | None, LecternError | None]:
    """Who it is by its token or its cookies, or why that cannot be told now; neither for a visitor.

    Raises:
        Unauthorized: It carries a token that is not valid.
    """
    ports: Ports = request.app.state.ports
    token = bearer_token(request.headers, on_space=access.on_space)
    if token is None:
        if not ports.identities or "cookie" not in request.headers:
            return None, None
        cookies = of_sensible_size(request.cookies)
        try:
            return await _first(ports.identities, lambda source: source.by_cookies(cookies))
        except Unauthorized:  # a browser sends stale cookies for ever, and its reader could do nothing about a refusal
            return None, None
    if access.is_operator(token):
        return OPERATOR, None
    principal, trouble = await _first(ports.identities, lambda source: source.by_token(token))
    if principal is None and trouble is None:
        raise Unauthorized
    return principal, trouble


async def _first(
    sources: tuple[IdentitySource, ...], ask: Callable[[IdentitySource], Awaitable[Principal | None]]
) -> tuple[Principal | None, LecternError | None]:
    """What the first source says that knows; one that cannot tell now leaves it to the others."""
    trouble: LecternError | None = None
    for source in sources:
        try:
            principal = await ask(source)
        except (LoginUnavailable, StoreUnavailable) as error:
            logger.warning("%s cannot tell who asks: %s", source.describe().name, error.code)
            trouble = trouble or error
        else:
            if principal is not None:
                return principal, None
    return None, trouble


async def _tolerated(request: Request, access: AccessDep) -> Caller:
    try:
        return await _caller(request, access)
    except Unauthorized:
        visitor = access.visitors.of(None)
        address = client_address(request.client.host if request.client else None)
        return Caller(Principal("visitor", visitor.id), address, is_new=True)


def signed_in(caller: Caller) -> Caller:
    """The caller, if it is a reader who is signed in.

    Raises:
        Unauthorized: It is a visitor.
        Forbidden: It is the operator, who has nothing of its own, or a program, behind which are many readers.
        LecternError: It cannot be told who it is.
    """
    if caller.trouble is not None:
        raise caller.trouble
    if caller.principal.is_anonymous:
        raise Unauthorized
    if caller.principal == OPERATOR:
        raise Forbidden("This is for readers who are signed in; the operator has nothing of its own.")
    if caller.principal.kind == "integration":
        raise Forbidden("This is for readers who are signed in; an integration's key may ask and search.")
    return caller


async def _signed_in(caller: "CallerDep") -> Caller:
    return signed_in(caller)


async def _has_operator(access: AccessDep) -> None:
    if access.operator_token is None:
        raise NotFound


async def _operator(_: Annotated[None, Depends(_has_operator)], caller: "CallerDep") -> Caller:
    if caller.principal == OPERATOR:
        return caller
    if caller.principal.is_anonymous:
        raise Unauthorized
    raise Forbidden("This is for the operator.")


async def _certain(caller: "CallerDep") -> Caller:
    if caller.trouble is not None:
        raise caller.trouble
    return caller


CallerDep = Annotated[Caller, Depends(_caller)]
"""Whoever asks; 401 only for a bearer token that is not valid."""

ToleratedDep = Annotated[Caller, Depends(_tolerated)]
"""Whoever asks, where a token that is not valid is no error but nobody's: to ask whether one is signed in."""

SignedInDep = Annotated[Caller, Depends(_signed_in)]
"""An account or user; 401 for a visitor, 403 for the operator and integrations, 503 while it cannot be told."""

OperatorDep = Annotated[Caller, Depends(_operator)]
"""The operator; 401 for a visitor, 403 for anybody else, 404 for all when there is no `ADMIN_TOKEN`."""

CertainCallerDep = Annotated[Caller, Depends(_certain)]
"""Whoever asks, a visitor too; 503 while it cannot be told who it is."""
