"""Who calls a tool, and what the tools are made of."""

from dataclasses import dataclass
from urllib.parse import urljoin

from lectern.chat.endpoints import ChatConfig
from lectern.ports import Ports
from lectern.web.access import Caller


@dataclass(frozen=True, slots=True)
class Asker:
    """One caller of one tool.

    Attributes:
        caller: As any route knows it.
        ports: Who is asked.
        chat: What the chat API is configured with.
        here: The address at which this service was asked.
    """

    caller: Caller
    ports: Ports
    chat: ChatConfig
    here: str

    def link(self, href: str) -> str:
        """A link that opens from anywhere: those to pages that are not published are relative."""
        return urljoin(self.here, href)
