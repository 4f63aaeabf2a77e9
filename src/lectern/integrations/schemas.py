"""The bodies of the operator's routes about keys."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, Field

from lectern.integrations.desk import MOST_DAYS, MOST_NAME_CHARACTERS
from lectern.ports import ApiKey
from lectern.principal import Principal
from lectern.rate import WANTED, Rate, parsed, written
from lectern.web.texts import SomeText


def _limits(text: str) -> str:
    if parsed(text) is None:
        raise ValueError(f"must be {WANTED}")
    return text


class KeyRequest(BaseModel):
    """A key that is wanted."""

    name: Annotated[SomeText, Field(max_length=MOST_NAME_CHARACTERS, description="What to call the integration")]
    limits: Annotated[str, AfterValidator(_limits), Field(max_length=40, examples=["60/minute"])] | None = Field(
        None, description="How often it may ask, as NUMBER/second, minute, hour or day; null for what accounts may"
    )
    expires_in_days: Annotated[int, Field(ge=1, le=MOST_DAYS, strict=True)] | None = Field(
        None, description="How long it holds; null until it is revoked"
    )

    @property
    def rate(self) -> Rate | None:
        """How often it may ask; None for what accounts may."""
        return parsed(self.limits) if self.limits is not None else None


class KeyBody(BaseModel):
    """What is kept of a key."""

    id: str
    principal_id: str = Field(description="Under which its conversations are kept")
    name: str
    hint: str = Field(description="The key's last characters")
    limits: str | None = Field(description="How often it may ask; null for what accounts may")
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, key: ApiKey) -> Self:
        """As the API shows it."""
        return cls(**_fields(key))


class NewKeyBody(KeyBody):
    """A key that was just made."""

    key: str = Field(description="The key itself; it is shown this once, and kept nowhere")

    @classmethod
    def made(cls, key: ApiKey, token: str) -> Self:
        """As the API shows it once."""
        return cls(**_fields(key), key=token)


class KeysBody(BaseModel):
    """The newest keys, newest first."""

    keys: list[KeyBody]


class RevokedBody(BaseModel):
    """The key is worth nothing any more."""

    message: str = "This key is revoked. Every worker refuses it within a few seconds."
    id: str


def _fields(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "principal_id": Principal("integration", key.id).id,
        "name": key.name,
        "hint": key.hint,
        "limits": written(key.rate) if key.rate is not None else None,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
    }
