"""What a process has at hand of its last requests."""

from lectern.study.recent import Recent


def test_the_last_that_were_asked_for_are_kept() -> None:
    """One more than there is room for sends off the one that was not asked for longest."""
    recent: Recent[str, int] = Recent(2, seconds=10, clock=lambda: 0.0)
    recent.put("a", 1)
    recent.put("b", 2)
    assert recent.get("a") == 1
    recent.put("c", 3)
    assert [recent.get(key) for key in "abc"] == [1, None, 3]
    recent.put("a", 4)
    assert [recent.get(key) for key in "ac"] == [4, 3]


def test_nothing_is_kept_for_good() -> None:
    """A value's time runs from when it was put, however often it is asked for."""
    now = [0.0]
    recent: Recent[str, int] = Recent(2, seconds=10, clock=lambda: now[0])
    recent.put("a", 1)
    now[0] = 9.9
    assert recent.get("a") == 1
    now[0] = 10.0
    assert recent.get("a") is None
    recent.put("a", 2)
    now[0] = 19.9
    assert recent.get("a") == 2
