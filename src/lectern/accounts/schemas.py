"""The bodies of the account API. Two front ends' shapes are one: each reads its fields and leaves the others."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field, SecretStr

from lectern.accounts import emails, passwords
from lectern.ports import Account, Profile
from lectern.principal import Principal
from lectern.web.texts import Text, readable


def _password(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    readable(text)  # what it refuses is refused; blanks around a password are part of it
    text = passwords.normal(text)
    if len(text) > passwords.MOST_CHARACTERS:
        msg = f"must have at most {passwords.MOST_CHARACTERS} characters in Unicode's form NFKC"
        raise ValueError(msg)
    return SecretStr(text)


def _new_password(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < passwords.FEWEST_CHARACTERS:
        msg = f"must have at least {passwords.FEWEST_CHARACTERS} characters in Unicode's form NFKC"
        raise ValueError(msg)
    return value


Email = Annotated[str, Field(min_length=3, max_length=emails.MOST_CHARACTERS, examples=["reader@example.org"])]
Password = Annotated[SecretStr, Field(min_length=1, max_length=passwords.MOST_CHARACTERS), AfterValidator(_password)]
NewPassword = Annotated[Password, Field(min_length=passwords.FEWEST_CHARACTERS), AfterValidator(_new_password)]
Told = (
    Annotated[Text, Field(max_length=2000)]
    | Annotated[list[Annotated[Text, Field(max_length=200)]], Field(max_length=50)]
)
"""What somebody says of itself: a text, or a list of words, as the client sends it."""


class Credentials(BaseModel):
    """Who wants to sign in."""

    email: Email
    password: Password


class ProfileFields(BaseModel):
    """What somebody tells of itself. A field that is left out stays as it is, null forgets it."""

    model_config = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    programming_level: Told | None = Field(
        None,
        validation_alias=AliasChoices("programmingLevel", "programming_level"),
        serialization_alias="programmingLevel",
    )
    hardware_background: Told | None = Field(
        None,
        validation_alias=AliasChoices("hardwareBackground", "hardware_background"),
        serialization_alias="hardwareBackground",
    )
    learning_goals: Told | None = Field(None, validation_alias=AliasChoices("learning_goals", "learningGoals"))
    proficiency: Told | None = None
    technical_background: Told | None = None
    hardware_access: Told | None = None

    def told(self) -> dict[str, str | list[str] | None]:
        """The fields that were sent."""
        return {name: getattr(self, name) for name in ProfileFields.model_fields if name in self.model_fields_set}


class SignUp(ProfileFields):
    """A new account. With `proficiency` the answer carries a bearer token, without it a cookie."""

    email: Email
    password: NewPassword
    name: Annotated[Text, Field(max_length=200)] | None = None

    @property
    def wants_token(self) -> bool:
        """Whether this client keeps a token rather than a cookie."""
        return "proficiency" in self.model_fields_set


class Confirmation(BaseModel):
    """An account's own password, once more."""

    password: Password


class UserBody(BaseModel):
    """Who is signed in. What was never told is null."""

    model_config = ConfigDict(serialize_by_alias=True)

    id: str
    email: str
    name: str
    email_verified: bool | None = Field(
        serialization_alias="emailVerified",
        description="False for accounts of this service, which sends no mail; null where a login server knows",
    )
    created_at: datetime | None = Field(serialization_alias="createdAt")
    updated_at: datetime | None = Field(serialization_alias="updatedAt")
    programming_level: Told | None = Field(None, serialization_alias="programmingLevel")
    hardware_background: Told | None = Field(None, serialization_alias="hardwareBackground")
    learning_goals: Told | None = Field(None, serialization_alias="learningGoals")
    proficiency: Told | None = None

    @classmethod
    def of_account(cls, account: Account, told: Profile) -> Self:
        """An account of this service."""
        return cls(
            id=account.id,
            email=account.email,
            name=account.name,
            email_verified=False,
            created_at=account.created_at,
            updated_at=account.updated_at,
            **cls._shown(told),
        )

    @classmethod
    def of_user(cls, user: Principal, told: Profile) -> Self:
        """A user of the site's login server, as far as its token says."""
        return cls(
            id=user.subject,
            email=user.email,
            name=user.name,
            email_verified=None,
            created_at=None,
            updated_at=None,
            **cls._shown(told),
        )

    @classmethod
    def _shown(cls, told: Profile) -> dict[str, Any]:
        return {name: value for name, value in told.items() if name in cls.model_fields}


class SessionBody(BaseModel):
    """How somebody is signed in."""

    model_config = ConfigDict(serialize_by_alias=True)

    access_token: str | None = Field(
        serialization_alias="accessToken",
        description="For `Authorization: Bearer`; null when a cookie carries it, which no script may read",
    )
    token_type: Literal["Bearer"] = Field("Bearer", serialization_alias="tokenType")
    expires_at: datetime | None = Field(
        serialization_alias="expiresAt", description="Null where a login server knows it"
    )


class SignedInByCookie(BaseModel):
    """The cookie is in the answer's head."""

    user: UserBody
    message: str


class SignedInByToken(BaseModel):
    """The token is the session's."""

    user: UserBody
    session: SessionBody


class Success(BaseModel):
    """It is done."""

    success: Literal[True] = True


class UserOnly(BaseModel):
    """Who is signed in."""

    user: UserBody


class CookieSession(BaseModel):
    """Who is signed in, or null."""

    session: UserOnly | None


class CurrentSession(BaseModel):
    """Who is signed in and how, or both null."""

    user: UserBody | None
    session: SessionBody | None


class Verified(BaseModel):
    """Whether somebody is signed in."""

    valid: bool
    user: UserBody | None


class ProfileBody(BaseModel):
    """What was told, null when nothing was."""

    profile: ProfileFields | None
