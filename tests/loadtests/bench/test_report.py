"""A run as its starter reads it: figures with ranges and targets, and what was missed."""

from loadtests.bench import report
from tests.loadtests.bench.records import a_record, came_to


def test_a_row_shows_median_range_and_target() -> None:
    """Each figure on a line of its own; one without a target has no verdict."""
    record = a_record(came_to(0, 8, 0.7, 80), came_to(0, 9, 0.75, 90), came_to(0, 30, 0.9, 85))
    lines = [" ".join(line.split()) for line in report.row_lines(record.rows[0])]
    assert lines == [
        "chats: Chats at once | of all (12 s)",
        "errors 0 (0) 0 met",
        "added wait, p50 9 ms (8 to 30 ms) ≤ 10 ms met",
        "chats a second, of the relay's 0.75 × (0.7 to 0.9 ×) ≥ 0.8 × MISSED",
        "CPU a token 85 µs (80 to 90 µs)",
    ]


def test_what_was_missed_is_named_at_the_end() -> None:
    """Missed targets, rows that broke off, a load that was not the targets'."""
    record = a_record(came_to(0, 8, 0.7, 80), came_to(2, 8, 0.7, 80), broken="RuntimeError: no port", scale=0.5)
    assert report.closing_lines(record) == [
        "MISSED  chats: errors: 2, target 0",
        "MISSED  chats: chats a second, of the relay's: 0.7 ×, target ≥ 0.8 ×",
        "BROKEN  start: RuntimeError: no port",
        "NOTE    at 0.5 of the load that the targets are about",
    ]
    assert report.row_lines(record.rows[1])[1] == "  broke off: RuntimeError: no port"


def test_a_run_that_met_all_says_so() -> None:
    """Silence could also be a run that measured nothing."""
    assert report.closing_lines(a_record(came_to(0, 8, 0.9, 80))) == ["Every target was met."]
