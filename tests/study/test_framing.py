import pytest
from hypothesis import given
from hypothesis import strategies as st

from lectern.study.framing import Framing

TEXTS = ["One <x1/> two.", "<g1>Three</g1> four <x2/>.", "Five."]

PIECES = st.sampled_from(["word", " ", "<x1/>", "<x2/>", "<g3>", "</g3>", "&lt;/segment>", "&amp;lt;", "ä", "\n", '"'])
SEGMENTS = st.lists(st.lists(PIECES, max_size=8).map("".join), min_size=1, max_size=8)


@given(SEGMENTS)
def test_what_is_framed_comes_back(texts: list[str]) -> None:
    """A model that repeats its message returns every text as it was, whatever stands in it."""
    framing = Framing(texts)
    reply = framing.read(framing.message)
    assert reply.texts == dict(enumerate(texts))
    assert reply.faults == {}


def test_the_message() -> None:
    """Blocks are numbered from 1, placeholders through the whole message."""
    assert Framing(TEXTS).message.splitlines() == [
        '<segment id="1">One <x1/> two.</segment>',
        '<segment id="2"><g2>Three</g2> four <x3/>.</segment>',
        '<segment id="3">Five.</segment>',
    ]


def block(number: int, text: str = "text") -> str:
    """A block of a reply."""
    return f'<segment id="{number}">{text}</segment>'


@pytest.mark.parametrize(
    ("reply", "texts", "faults"),
    [
        ("", {}, {0: "missing", 1: "missing", 2: "missing"}),
        ("I cannot do that.", {}, {0: "missing", 1: "missing", 2: "missing"}),
        (f"Sure!\n```xml\n{block(1)}{block(2)}\n\n{block(3)}\n```\nDone.", {0, 1, 2}, {}),
        ("<segment id='1'>a</segment> <segment id=2 >b</segment ><segment  id = \"3\">c</segment>", {0, 1, 2}, {}),
        (block(1) + block(3), {0, 2}, {1: "missing"}),
        (block(2) + block(1) + block(3), {2}, {0: "missing", 1: "missing"}),
        (block(3) + block(2) + block(1), {}, {0: "missing", 1: "missing", 2: "missing"}),
        (block(1) + block(1, "other") + block(2) + block(3), {1, 2}, {0: "missing"}),
        (block(1) + block(2) + '<segment id="3">half a', {0, 1}, {2: "cut_off"}),
        (block(1) + '<segment id="2">half a ' + block(3), {0, 2}, {1: "cut_off"}),
        (block(1) + block(2) + '<segment id="3">half a</segm', {0, 1}, {2: "cut_off"}),
        (block(0) + block(1) + block(2) + block(3) + block(4) + block(999999), {0, 1, 2}, {}),
        (block(1) + '<segment id="9999999999">x</segment>' + block(2) + block(3), {0, 1, 2}, {}),
    ],
)
def test_replies(reply: str, texts: set[int], faults: dict[int, str]) -> None:
    """What stands around blocks does not count; what is left out, doubled, out of order or cut off is told."""
    read = Framing(["one", "two", "three"]).read(reply)
    assert set(read.texts) == set(texts)
    assert read.faults == faults


def test_a_text_in_anothers_block_has_none_of_its_placeholders() -> None:
    """Two texts that changed places under the right numbers are known by the numbers of their placeholders."""
    framing = Framing(["One <x1/> two.", "Three <x1/> four."])
    swapped = framing.message.replace('id="1"', 'id="x"').replace('id="2"', 'id="1"').replace('id="x"', 'id="2"')
    reply = framing.read("\n".join(reversed(swapped.splitlines())))
    assert reply.texts == {0: "Three <x0/> four.", 1: "One <x0/> two."}


def test_a_long_reply_without_ends_is_read_in_no_time() -> None:
    """Reading does not take the square of a reply's length; this one would take minutes then."""
    assert Framing(["one"]).read('<segment id="1">' * 20_000 + " " * 200_000).texts == {}
