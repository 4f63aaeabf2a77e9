"""Who calls a tool, and what the tools are made of."""

from collections.abc import Callable
from dataclasses import dataclass

from lectern.chat.deps import ChatConfig
from lectern.errors import LecternError
from lectern.formats.sources import source_link
from lectern.ports import Ports
from lectern.tasks.tools import Toolbox
from lectern.web.access import Caller, signed_in

Toolboxes = Callable[[str], Toolbox]
"""A principal's id → the tools for its own tasks."""


@dataclass(frozen=True, slots=True)
class Asker:
    """One caller of one tool.

    Attributes:
        caller: As any route knows it.
        ports: Who is asked.
        chat: What the chat API is configured with.
        toolboxes: Who has tasks; None where none are kept.
        here: The address at which this service was asked.
    """

    caller: Caller
    ports: Ports
    chat: ChatConfig
    toolboxes: Toolboxes | None
    here: str

    @property
    def has_tasks(self) -> bool:
        """Whether the caller can have tasks here."""
        try:
            signed_in(self.caller)
        except LecternError:
            return False
        return self.toolboxes is not None

    def link(self, href: str) -> str:
        """A link that opens from anywhere: those to pages that are not published are relative."""
        return source_link(href, self.here)
