from lectern.study.flights import Flights, Landing


async def test_one_works_and_the_others_are_told() -> None:
    """Of those who want a key one gets it, also when it asks again; the others get what comes of it."""
    flights = Flights()
    assert flights.take("key", "ann") is None
    assert flights.take("key", "ann") is None
    future = flights.take("key", "ben")
    assert future is not None
    flights.land("key", "ben", Landing("not ben's to land"))
    assert not future.done()
    flights.land("key", "ann", Landing("text"))
    assert await future == Landing("text")
    assert flights.take("key", "ben") is None


async def test_what_is_given_up_is_there_to_be_taken() -> None:
    """Who gives up tells so, and another takes the key."""
    flights = Flights()
    flights.take("key", "ann")
    future = flights.take("key", "ben")
    flights.land("key", "ann", None)
    assert future is not None
    assert await future is None
    assert flights.take("key", "ben") is None


def test_a_failure_is_remembered_for_a_while() -> None:
    """For ten minutes, and of many only the last ones."""
    now = 0.0
    flights = Flights(now=lambda: now)
    flights.fail("key", "length")
    assert (flights.failed("key"), flights.failed("other")) == ("length", None)
    now = 599
    assert flights.failed("key") == "length"
    now = 600
    assert flights.failed("key") is None
    for number in range(10_001):
        flights.fail(str(number), "length")
    assert (flights.failed("0"), flights.failed("1"), flights.failed("10000")) == (None, "length", "length")
