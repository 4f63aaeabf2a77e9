"""Settings → what a worker's live turns know of those elsewhere."""

from lectern.chat.elsewhere import Elsewhere
from lectern.chat.lookout import Lookout
from lectern.chat.neighbours import Neighbours
from lectern.chat.presence import Presence
from lectern.chat.turn_ids import TurnIds
from lectern.config import Settings
from lectern.ports import Ports
from lectern.serving import process


def build_neighbours(settings: Settings, ports: Ports, ids: TurnIds) -> Neighbours | None:
    """What joins the turns of all workers and containers; None where nothing is written down for others.

    Args:
        settings: Read from the environment.
        ports: Where turns are written down and saved.
        ids: Makes the turns' ids.
    """
    if ports.journal is None:
        return None
    roster = process.roster()
    elsewhere = Elsewhere(Lookout(ports.store, ports.journal, roster, ids, settings.request_timeout_seconds))
    return Neighbours(elsewhere, Presence(roster), ports.journal, most_followers=settings.max_followers)
