"""Settings → ports: the only place that names an adapter.

Nothing here connects to anything: adapters open what they need at their first use, in the worker that uses it.
"""

from lectern.wiring.doctor import examine
from lectern.wiring.models import build_embeddings, fetch_embedding_model
from lectern.wiring.ports import build_index, build_ports, migrate

__all__ = ["build_embeddings", "build_index", "build_ports", "examine", "fetch_embedding_model", "migrate"]
