"""The structural reading that others are judged by: it must see what is broken."""

import pytest
from tests.study.structure import differences, prose_words, structure

SOURCE = """\
---
title: a
---

# b {#c}

d [e](f "g") `h` ![i](j) <b>k</b> {l} $m$ [^1] https://n.o

- p
  - q
- r

1. s

| t | u |
|---|:-:|
| v | w |

:::note[x]
y
:::

```js
z()
```

> aa

import B from 'b'

[^1]: cc
"""

BREAKS = {
    "front matter": ("title: a", "title: b", "front_matter"),
    "a heading's level": ("# b", "## b", "headings"),
    "a heading's id": ("{#c}", "{#d}", "headings"),
    "a link's target": ("(f ", "(x ", "links"),
    "a link's title": ('"g"', '"x"', "links"),
    "a lost link": ('[e](f "g")', "e", "links"),
    "code": ("`h`", "`x`", "code_spans"),
    "an image": ("(j)", "(x)", "images"),
    "a tag": ("<b>k</b>", "k", "tags"),
    "a script": ("aa", "aa <script>x</script>", "tags"),
    "an expression": ("{l}", "{x}", "expressions"),
    "math": ("$m$", "m", "math"),
    "a footnote": ("d [e]", "d[^2] [e]", "footnotes"),
    "an address": ("https://n.o", "https://x.o", "urls"),
    "nesting": ("  - q", "- q", "lists"),
    "a list's item": ("- r\n", "- r\n- x\n", "lists"),
    "a list's number": ("1. s", "2. s", "lists"),
    "a table's row": ("| v | w |\n", "| v | w |\n| x | y |\n", "tables"),
    "a table's alignment": (":-:", "---", "tables"),
    "an admonition's kind": (":::note", ":::tip", "admonitions"),
    "an admonition's end": ("y\n:::", "y", "admonitions"),
    "a code block": ("z()", "x()", "code_blocks"),
    "a code block's language": ("```js", "```ts", "code_blocks"),
    "a quote": ("> aa", "aa", "quotes"),
    "a module": ("import B", "import C", "modules"),
    "another paragraph": ("> aa", "> aa\n>\n> x", "paragraphs"),
    "a rule": ("> aa", "> aa\n\n---", "rules"),
}


@pytest.mark.parametrize(("old", "new", "part"), BREAKS.values(), ids=BREAKS)
def test_what_is_broken_is_seen(old: str, new: str, part: str) -> None:
    """Each kind of damage is reported under its name."""
    assert old in SOURCE
    found = differences(structure(SOURCE), structure(SOURCE.replace(old, new, 1)))
    assert part in {line.split(":")[0] for line in found}, found


def test_words_are_no_structure() -> None:
    """Other words in the same places are no difference."""
    other = (
        SOURCE.replace("\nd ", "\nother words ")
        .replace("- p", "- other")
        .replace("| t", "| other")
        .replace("y\n", "x\n")
    )
    assert differences(structure(SOURCE), structure(other)) == []


def test_order_may_be_let_go_inside_a_paragraph() -> None:
    """Word order differs between languages, so two links may change places in a sentence, and only there."""
    before = structure("[a](b) [c](d)\n\n[e](f)")
    assert differences(before, structure("[c](d) [a](b)\n\n[e](f)"), any_order=True) == []
    assert differences(before, structure("[c](d) [a](b)\n\n[e](f)"))
    assert differences(before, structure("[a](b) [e](f)\n\n[c](d)"), any_order=True)


def test_prose_is_what_is_read() -> None:
    """The words of running text are listed, those of code, tags, addresses and front matter are not."""
    assert list(prose_words(SOURCE)) == [
        "b",
        "d",
        "e",
        "k",
        "p",
        "q",
        "r",
        "s",
        "t",
        "u",
        "v",
        "w",
        "x",
        "y",
        "aa",
        "cc",
    ]
