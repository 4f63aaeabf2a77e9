"""Log lines: JSON for machines, short text for a terminal, each with the request it belongs to.

Everything that logs in the process (Lectern, gunicorn, uvicorn) goes through one handler on standard output, which
drops lines rather than wait for whoever reads them.
"""

import logging
import os
import sys
from contextvars import ContextVar
from typing import Any, Literal

from lectern.ops.stdout import NeverBlocking

Format = Literal["json", "text"]

request_id: ContextVar[str] = ContextVar("request_id", default="-")
"""The id of the request that is being answered; `-` outside of one."""


class RequestIdFilter(logging.Filter):
    """Gives each record the id of the request it was written in."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add `request_id`; every record passes."""
        record.request_id = request_id.get()
        return True


def choose_format(setting: Literal["auto", "json", "text"]) -> Format:
    """Text on a terminal, JSON on a Space or where output is collected, unless the setting says otherwise."""
    if setting != "auto":
        return setting
    on_terminal = sys.stdout.isatty() and "SPACE_ID" not in os.environ
    return "text" if on_terminal else "json"


def dict_config(level: str, log_format: Format) -> dict[str, Any]:
    """The `logging.config.dictConfig` argument for the whole process.

    Args:
        level: The least severe level written: `debug`, `info`, `warning` or `error`.
        log_format: `json` or `text`, from `choose_format`.
    """
    formatters: dict[Format, dict[str, Any]] = {
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "fmt": "{asctime}{levelname}{name}{process}{request_id}{message}",
            "style": "{",
            "datefmt": "%Y-%m-%dT%H:%M:%S%z",
            "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
        },
        "text": {
            "format": "{asctime} {levelname:7} {message}",
            "style": "{",
            "datefmt": "%H:%M:%S",
        },
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": formatters[log_format]},
        "filters": {"request_id": {"()": RequestIdFilter}},
        "handlers": {
            "stdout": {
                "()": NeverBlocking,
                "formatter": "line",
                "filters": ["request_id"],
            }
        },
        "root": {"level": "WARNING", "handlers": ["stdout"]},
        "loggers": {
            "lectern": {"level": level.upper()},
            "gunicorn.error": {"level": level.upper(), "handlers": [], "propagate": True},
            "gunicorn.access": {"level": "WARNING", "handlers": [], "propagate": True},
            "uvicorn": {"level": "WARNING", "handlers": [], "propagate": True},
        },
    }
