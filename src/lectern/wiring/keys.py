"""Settings → the keyring: what everything that Lectern signs or encrypts is made with."""

from typing import Final

from lectern.config import Settings
from lectern.keyring import Keyring
from lectern.ops.secret_file import kept_secret, new_secret

ENDS_WITH_CONTAINER: Final = "visitors' ids end with this container, and accounts cannot be kept"
"""What happens without SECRET_KEY where the file that is made in its place does not last."""


def build_keyring(settings: Settings) -> Keyring:
    """The secrets of the settings; without SECRET_KEY the one that is kept in DATA_DIR, which the first use makes.

    What that file is made of is thought up here, before the fork, so that all workers of a start have the same secret
    also where nothing can be written.
    """
    earlier = [secret.encode() for secret in settings.earlier_secrets]
    if settings.secret_key is not None:
        return Keyring([settings.secret_key.get_secret_value().encode(), *earlier])
    candidate = new_secret()
    return Keyring(lambda: [kept_secret(settings.secret_key_file, candidate).encode(), *earlier])
