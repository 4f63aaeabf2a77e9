"""Why a deployment stops: one message for the person who asked for it, and an exit code."""

import os
from typing import Final

REFUSED: Final = os.EX_NOPERM
"""The Hub does not let this token do it, or asks for a plan."""
UNUSABLE: Final = os.EX_DATAERR
"""What was given cannot be deployed: no page, a secret in a file, a Space that is not ours."""
FAILED: Final = os.EX_UNAVAILABLE
"""The Space took the commit and does not run it."""
LATER: Final = os.EX_TEMPFAIL
"""Nothing is wrong here; the same command may work in a while."""
UNSET: Final = os.EX_CONFIG
"""Required variables are missing."""


class DeployError(Exception):
    """The deployment stops.

    Attributes:
        message: What is wrong and what to do about it; never a secret's value.
        exit_code: One of this module's.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code
