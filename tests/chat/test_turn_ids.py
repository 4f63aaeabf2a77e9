"""Ids of turns: what one tells, and that nobody else's tells anything."""

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from lectern.chat.turn_ids import Made, TurnIds
from lectern.keyring import Keyring

SECRET, EARLIER = b"a-secret-of-32-bytes-0123456789ab", b"another-secret-of-32-bytes-012345"
NOW = 1_800_000_000.123


def ids(*secrets: bytes, instance: int = 0xABC, now: float = NOW) -> TurnIds:
    """Ids of a container."""
    return TurnIds(Keyring(secrets or (SECRET,)), lambda: instance, clock=lambda: now)


@given(instance=st.integers(0, 4095), now=st.floats(0, 2**37))
def test_an_id_tells_when_and_where_it_was_made(instance: int, now: float) -> None:
    """To the millisecond, and whether in this container; it is a UUID of version 8."""
    made = ids(instance=instance, now=now).new()
    assert UUID(made).version == 8
    assert UUID(made).variant == "specified in RFC 4122"
    told = ids(instance=instance, now=now).read(made)
    assert told == Made(int(now * 1000) / 1000, here=True)
    elsewhere = ids(instance=instance ^ 1, now=now).read(made)
    assert elsewhere == Made(int(now * 1000) / 1000, here=False)


def test_ids_are_different_and_in_the_order_of_time() -> None:
    """Also those of one millisecond; later ones are greater."""
    assert len({ids().new() for _ in range(1000)}) == 1000
    assert ids(now=NOW).new() < ids(now=NOW + 1).new()


@given(bit=st.integers(0, 127))
def test_an_id_that_was_changed_is_none_of_ours(bit: int) -> None:
    """Whichever of its bits."""
    assert ids().read(str(UUID(int=UUID(ids().new()).int ^ 1 << bit))) is None


def test_other_ids_tell_nothing() -> None:
    """Random ones, those of another secret, of a far future, with a key, and what is no id."""
    others = [str(uuid4()), ids(EARLIER).new(), ids(now=NOW + 400).new(), ids().keyed("a", "b"), "", "chat-1"]
    assert [ids().read(other) for other in others] == [None] * len(others)


def test_an_id_of_the_secret_before_is_still_known() -> None:
    """Who replaced the secret while turns were under way lost none."""
    made = ids(EARLIER).new()
    assert ids(SECRET, EARLIER).read(made) == Made(int(NOW * 1000) / 1000, here=True)


@given(scope=st.text(), key=st.text(), other_scope=st.text(), other_key=st.text())
def test_a_key_names_one_turn_of_its_scope(scope: str, key: str, other_scope: str, other_key: str) -> None:
    """The same in every container and at any time, and another for any other scope or key, however they are split."""
    made = ids().keyed(scope, key)
    assert made == ids(instance=1, now=NOW + 9).keyed(scope, key)
    assert UUID(made).version == 5
    assert (ids().keyed(other_scope, other_key) == made) == ((scope, key) == (other_scope, other_key))
    assert ids(EARLIER).keyed(scope, key) != made
