"""All tables, for what must know each of them: migrations and their tests."""

from typing import Final

from lectern.adapters import sql_task_models, sql_turn_models  # noqa: F401 - tables are known once their module is imported
from lectern.adapters.sql_models import Base

METADATA: Final = Base.metadata
