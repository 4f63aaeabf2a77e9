"""The pages of a real documentation site, where it is at hand."""

import os
from pathlib import Path

SHARED = Path(__file__).parents[3] / "shared"
CORPUS = Path(os.environ.get("LECTERN_CORPUS", SHARED / "corpora" / "redux-docs" / "docs"))
PAGES = tuple(sorted(CORPUS.rglob("*.md*"))) if CORPUS.is_dir() else ()
