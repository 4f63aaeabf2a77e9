"""`/api/auth`: sign up, in and out; who is signed in; the profile; all that is held; leaving."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse

from lectern.accounts.desk import AccountDesk, SignedIn
from lectern.accounts.export import begin_export
from lectern.accounts.schemas import (
    Confirmation,
    CookieSession,
    Credentials,
    CurrentSession,
    ProfileBody,
    ProfileFields,
    SessionBody,
    SignedInByCookie,
    SignedInByToken,
    SignUp,
    Success,
    UserBody,
    UserOnly,
    Verified,
)
from lectern.accounts.tokens import COOKIE
from lectern.errors import (
    AccountsOff,
    EmailTaken,
    InvalidCredentials,
    RateLimited,
    StoreUnavailable,
    TooBusy,
    Unauthorized,
)
from lectern.principal import Principal
from lectern.web import answer_headers
from lectern.web.access import Caller, CallerDep, SignedInDep, ToleratedDep
from lectern.web.cookies import cookie
from lectern.web.credentials import bearer_token
from lectern.web.deps import PortsDep
from lectern.web.openapi import problems

router = APIRouter(
    prefix="/api/auth", tags=["accounts"], responses=problems(AccountsOff, RateLimited, StoreUnavailable, TooBusy)
)


async def _desk(request: Request) -> AccountDesk:  # a plain function would be run in a thread
    desk: AccountDesk | None = request.app.state.accounts
    if desk is None:
        raise AccountsOff
    return desk


DeskDep = Annotated[AccountDesk, Depends(_desk)]


@router.post("/sign-up", status_code=201, responses=problems(EmailTaken))
async def sign_up(
    body: SignUp, request: Request, desk: DeskDep, caller: CallerDep, ports: PortsDep
) -> SignedInByToken | SignedInByCookie:
    """Make an account and sign it in: with `proficiency` in the body by a token, else by a cookie."""
    signed_in = await desk.sign_up(
        body.email, body.password.get_secret_value(), body.name or "", body.told(), address=caller.address
    )
    await desk.claim(ports.conversations, _earlier(caller), signed_in)
    if body.wants_token:
        return _by_token(signed_in)
    return _by_cookie(signed_in, request, desk, "Welcome.")


@router.post("/sign-in", responses=problems(InvalidCredentials))
async def sign_in(
    body: Credentials, request: Request, desk: DeskDep, caller: CallerDep, ports: PortsDep
) -> SignedInByCookie:
    """Sign in by a cookie."""
    signed_in = await desk.sign_in(body.email, body.password.get_secret_value(), address=caller.address)
    await desk.claim(ports.conversations, _earlier(caller), signed_in)
    return _by_cookie(signed_in, request, desk, "Welcome back.")


@router.post("/sign-in/email", responses=problems(InvalidCredentials))
async def sign_in_for_token(body: Credentials, desk: DeskDep, caller: CallerDep, ports: PortsDep) -> SignedInByToken:
    """Sign in by a token."""
    signed_in = await desk.sign_in(body.email, body.password.get_secret_value(), address=caller.address)
    await desk.claim(ports.conversations, _earlier(caller), signed_in)
    return _by_token(signed_in)


@router.post("/sign-out", responses=problems(Unauthorized))
async def sign_out(request: Request, desk: DeskDep) -> Success:
    """End the login that this request carries, if any, and take its cookie away."""
    for token in _carried(request):
        await desk.sign_out(token)
    _take_cookie_away(request)
    return Success()


@router.get("/session")
async def session(desk: DeskDep, caller: ToleratedDep) -> CookieSession:
    """Who is signed in, for clients that read `session.user`."""
    user = await _user(desk, caller)
    return CookieSession(session=UserOnly(user=user) if user else None)


@router.get("/get-session")
async def get_session(request: Request, desk: DeskDep, caller: ToleratedDep) -> CurrentSession:
    """Who is signed in and how, for clients that read `user` and `session`."""
    user = await _user(desk, caller)
    if user is None:
        return CurrentSession(user=None, session=None)
    token = bearer_token(request.headers, on_space=True)
    login = desk.login_of(token or request.cookies.get(COOKIE, ""))
    return CurrentSession(
        user=user, session=SessionBody(access_token=token, expires_at=login.expires_at if login else None)
    )


@router.get("/verify")
async def verify(desk: DeskDep, caller: CallerDep) -> Verified:
    """Whether somebody is signed in; 401 for a token that is not valid."""
    user = await _user(desk, caller)
    return Verified(valid=user is not None, user=user)


@router.get("/profile")
async def profile(desk: DeskDep, caller: SignedInDep) -> ProfileBody:
    """What the caller told of itself."""
    told = await desk.accounts.profile(caller.principal.id)
    return ProfileBody(profile=ProfileFields.model_validate(told) if told else None)


@router.post("/profile/update")
async def update_profile(body: ProfileFields, desk: DeskDep, caller: SignedInDep) -> Success:
    """Keep what the caller tells of itself."""
    if told := body.told():
        await desk.accounts.tell(caller.principal.id, told)
    return Success()


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/json": {"schema": {"type": "object"}}}}},
)
async def export(desk: DeskDep, caller: SignedInDep, ports: PortsDep) -> StreamingResponse:
    """All that is held of the caller, as a file: account, profile, conversations with turns and feedback, tasks."""
    await desk.throttle.export(caller.principal.id)
    return StreamingResponse(
        await begin_export(caller.principal, desk.accounts, ports.tasks, ports.journal),
        media_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="lectern-export.json"'},
    )


@router.delete("/account", responses=problems(InvalidCredentials))
async def delete_account(
    request: Request, desk: DeskDep, caller: SignedInDep, ports: PortsDep, body: Confirmation | None = None
) -> Success:
    """Delete all that is held of the caller, for good; an account of this service by its password."""
    password = body.password.get_secret_value() if body else None
    await desk.confirm(caller.principal, password, address=caller.address)
    # The account goes last: while it is there, its owner can ask again for what could not be done.
    await ports.store.delete_conversations_of(caller.principal.id)
    if ports.tasks is not None:
        await ports.tasks.delete_tasks_of(caller.principal.id)
    await desk.accounts.forget(caller.principal.id)
    _take_cookie_away(request)
    return Success()


def _carried(request: Request) -> list[str]:
    """The tokens that a request carries, in its header and its cookie, but for the Hub's, which is never ours."""
    tokens = (bearer_token(request.headers, on_space=True), request.cookies.get(COOKIE))
    return [token for token in tokens if token]


def _by_token(signed_in: SignedIn) -> SignedInByToken:
    session = SessionBody(access_token=signed_in.token, expires_at=signed_in.login.expires_at)
    return SignedInByToken(user=UserBody.of_account(signed_in.account, signed_in.profile), session=session)


def _by_cookie(signed_in: SignedIn, request: Request, desk: AccountDesk, message: str) -> SignedInByCookie:
    header = cookie(COOKIE, signed_in.token, seconds=desk.login_seconds, secure=request.url.scheme == "https")
    answer_headers.add(request.scope, "Set-Cookie", header)
    return SignedInByCookie(user=UserBody.of_account(signed_in.account, signed_in.profile), message=message)


def _take_cookie_away(request: Request) -> None:
    header = cookie(COOKIE, "", seconds=0, secure=request.url.scheme == "https")
    answer_headers.add(request.scope, "Set-Cookie", header)


def _earlier(caller: Caller) -> Principal | None:
    """The visitor that this browser was before, if any."""
    return caller.principal if caller.principal.is_anonymous and not caller.is_new else None


async def _user(desk: AccountDesk, caller: Caller) -> UserBody | None:
    """Who is signed in; None for a visitor.

    Raises:
        LecternError: It cannot be told now.
    """
    principal = caller.principal
    if caller.trouble is not None:
        raise caller.trouble
    if principal.kind not in ("account", "user"):
        return None
    told = await desk.accounts.profile(principal.id)
    if principal.kind == "user":
        return UserBody.of_user(principal, told)
    account = await desk.accounts.by_id(principal.subject)
    return UserBody.of_account(account, told) if account else None
