"""The last good keys of a login server on disk: for when it cannot be reached, and for the other workers."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lectern import key_set
from lectern.adapters import whole_file
from lectern.adapters.jwt_verification import VerifyingKeys
from lectern.key_set import RefusedKeys

MOST_AGE_SECONDS: Final = 30 * 86_400.0
"""Keys of that age are not used: Better Auth's own servers drop a replaced key after 30 days (its `gracePeriod`)."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """Keys, and when their server showed them.

    Attributes:
        keys: Ready for use.
        at: Seconds since 1970.
    """

    keys: VerifyingKeys
    at: float


def may_be_believed(fetched_at: float, now: float) -> bool:
    """Whether keys of that moment are not too old. Clocks are set back, so it may be a moment to come, too."""
    return abs(now - fetched_at) <= MOST_AGE_SECONDS


class JwksFile:
    """One file. Its verbs block.

    Args:
        path: Where it is; the folder is made when it is missing.
        source: The address of the keys; a file that another address wrote is as none.
    """

    def __init__(self, path: Path, source: str) -> None:
        self._path = path
        self._source = source

    def read(self, now: float) -> Fetched | None:
        """The keys, judged as those that come from the server; None when there are none that may be used at `now`."""
        try:
            with self._path.open("rb") as file:
                text = file.read(key_set.MOST_BYTES + 1)
            keys = VerifyingKeys(key_set.read(text))
            held = json.loads(text)
            fetched_at = float(held["fetched_at"])
        except (OSError, RefusedKeys, ValueError, TypeError, LookupError, OverflowError):
            return None
        if held.get("source") != self._source or not may_be_believed(fetched_at, now):
            return None
        return Fetched(keys, fetched_at)

    def write(self, fetched: Fetched) -> None:
        """Keep them.

        Raises:
            OSError: The disk cannot be written.
        """
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        held = {"source": self._source, "fetched_at": fetched.at, "keys": fetched.keys.jwks}
        whole_file.write(self._path, json.dumps(held).encode())
