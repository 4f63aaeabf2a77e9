import time
from pathlib import Path

import pytest

from lectern.ingest.includes import Includes


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with files to include and a secret beside it."""
    docs = tmp_path / "docs"
    (docs / "sub").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("secret")
    (docs / "a.txt").write_text("one\ntwo\nthree\nfour\n")
    (docs / "sub" / "b.md").write_text("B {{#include ../a.txt:1}}\n")
    (docs / "marked.rs").write_text("x\n// ANCHOR: here\ninside\n// ANCHOR_END: here\ny\n")
    (docs / "marked.py").write_text("x\n# --8<-- [start:here]\ninside\n# --8<-- [end:here]\ny\n")
    (docs / "_p.mdx").write_text("Partial")
    return docs


@pytest.mark.parametrize(
    ("written", "expanded"),
    [
        ("{{#include a.txt}}", "one\ntwo\nthree\nfour"),
        ("{{ #include a.txt:2 }}", "two"),
        ("{{#include a.txt:2:3}}", "two\nthree"),
        ("{{#include a.txt:3:}}", "three\nfour"),
        ("{{#include a.txt::2}}", "one\ntwo"),
        ("{{#include marked.rs}}", "x\ninside\ny"),
        ("{{#rustdoc_include marked.rs:here}}", "inside"),
        ("{{#playground a.txt editable}}", "one\ntwo\nthree\nfour"),
        ("{{#title A title}}x", "x"),
        ("\\{{#include a.txt}}", "{{#include a.txt}}"),
        ('--8<-- "a.txt:1:2"', "one\ntwo"),
        ("    --8<-- 'a.txt:1:2'", "    one\n    two"),
        ('--8<-- "marked.py:here"', "inside"),
        ('--8<-- "docs/a.txt:4"', "four"),
        (';--8<-- "a.txt"', '--8<-- "a.txt"'),
        ("--8<--\na.txt:1\n\nsub/b.md\n--8<--", "one\n\nB one"),
        ("{{#include sub/b.md}}", "B one"),
        ("{{#include nowhere.md}}", ""),
        ("{{#include ../secret.txt}}", ""),
        ("{{#include /etc/hostname}}", ""),
        ("{{#include sub/../../secret.txt}}", ""),
        ("{{#include a.txt:nomark}}", ""),
        ("{{ name }} 8< {{#each x}}", "{{ name }} 8< {{#each x}}"),
    ],
)
def test_marks_give_way_to_texts(root: Path, written: str, expanded: str) -> None:
    """The forms of mdBook and pymdown are filled in; what is missing or outside the folder gives nothing."""
    assert Includes(root).expand("page.md", written) == expanded


def test_a_link_does_not_lead_outside(root: Path) -> None:
    """A symbolic link below the folder is no way around its edge."""
    (root / "link.txt").symlink_to("../secret.txt")
    assert Includes(root).expand("page.md", "{{#include link.txt}}") == ""


def test_cycles_end(root: Path) -> None:
    """Files that include each other, or themselves, are each shown once on the way."""
    (root / "x.md").write_text("X {{#include y.md}}")
    (root / "y.md").write_text("Y {{#include x.md}} {{#include y.md}}")
    assert Includes(root).expand("x.md", "X {{#include y.md}}") == "X Y  "


def test_bombs_are_bounded(root: Path) -> None:
    """Doubling at each of many levels ends by count, depth and size."""
    for level in range(30):
        (root / f"{level}.md").write_text(f"word {{{{#include {level + 1}.md}}}} {{{{#include {level + 1}.md}}}}")
    (root / "big.md").write_text("x" * 1_000_000)
    started = time.process_time()
    assert len(Includes(root).expand("page.md", "{{#include 0.md}}")) < 10_000
    assert len(Includes(root).expand("page.md", "{{#include big.md}}" * 100)) <= 5_000_000
    assert time.process_time() - started < 20


def test_partials_are_found(root: Path) -> None:
    """Imports of Markdown files give names and paths, beside the page or from the site; others do not."""
    text = (
        "import P from './_p.mdx'\nimport Q from '@site/docs/_p.mdx';\nimport R from '../_p.mdx'\n"
        "import Tabs from '@theme/Tabs'\nimport S from './_missing.mdx'\nimport T from '../../secret.md'\n"
    )
    includes = Includes(root)
    assert includes.partials("page.mdx", text) == {"P": "_p.mdx", "Q": "_p.mdx"}
    assert includes.partials("sub/page.mdx", text)["R"] == "_p.mdx"
    assert includes.partials("page.mdx", "No code") == {}


def test_closure_names_all_that_a_page_depends_on(root: Path) -> None:
    """Includes of includes, partials and missing files are named once each; the same ones every time."""
    text = "import P from './_p.mdx'\n\n{{#include sub/b.md}}\n\n--8<-- \"a.txt\"\n\n{{#include later.md}}\n"
    closure = dict(Includes(root).closure("page.md", text))
    assert closure == {
        "_p.mdx": "Partial",
        "sub/b.md": "B {{#include ../a.txt:1}}\n",
        "a.txt": "one\ntwo\nthree\nfour\n",
        "page.md: later.md": "",
    }
