"""`app`, for any ASGI host: `uvicorn main:app`, `gunicorn main:app -c gunicorn.conf.py`, a Python Space."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "src"))

from lectern.app import create_app
from lectern.config import ConfigError

try:
    app = create_app()
except ConfigError as error:
    # What the settings lack is a message for people, not a traceback of the server that imports this.
    sys.stderr.write(f"{error}\n")
    sys.exit(os.EX_CONFIG)
