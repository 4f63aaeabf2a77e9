"""Who readers are, as far as the site's own login server says."""

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from lectern import key_set
from lectern.config.part import SettingsPart, WebAddress

_PUBLISHED = "better-auth-secret-12345678901234567890"
"""What Better Auth takes while it has no secret, as its source shows to anybody."""

_LEAST_SECRET = 32
"""Characters, as Better Auth asks for: from one token a shorter one can be guessed offline (RFC 7518, 3.2)."""


class IdentitySettings(SettingsPart):
    """The site's login server."""

    better_auth_url: WebAddress | None = Field(
        None,
        description="Your Better Auth server, with its jwt plugin: its users are known by their tokens, its keys are "
        "fetched from there",
    )
    better_auth_secret: SecretStr | None = Field(
        None,
        description="That server's secret, 32 characters or more: its HS256 tokens and session cookies are checked "
        "with it; cookies want its tables in DATABASE_URL, too",
    )
    better_auth_issuer: str | None = Field(
        None, description="The iss of its tokens, where it is not the origin of BETTER_AUTH_URL"
    )
    better_auth_audience: str | None = Field(
        None, description="The aud of its tokens, where it is not the origin of BETTER_AUTH_URL"
    )
    better_auth_jwks: str | None = Field(
        None,
        description="Its public keys as its /api/auth/jwks shows them, where it cannot be reached from here; they are "
        "then never fetched. Needs BETTER_AUTH_URL, or issuer and audience",
    )

    @field_validator("better_auth_secret")
    @classmethod
    def _secret(cls, value: SecretStr | None) -> SecretStr | None:
        secret = value.get_secret_value() if value else None
        if secret is not None and (len(secret) < _LEAST_SECRET or secret == _PUBLISHED):
            raise ValueError(f"{_LEAST_SECRET} characters or more that nobody guesses: openssl rand -base64 32")
        return value

    @field_validator("better_auth_jwks")
    @classmethod
    def _keys(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            return value
        try:
            key_set.usable(key_set.read(value))
        except key_set.RefusedKeys as error:
            raise ValueError(f'public keys as {{"keys": [...]}}; there is {error}') from None
        told = info.data
        if not told.get("better_auth_url") and not (
            told.get("better_auth_issuer") and told.get("better_auth_audience")
        ):
            raise ValueError("BETTER_AUTH_URL beside it, or BETTER_AUTH_ISSUER and BETTER_AUTH_AUDIENCE")
        return value
