"""Settings → ports, keys and the rules of who may call: the only place that names an adapter.

Nothing here connects to anything: adapters open what they need at their first use, in the worker that uses it.
"""

from lectern.wiring.accounts import build_account_desk, build_people_desk
from lectern.wiring.budgets import build_budgets
from lectern.wiring.counters import build_rules
from lectern.wiring.data import has_pages, has_schema, indexed_content, migrate, note_indexed_content
from lectern.wiring.doctor import examine
from lectern.wiring.keys import ENDS_WITH_CONTAINER, build_keyring
from lectern.wiring.mcp import build_mcp
from lectern.wiring.models import build_embeddings, fetch_embedding_model
from lectern.wiring.origins import build_origin_rules
from lectern.wiring.ports import build_index, build_ports, rekey
from lectern.wiring.study import build_study_desk
from lectern.wiring.tasks import build_assistant, build_assistant_rules
from lectern.wiring.turns import build_neighbours

__all__ = [
    "ENDS_WITH_CONTAINER",
    "build_account_desk",
    "build_assistant",
    "build_assistant_rules",
    "build_budgets",
    "build_embeddings",
    "build_index",
    "build_keyring",
    "build_mcp",
    "build_neighbours",
    "build_origin_rules",
    "build_people_desk",
    "build_ports",
    "build_rules",
    "build_study_desk",
    "examine",
    "fetch_embedding_model",
    "has_pages",
    "has_schema",
    "indexed_content",
    "migrate",
    "note_indexed_content",
    "rekey",
]
