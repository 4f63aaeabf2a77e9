"""Where turns under way are written down, wired from settings."""

from pathlib import Path
from uuid import uuid4

from lectern.adapters.sql_migrations import migrate
from lectern.config import Settings
from lectern.ports import JournalHead
from lectern.wiring import build_ports


async def test_two_servers_of_one_database_share_it(tmp_path: Path) -> None:
    """What one writes down the other reads, and deleting the conversation in one ends it in both."""
    settings = Settings(_env_file=None, data_dir=tmp_path)
    migrate(settings.sqlalchemy_url)
    one, other = (build_ports(settings, database_connections=2, search_threads=1) for _ in range(2))
    assert one.journal is not None
    assert other.journal is not None
    head = JournalHead(str(uuid4()), str(uuid4()), "visitor:a", "Why?")
    await one.journal.append(head, 1, [["delta", {"text": "So"}]], seconds=60)
    page = await other.journal.read(head.turn_id)
    assert page is not None
    assert page.head == head
    await other.store.delete_conversation(head.conversation_id, principal_id="visitor:a")
    assert (await one.journal.append(head, 2, [["delta", {"text": " it"}]], seconds=60)).lost
    for ports in (one, other):
        await ports.store.close()
