"""Reads JSX and HTML by the character: where a tag, an expression or a comment ends, and which words it shows.

Works on the page's text and never past a limit, so it fits into the parser's rules. A tag longer than
`MAX_TAG` characters is no tag: unclosed quotes in a long page must not make every `<` read to the end.
"""

import re
from html import unescape

MAX_TAG = 20_000
MAX_RAW = 200_000
_NAME = re.compile(r"</?(?P<name>[A-Za-z_$][\w$]*(?:[.:-][\w$]+)*)?")
_START = re.compile(r"<(?:!|/?(?:>|[A-Za-z_$][\w$]*(?:[.:-][\w$]+)*(?=[\s/>{]|$)))")
# Inside a tag: blanks, attribute names, quoted values; what else may come is decided by its first character.
_INSIDE = re.compile(r"[\s=]+|[@\w$.:-]+(?![^\s=/>{\w])|\"[^\"]*\"|'[^']*'|/")
_BRACE_STOP = re.compile(r"[{}]|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`|/\*.*?\*/", re.DOTALL)
_STRING = re.compile(r"\{\s*(?P<quote>[\"'`])(?P<text>(?:(?!(?P=quote)).)*)(?P=quote)\s*\}", re.DOTALL)
_TEMPLATE = re.compile(r"\{\s*`(?P<text>.*)`\s*\}", re.DOTALL)
_ATTRIBUTE = re.compile(
    r"[\s\"'}](?P<name>label|title|alt|summary|heading|header|caption|description|value)\s*=\s*"
    r"(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|\{\s*[\"'`](?P<braced>[^\"'`{}]*)[\"'`]\s*\})"
)
_RAW = re.compile(r"<(?P<name>script|style|pre|svg)\b", re.IGNORECASE)
_RAW_END = {name: re.compile(rf"</{name}\s*>", re.IGNORECASE) for name in ("script", "style", "pre", "svg")}
_TAGS = re.compile(r"</?[A-Za-z][^<>]*>")


def starts_tag(src: str, position: int) -> bool:
    """Whether a tag or an HTML comment may start here; `a < b`, `Map<K, V>` and `<https://…>` start none."""
    return _START.match(src, position) is not None


def scan_angle(src: str, position: int, limit: int) -> int | None:
    """Return where the comment, raw element or tag that starts at `position` ends, or None when none does."""
    if src.startswith("<!", position):
        return _scan_comment(src, position, limit)
    if head := _RAW.match(src, position, limit):
        return _scan_raw(src, head, limit) or scan_tag(src, position, limit)
    return scan_tag(src, position, limit)


def scan_tag(src: str, position: int, limit: int) -> int | None:
    """Return where the tag that starts with the `<` at `position` ends, or None when it is no tag."""
    head = _NAME.match(src, position, limit)
    if head is None:
        return None
    cursor = head.end()
    limit = min(limit, position + MAX_TAG)
    if not head["name"]:
        return cursor + 1 if src.startswith(">", cursor) and cursor < limit else None
    while cursor < limit and src[cursor] != ">":
        stop = _scan_attribute(src, cursor, limit)
        if stop is None:
            return None
        cursor = stop
    return cursor + 1 if cursor < limit else None


def _scan_attribute(src: str, position: int, limit: int) -> int | None:
    """Where the next blank, name, value or slash inside a tag ends."""
    if src[position] == "{":
        return scan_braces(src, position, limit)
    inside = _INSIDE.match(src, position, limit)
    return inside.end() if inside else None


def scan_braces(src: str, position: int, limit: int) -> int | None:
    """Return where the `{` at `position` is closed; braces in strings and comments do not count."""
    depth = 0
    for stop in _BRACE_STOP.finditer(src, position, min(limit, position + MAX_TAG)):
        if stop[0] == "{":
            depth += 1
        elif stop[0] == "}":
            depth -= 1
            if depth == 0:
                return stop.end()
    return None


def _scan_comment(src: str, position: int, limit: int) -> int | None:
    if src.startswith("<!--", position):
        close = src.find("-->", position + 4, limit)
        return close + 3 if close >= 0 else None
    close = src.find(">", position, min(limit, position + MAX_TAG))
    return close + 1 if close >= 0 and src[position + 2].isalpha() else None


def _scan_raw(src: str, head: re.Match[str], limit: int) -> int | None:
    """Where a `script`, `style`, `svg` or `pre` element ends."""
    close = _RAW_END[head["name"].lower()].search(src, head.end(), min(limit, head.end() + MAX_RAW))
    return close.end() if close else None


def is_unclosed(element: str) -> bool:
    """Whether a raw element is its opening tag only: its end was looked for and not found."""
    return bool(_RAW.match(element)) and raw_text(element) is None and not element.endswith("/>")


def raw_text(element: str) -> str | None:
    """What a raw element shows: the text of a `pre`, nothing of the others; None when it is an ordinary tag."""
    head = _RAW.match(element)
    if head is None or not element.lower().rstrip("> \t\n").endswith("</" + head["name"].lower()):
        return None
    if head["name"].lower() != "pre":
        return ""
    template = _TEMPLATE.search(element)
    return (template["text"] if template else unescape(_TAGS.sub("", element))).strip("\n")


def tag_name(tag: str) -> str:
    """The name of an opening tag; empty for a fragment."""
    head = _NAME.match(tag)
    return (head["name"] or "") if head else ""


def tag_text(tag: str) -> str:
    """The words that a tag shows through its attributes: a tab's label, a component's title, an image's alt text."""
    name = tag_name(tag)
    found = {
        match["name"]: next(group for group in match.group("double", "single", "braced") if group is not None)
        for match in _ATTRIBUTE.finditer(tag)
    }
    if name.lower() == "img":
        return found.get("alt", "")
    if not name[:1].isupper():
        return ""
    if name != "TabItem":
        found.pop("value", None)
    elif "label" in found:
        return found["label"]
    return ". ".join(text.strip() for text in found.values() if text.strip())


def is_comment(expression: str) -> bool:
    """Whether `{…}` holds a comment and nothing else."""
    inner = expression[1:-1].strip()
    return inner.startswith("/*") and inner.endswith("*/")


def expression_text(expression: str) -> str:
    """What `{…}` shows when that can be known without running it: a string; else nothing."""
    string = _STRING.fullmatch(expression)
    return string["text"] if string and "${" not in string["text"] else ""
