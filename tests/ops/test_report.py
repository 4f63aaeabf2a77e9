"""The boot report."""

from lectern.ops.report import BootReport
from lectern.ports import Part

REPORT = BootReport(
    address="http://localhost:7860",
    version="1.2.3",
    plan=["2 workers: 2 CPUs (CPU affinity)."],
    parts=[Part("store", "SQLite", "ok", "data/x.sqlite3"), Part("llm", "quoting", "ok")],
    missing=[("OPENAI_API_KEY", "without it answers are quotes")],
    startup={"listening": 0.4, "imports": 0.9, "forked": 1.0, "warm": 1.1},
)


def test_the_report_tells_all_there_is() -> None:
    """Address, workers and why, each part with kind and state, and what production needs."""
    text = REPORT.text()
    for part in (
        "Lectern 1.2.3 is up: http://localhost:7860",
        "2 workers: 2 CPUs (CPU affinity).",
        "store      SQLite, ok (data/x.sqlite3)",
        "OPENAI_API_KEY  without it answers are quotes",
        "Started in 1.1 s: listening at 0.4, imports at 0.9, forked at 1.",
    ):
        assert part in text


def test_programs_read_the_same() -> None:
    """The fields of the log line hold what the text says."""
    fields = REPORT.fields()
    assert fields["address"] == "http://localhost:7860"
    assert fields["startup_seconds"] == {"listening": 0.4, "imports": 0.9, "forked": 1.0, "warm": 1.1}
    assert fields["missing"] == {"OPENAI_API_KEY": "without it answers are quotes"}
    assert fields["parts"] == [
        {"name": "store", "kind": "SQLite", "state": "ok", "note": "data/x.sqlite3"},
        {"name": "llm", "kind": "quoting", "state": "ok", "note": ""},
    ]
