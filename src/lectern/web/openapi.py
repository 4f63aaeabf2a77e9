"""`/openapi.json`: what each operation takes and answers, its errors and credentials included.

An endpoint tells what only it answers: `responses=problems(ConversationNotFound)`. What it has in common with others is
told here, from what the middleware before it refuses and from the dependencies that it takes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any, Final, get_args

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from lectern.errors import (
    Forbidden,
    IndexUnavailable,
    InternalError,
    InvalidRequest,
    LecternError,
    LoginUnavailable,
    NotFound,
    OriginNotAllowed,
    PayloadTooLarge,
    RateLimited,
    StoreUnavailable,
    TooBusy,
    Unauthorized,
    UnsupportedMediaType,
)
from lectern.web.access import CallerDep, SignedInDep, ToleratedDep
from lectern.web.deps import PortsDep
from lectern.web.problems import PROBLEM, Shape, Shapes, shape_for
from lectern.web.rates import ASSISTANT_RATED, RATED

Operation = dict[str, Any]

_FRAMEWORK_SCHEMAS: Final = ("HTTPValidationError", "ValidationError")
"""What the framework would answer 422 with; `problems.install` answers a problem."""

BEARER: Final = "bearer"
BEARER_BESIDE: Final = "bearerBeside"
SESSION_COOKIE: Final = "sessionCookie"
LOGIN_COOKIE: Final = "loginCookie"
SECURITY_SCHEMES: Final[dict[str, dict[str, str]]] = {
    BEARER: {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of the site's login server or of an account here; for the operator, `ADMIN_TOKEN`",
    },
    BEARER_BESIDE: {
        "type": "apiKey",
        "in": "header",
        "name": "X-Lectern-Authorization",
        "description": "The same, `Bearer …`, where `Authorization` carries something else: on a private Space the "
        "Hub's token",
    },
    SESSION_COOKIE: {
        "type": "apiKey",
        "in": "cookie",
        "name": "better-auth.session_token",
        "description": "The session cookie of the site's login server",
    },
    LOGIN_COOKIE: {
        "type": "apiKey",
        "in": "cookie",
        "name": "lectern_login",
        "description": "The cookie of an account here",
    },
}
HEADERS: Final[dict[str, dict[str, Any]]] = {
    "X-Request-ID": {
        "description": "Names this request in the log; the caller's own, if it sent a harmless one",
        "required": True,
        "schema": {"type": "string"},
    },
    "Retry-After": {"description": "Seconds until it makes sense to ask again", "schema": {"type": "integer"}},
    "WWW-Authenticate": {"required": True, "schema": {"type": "string", "const": "Bearer"}},
}


@dataclass(frozen=True, slots=True)
class Doors:
    """Who is let in where.

    Attributes:
        guarded: Paths, with all below them, that pages of other sites may not even read.
        metered: `(method, path)` of what is refused when there is no room for it.
        operated: Paths, with all below them, that are the operator's.
    """

    guarded: tuple[str, ...]
    metered: frozenset[tuple[str, str]]
    operated: tuple[str, ...]

    def refusals(self, method: str, path: str) -> Iterator[type[LecternError]]:
        """What a request may be refused with before its endpoint is asked."""
        writes = method not in {"GET", "HEAD"}
        if writes or _below(path, self.guarded):
            yield OriginNotAllowed
        if writes:
            yield from (PayloadTooLarge, UnsupportedMediaType)
        if (method, path) in self.metered:
            yield TooBusy
        if _below(path, self.operated):
            yield from (Unauthorized, Forbidden, NotFound)

    def security(self, path: str, called: frozenset[object]) -> list[dict[str, list[str]]] | None:
        """Which credentials an operation wants, any of them, or takes; None when it looks at none."""
        if _below(path, self.operated):
            return [{BEARER: []}, {BEARER_BESIDE: []}]
        if called.isdisjoint({_dependency(CallerDep), _dependency(ToleratedDep)}):
            return None
        ways: list[dict[str, list[str]]] = [{name: []} for name in SECURITY_SCHEMES]
        return ways if _dependency(SignedInDep) in called else [{}, *ways]


def problems(*kinds: type[LecternError], shape: Shape = PROBLEM) -> dict[int | str, dict[str, Any]]:
    """These errors as `responses` of an operation: one for each status, with an example for each code."""
    responses: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        _add(responses.setdefault(shape.status(kind), {}), kind, shape)
    return responses


def install(app: FastAPI, doors: Doors, shapes: Shapes) -> None:
    """Complete the app's own description, which is made when it is asked for first."""
    described = app.openapi

    @cache
    def completed() -> dict[str, Any]:
        schema = described()
        for route in iter_route_contexts(app.routes):
            path, operations = route.path_format or "", schema["paths"].get(route.path_format, {})
            for method in (method for method in route.methods or () if method.lower() in operations):
                operation, called = operations[method.lower()], frozenset(_calls(route.dependant))
                kinds = [*_shared(operation, path, called), *doors.refusals(method, path)]
                _complete(operation, kinds, shape_for(path, shapes))
                if security := doors.security(path, called):
                    operation["security"] = security
        components = schema.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        for name in _FRAMEWORK_SCHEMAS:
            schemas.pop(name, None)
        schemas |= {shape.name: shape.schema for shape in (PROBLEM, *shapes.values())}
        components["securitySchemes"] = SECURITY_SCHEMES
        components["headers"] = HEADERS
        return schema

    app.openapi = completed  # type: ignore[method-assign]


def _below(path: str, prefixes: tuple[str, ...]) -> bool:
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in prefixes)


def _dependency(alias: object) -> object:
    """The function behind an alias like `CallerDep`."""
    return get_args(alias)[1].dependency


def _calls(dependant: Dependant) -> Iterator[object]:
    for needed in dependant.dependencies:
        yield needed.call
        yield from _calls(needed)


_RAISED: Final[dict[object, tuple[type[LecternError], ...]]] = {
    _dependency(CallerDep): (Unauthorized, LoginUnavailable, StoreUnavailable),
    _dependency(ToleratedDep): (LoginUnavailable, StoreUnavailable),
    _dependency(PortsDep): (StoreUnavailable, IndexUnavailable),
    RATED.dependency: (RateLimited,),
    ASSISTANT_RATED.dependency: (RateLimited,),
}
"""What an endpoint may answer because it takes a dependency."""


def _shared(operation: Operation, path: str, called: frozenset[object]) -> Iterator[type[LecternError]]:
    yield InternalError
    if "{" in path:  # there may be no such thing, or it is another's
        yield NotFound
        if _dependency(CallerDep) in called:
            yield Forbidden
    if "parameters" in operation or "requestBody" in operation:
        yield InvalidRequest
    for call, kinds in _RAISED.items():
        if call in called:
            yield from kinds


def _complete(operation: Operation, kinds: list[type[LecternError]], shape: Shape) -> None:
    responses = operation["responses"]
    unprocessable = responses.get("422", {}).get("content", {})
    if unprocessable.get("application/json", {}).get("schema", {}).get("$ref", "").endswith(_FRAMEWORK_SCHEMAS[0]):
        del responses["422"]
    for kind in kinds:
        _add(responses.setdefault(str(shape.status(kind)), {}), kind, shape)
    for status, response in responses.items():
        names = ["X-Request-ID"]
        names += ["WWW-Authenticate"] if status == str(HTTPStatus.UNAUTHORIZED.value) else []
        names += ["Retry-After"] if status in {"429", "503"} else []
        response.setdefault("headers", {}).update({name: {"$ref": f"#/components/headers/{name}"} for name in names})
    operation["responses"] = dict(sorted(responses.items()))


def _add(response: dict[str, Any], kind: type[LecternError], shape: Shape) -> None:
    """Let a response also be this error."""
    response.setdefault("description", HTTPStatus(shape.status(kind)).phrase)
    schema = {"$ref": f"#/components/schemas/{shape.name}"}
    media = response.setdefault("content", {}).setdefault(shape.media_type, {"schema": schema})
    example = shape.body(kind())
    if isinstance(example, dict) and "request_id" in example:
        example["request_id"] = "5f0c…"
    media.setdefault("examples", {})[kind.code] = {"summary": kind.default_message, "value": example}
