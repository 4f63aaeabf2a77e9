"""Writes what the real Docusaurus made into the test data.

usage: keep.py NASTY_JSON [REDUX_JSON REDUX_DOCS]

Each file holds `path → {route, title, anchors}`; the Redux pages carry their front matter and heading lines as well, so
that their routes and anchors are checked where the corpus is not at hand.
"""

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MATTER_KEYS = ("id:", "slug:", "title:")


def outline(text: str) -> str:
    """A page's front matter lines that decide its route and title, and its heading lines outside of code."""
    lines = text.split("\n")
    matter = lines[1 : lines.index("---", 1)] if lines[0] == "---" else []
    kept = ["---", *(line for line in matter if line.startswith(MATTER_KEYS)), "---"] if matter else []
    fence = ""
    for line in lines[len(matter) + 2 if matter else 0 :]:
        bare = line.strip()
        if fence:
            fence = "" if bare.startswith(fence) and not bare.strip("`") else fence
        elif bare.startswith("```"):
            fence = bare[: len(bare) - len(bare.lstrip("`"))]
        elif bare.lstrip("> ").startswith("#"):
            kept += ["", line]
    return "\n".join(kept)


def write(name: str, data: dict[str, Any]) -> None:
    """Write JSON with one page a line, in order, so that a difference names the page."""
    lines = [f"{json.dumps(key)}: {json.dumps(data[key], ensure_ascii=False, sort_keys=True)}" for key in sorted(data)]
    (HERE / name).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def main(nasty: str, redux: str = "", docs: str = "") -> None:
    """Renew the test data; the Redux part stays as it is when it was not built."""
    write("nasty.json", json.loads(Path(nasty).read_text(encoding="utf-8")))
    if redux:
        pages = json.loads(Path(redux).read_text(encoding="utf-8"))
        for path, page in pages.items():
            page["outline"] = outline((Path(docs) / path).read_text(encoding="utf-8"))
        write("redux.json", pages)


if __name__ == "__main__":
    main(*sys.argv[1:])
