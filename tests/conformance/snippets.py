"""The code in docs/http-api.md that tests run: fenced blocks whose info string says `runnable` and a name.

Only the service's address is replaced; the key comes as the variable LECTERN_KEY.
"""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.clients import installed, workshop
from tests.serving.servers import ROOT

DOCUMENT = ROOT / "docs" / "http-api.md"
ADDRESS = "localhost:7860"
"""As the document writes it."""

_FENCE = re.compile(r"^```(\w+) runnable ([\w-]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Snippet:
    """A block.

    Attributes:
        language: As GitHub colours it: `sh`, `python`, `js` or `jsx`.
        code: As it stands there.
    """

    language: str
    code: str


def snippets(text: str) -> dict[str, Snippet]:
    """The runnable blocks of a document, by their names."""
    found = _FENCE.findall(text)
    assert len({name for _, name, _ in found}) == len(found), "two blocks have one name"
    return {name: Snippet(language, code) for language, name, code in found}


def run(snippet: Snippet, folder: Path, address: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end in a folder of its own."""
    command = _command(snippet.language, snippet.code.replace(ADDRESS, address), folder)
    env = {"PATH": _path(), **env}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=100, check=False)


def _command(language: str, code: str, folder: Path) -> list[str]:
    if language == "sh":
        return ["bash", "-e", "-u", "-c", code]
    if language == "python":
        return [str(installed() / "python" / "bin" / "python"), "-c", code]
    workshop(folder)
    file = folder / f"snippet.{'mjs' if language == 'js' else language}"
    file.write_text(code, encoding="utf-8")
    return ["node", file.name] if language == "js" else ["node", "component.mjs", file.name]


def _path() -> str:
    programs = [shutil.which(name) for name in ("bash", "curl", "node")]
    return ":".join(dict.fromkeys([*(str(Path(each).parent) for each in programs if each), *("/usr/bin", "/bin")]))
