"""What a public service needs, in one table: the boot report tells it, and a Space does not start without it."""

from collections.abc import Iterable
from dataclasses import dataclass

from lectern.config.names import Misspelling


@dataclass(frozen=True, slots=True)
class Requirement:
    """One variable that a public service needs.

    Attributes:
        variable: Its name.
        secret: Whether its value must be hidden: on a Space, a secret rather than a variable.
        purpose: What it is for.
        example: The form of its value.
        consequence: What happens without it, where a start goes on.
        instead: What may be set in its place; empty for nothing.
        alternatives: The variables that `instead` names.
    """

    variable: str
    secret: bool
    purpose: str
    example: str
    consequence: str
    instead: str = ""
    alternatives: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """What a Space's settings call it."""
        return "secret" if self.secret else "variable"


REQUIREMENTS = (
    Requirement(
        variable="OPENAI_API_KEY",
        secret=True,
        purpose="the key of the language model that writes the answers",
        example="sk-proj-…",
        consequence="without it answers quote the best passages, word for word",
        instead="or a model server of your own as the variable OPENAI_BASE_URL, like https://llm.example.org/v1",
        alternatives=("OPENAI_BASE_URL",),
    ),
    Requirement(
        variable="DATABASE_URL",
        secret=True,
        purpose="the database that keeps conversations; a file in the container is gone at its next start",
        example="postgresql://user:password@host/name?sslmode=require",
        consequence="without it conversations are in a file that a new container has not",
        instead="or the same as the secret NEON_API_KEY; or, if you mean it, a file: sqlite:////data/lectern.sqlite3",
        alternatives=("NEON_API_KEY",),
    ),
    Requirement(
        variable="CORS_ALLOWED_ORIGINS",
        secret=False,
        purpose="the sites whose pages may call the API, comma-separated",
        example="https://docs.example.org",
        consequence="without it only pages on this machine may call the API",
        instead="or none, if it is read on its own page only",
    ),
)


def refusal(space_id: str, missing: Iterable[Requirement], misspellings: Iterable[Misspelling]) -> str:
    """Why a Space does not start: every missing variable, what it is for, its form, and where to set it."""
    lines = ["Lectern cannot start: this Space has not been told what it needs."]
    for requirement in missing:
        lines += ["", f"  {requirement.variable} ({requirement.kind}): {requirement.purpose}"]
        lines.append(f"    like {requirement.example}")
        if requirement.instead:
            lines.append(f"    {requirement.instead}")
        meant = {requirement.variable, *requirement.alternatives}
        lines += [f"    {misspelling}" for misspelling in misspellings if misspelling.meant in meant]
    lines += [
        "",
        "Set them in this Space's Settings, under Variables and secrets, each as the kind in brackets:",
        f"  https://huggingface.co/spaces/{space_id}/settings",
        "Or set the variable LECTERN_DEMO=1 there to start without them; the boot report says what that costs.",
    ]
    return "\n".join(lines)
