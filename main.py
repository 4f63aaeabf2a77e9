"""`app`, for any ASGI host: `uvicorn main:app`, `gunicorn main:app -c gunicorn.conf.py`, a Python Space."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "src"))

from lectern.app import create_app

app = create_app()
