"""Every error Lectern raises on purpose, and what a client is told.

    LecternError
    ├── InvalidRequest            422  the body or a field is not what the API wants
    ├── OriginNotAllowed          403  a page of a site that is not listed asks
    ├── Unauthorized              401  the caller has not shown who it is
    │   └── InvalidCredentials    401  e-mail and password do not belong together
    ├── Forbidden                 403  the thing belongs to somebody else
    ├── RateLimited               429  too many requests of one caller; retryable
    ├── BudgetSpent               429  nothing is left of a day's budget; of a turn only its `degraded` says so
    ├── NotFound                  404  no such route, page or thing
    │   ├── ConversationNotFound  404  the session id names no kept conversation
    │   ├── TurnNotFound          404  the id names no turn that is under way or kept
    │   ├── ModelNotFound         404  no model has this name
    │   ├── ChapterNotFound       404  no page of the index has this slug
    │   ├── TaskNotFound          404  the caller has no task with this number
    │   └── AccountsOff           404  this service keeps no accounts of its own
    ├── IngestRunning             409  an ingest runs already; retryable
    ├── EmailTaken                409  there is an account with this e-mail
    ├── TooManyTasks              409  the caller has as many tasks as one may have
    ├── IdempotencyMismatch       422  an idempotency key comes again with another request
    ├── TurnRunning               409  the same request is being answered right now; retryable
    ├── TooManyFollowers          429  as many follow a turn already as may; retryable
    ├── TurnLost                  503  the worker that answered died; retryable
    ├── NoModel                   503  no language model is configured, and this needs one
    ├── MethodNotAllowed          405
    ├── PayloadTooLarge           413
    ├── UnsupportedMediaType      415
    ├── TooBusy                   503  no room now; retryable
    ├── ShuttingDown              503  this worker is draining; retryable
    ├── LoginUnavailable          503  the login server cannot be asked who this is; retryable
    ├── StoreUnavailable          503  conversations cannot be read or written; retryable
    ├── IndexUnavailable          503  the index cannot be read; retryable
    ├── UpstreamTimeout           504  a provider did not answer in time; retryable
    ├── UpstreamUnavailable       502  a provider failed or could not be reached; retryable
    ├── UpstreamRejected          502  a provider refused our request (key, model, quota)
    └── InternalError             500  a defect of ours

Each class carries its public `code` (which never changes), its HTTP `status`, whether the same request may
succeed later (`retryable`), and a `message` that is safe to show. Texts of foreign exceptions go to the log, never
into `message`.

It is long because it is a list: all that can fail stands in one place, a few lines each.
"""

from typing import ClassVar


class LecternError(Exception):
    """The root: an error with a public code, a status and a message that is safe to show.

    Args:
        message: One short sentence for the reader; the class's own when left out.
        retry_after_seconds: When a retry makes sense, if it is known.
        fields: What is wrong with which field, as `(field, message)` pairs.
    """

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    default_message: ClassVar[str] = "Something went wrong on our side."

    def __init__(
        self,
        message: str | None = None,
        *,
        retry_after_seconds: float | None = None,
        fields: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.message = message or self.default_message
        self.retry_after_seconds = retry_after_seconds
        self.fields = fields
        super().__init__(self.message)


class InvalidRequest(LecternError):
    """The body or a field is not what the API wants."""

    code = "invalid_request"
    status = 422
    default_message = "The request is not valid."


class OriginNotAllowed(LecternError):
    """A page of a site that is not listed asks."""

    code = "origin_not_allowed"
    status = 403
    default_message = "Pages of this site may not call this service; its operator adds it to CORS_ALLOWED_ORIGINS."


class Unauthorized(LecternError):
    """The caller has not shown who it is, or not rightly."""

    code = "unauthorized"
    status = 401
    default_message = "This needs a valid bearer token."


class InvalidCredentials(Unauthorized):
    """E-mail and password do not belong together; which of the two is wrong is not told."""

    code = "invalid_credentials"
    default_message = "This e-mail and password do not belong together."


class Forbidden(LecternError):
    """The thing belongs to somebody else."""

    code = "forbidden"
    status = 403
    default_message = "This belongs to somebody else."


class RateLimited(LecternError):
    """Too many requests of one caller in a while."""

    code = "rate_limited"
    status = 429
    retryable = True
    default_message = "Too many requests. Please wait a moment."


class BudgetSpent(LecternError):
    """Nothing is left of a day's budget. Who asked a question gets quotes instead; for a chapter it is the answer."""

    code = "budget_spent"
    status = 429
    default_message = "Today's budget for written answers is spent."


class IngestRunning(LecternError):
    """An ingest runs already, in whichever worker."""

    code = "ingest_running"
    status = 409
    retryable = True
    default_message = "An ingest is running. GET /ingest tells how it goes."


class EmailTaken(LecternError):
    """There is an account with this e-mail."""

    code = "email_taken"
    status = 409
    default_message = "There is an account with this e-mail already. Sign in instead."


class TooManyTasks(LecternError):
    """The caller has as many tasks as one may have."""

    code = "too_many_tasks"
    status = 409
    default_message = "There is no room for more tasks. Delete some that are done."


class IdempotencyMismatch(LecternError):
    """An idempotency key comes again with another request."""

    code = "idempotency_mismatch"
    status = 422
    default_message = "This Idempotency-Key was used for another request. Send a new one with each new message."


class TurnRunning(LecternError):
    """The same request, by its idempotency key, is being answered right now."""

    code = "turn_running"
    status = 409
    retryable = True
    default_message = "This very request is being answered right now. Please ask again in a moment."


class TooManyFollowers(LecternError):
    """As many follow this turn already as may."""

    code = "too_many_followers"
    status = 429
    default_message = "Too many follow this answer already."
    retryable = True


class TurnLost(LecternError):
    """The worker that answered died, and nothing more will come."""

    code = "turn_lost"
    status = 503
    default_message = "The server lost this answer. Ask again."
    retryable = True


class NoModel(LecternError):
    """No language model is configured, and this needs one."""

    code = "no_model"
    status = 503
    default_message = "This service has no language model, so chapters stay as they are."


class LoginUnavailable(LecternError):
    """The login server cannot be asked who this is."""

    code = "login_unavailable"
    status = 503
    retryable = True
    default_message = "Signing in cannot be checked right now."


class NotFound(LecternError):
    """No such route, page or thing."""

    code = "not_found"
    status = 404
    default_message = "There is nothing here."


class ConversationNotFound(NotFound):
    """The session id names no kept conversation."""

    code = "conversation_not_found"
    default_message = "This conversation does not exist or was deleted."


class TurnNotFound(NotFound):
    """The id names no kept turn."""

    code = "turn_not_found"
    default_message = "This answer does not exist or was deleted."


class ModelNotFound(NotFound):
    """No model has this name."""

    code = "model_not_found"
    default_message = "There is no model of this name."


class ChapterNotFound(NotFound):
    """No page of the index has this slug."""

    code = "chapter_not_found"
    default_message = "There is no such chapter."


class TaskNotFound(NotFound):
    """The caller has no task with this number; whether somebody else has is not told."""

    code = "task_not_found"
    default_message = "There is no such task."


class AccountsOff(NotFound):
    """This service keeps no accounts of its own."""

    code = "accounts_off"
    default_message = "This service keeps no accounts of its own; sign in on the site."


class MethodNotAllowed(LecternError):
    """The route exists, the method does not."""

    code = "method_not_allowed"
    status = 405
    default_message = "This address does not take that method."


class PayloadTooLarge(LecternError):
    """The body is larger than the limit."""

    code = "payload_too_large"
    status = 413
    default_message = "The request is too large."


class UnsupportedMediaType(LecternError):
    """The body is not JSON by its content type."""

    code = "unsupported_media_type"
    status = 415
    default_message = "Send the body as application/json."


class TooBusy(LecternError):
    """There is no room for this request now."""

    code = "too_busy"
    status = 503
    retryable = True
    default_message = "Too many readers at once. Please try again in a moment."


class ShuttingDown(LecternError):
    """This worker is draining; another one answers the retry."""

    code = "shutting_down"
    status = 503
    retryable = True
    default_message = "The server is restarting. Please ask again."


class StoreUnavailable(LecternError):
    """Conversations cannot be read or written now."""

    code = "store_unavailable"
    status = 503
    retryable = True
    default_message = "Conversations are not available right now."


class IndexUnavailable(LecternError):
    """The index cannot be read now."""

    code = "index_unavailable"
    status = 503
    retryable = True
    default_message = "Search is not available right now."


class UpstreamTimeout(LecternError):
    """A provider did not answer in time."""

    code = "upstream_timeout"
    status = 504
    retryable = True
    default_message = "The language model did not answer in time."


class UpstreamUnavailable(LecternError):
    """A provider failed, or could not be reached."""

    code = "upstream_unavailable"
    status = 502
    retryable = True
    default_message = "The language model is not available right now."


class UpstreamRejected(LecternError):
    """A provider refused our request: key, model or quota."""

    code = "upstream_rejected"
    status = 502
    default_message = "The language model refused the request."


class InternalError(LecternError):
    """A defect of ours; the log has the rest."""


def error_of(code: str, message: str) -> LecternError:
    """The error that a `failed` event tells of, by its public code.

    Args:
        code: The event's code; an unknown one is a defect.
        message: The event's message.
    """
    return _by_code(LecternError).get(code, InternalError)(message)


def _by_code(kind: type[LecternError]) -> dict[str, type[LecternError]]:
    kinds: dict[str, type[LecternError]] = {}
    for child in kind.__subclasses__():
        kinds |= {child.code: child} | _by_code(child)
    return kinds
