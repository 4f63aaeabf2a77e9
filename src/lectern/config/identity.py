"""Who readers are, as far as the site's own login server says."""

from pydantic import Field, SecretStr

from lectern.config.part import SettingsPart, WebAddress


class IdentitySettings(SettingsPart):
    """The site's login server."""

    better_auth_url: WebAddress | None = Field(
        None, description="Your Better Auth server; ./entrypoint.sh check looks at it"
    )
    better_auth_secret: SecretStr | None = Field(
        None, description="That server's secret; ./entrypoint.sh check looks at its length"
    )
