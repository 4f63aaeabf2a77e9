"""Log lines."""

import json
import logging
import logging.config
import sys

import pytest

from lectern.ops import logs


@pytest.fixture(autouse=True)
def _restored(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process's logging is as before afterwards."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", list(root.handlers))
    monkeypatch.setattr(root, "level", root.level)


def fail() -> None:
    """Raise something foreign."""
    raise ValueError("inner")


def test_json_lines_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    """One object a line with time, level, logger, request and message; a traceback stays inside it."""
    logging.config.dictConfig(logs.dict_config("info", "json"))
    token = logs.request_id.set("abc")
    try:
        try:
            fail()
        except ValueError:
            logging.getLogger("lectern.test").exception("outer %s", "text", extra={"ms": 5})
    finally:
        logs.request_id.reset(token)
    (line,) = capsys.readouterr().out.splitlines()
    record = json.loads(line)
    assert (record["level"], record["message"], record["request_id"], record["ms"]) == ("ERROR", "outer text", "abc", 5)
    assert "ValueError: inner" in record["exc_info"]


def test_text_lines_are_short(capsys: pytest.CaptureFixture[str]) -> None:
    """A person reads time, level and message."""
    logging.config.dictConfig(logs.dict_config("info", "text"))
    logging.getLogger("lectern.test").info("hello")
    assert capsys.readouterr().out.endswith(" INFO    hello\n")


def test_the_format_follows_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Text on a terminal, JSON on a Space or in a pipe, and the setting wins."""
    monkeypatch.delenv("SPACE_ID", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert logs.choose_format("auto") == "text"
    monkeypatch.setenv("SPACE_ID", "a/b")
    assert logs.choose_format("auto") == "json"
    assert logs.choose_format("text") == "text"
    monkeypatch.delenv("SPACE_ID")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    assert logs.choose_format("auto") == "json"
