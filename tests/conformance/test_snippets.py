"""What docs/http-api.md shows is run as it stands there, against a real service."""

import json
import subprocess
from functools import partial

import pytest
from tests.conformance.asking import at_once
from tests.conformance.conftest import OpenSite, Site
from tests.conformance.snippets import DOCUMENT, run, snippets

DOCUMENTED = snippets(DOCUMENT.read_text(encoding="utf-8"))
TESTS = "/pages/lectern/#running-the-tests"
Done = dict[str, subprocess.CompletedProcess[str]]
ANSWER = "You asked: How do I run the tests?"


@pytest.fixture(scope="module")
def site(open_site: OpenSite) -> Site:
    """A service whose answers take two seconds, so that there is something to cut, resume and stop."""
    return open_site("stub-itl20-len100")


@pytest.fixture(scope="module")
def done(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """All of them, run at once: each waits for an answer most of the time."""
    address, key = site.url.removeprefix("http://"), site.key()
    folders = {name: tmp_path_factory.mktemp(name) for name in DOCUMENTED}
    return at_once(
        {name: partial(run, each, folders[name], address, LECTERN_KEY=key) for name, each in DOCUMENTED.items()}
    )


def printed(done: Done, name: str) -> str:
    """What a snippet that did not fail has printed."""
    assert done[name].returncode == 0, f"{done[name].stdout}\n{done[name].stderr}"
    return done[name].stdout


EXPECTED = {
    "native-stream": ["event: started", "event: sources", TESTS, "event: done"],
    "native-stop": ['"outcome":"cancelled"', '"finish":"stopped"'],
    "openai-curl": [ANSWER, TESTS, '"finish_reason":"stop"'],
    "openai-python": [ANSWER, TESTS, "You asked: And how long"],
    "openai-js": [ANSWER, TESTS],
    "openai-langchain": [ANSWER],
}
"""What each prints at least; the others have a test of their own."""


@pytest.mark.parametrize("name", EXPECTED)
def test_a_snippet_does_what_it_says(done: Done, name: str) -> None:
    """It runs, and prints the answer with its sources."""
    output = printed(done, name)
    assert [part for part in EXPECTED[name] if part not in output] == [], output


def test_a_stream_s_two_halves_are_the_whole(done: Done) -> None:
    """The snippet that resumes gets what the cut stream lacks: together they are one stream, with no event twice."""
    output = printed(done, "native-resume")
    ids = [int(line.removeprefix("id: ")) for line in output.splitlines() if line.startswith("id: ")]
    assert ids == sorted(set(ids))
    deltas = [json.loads(line.removeprefix("data: ")) for line in output.splitlines() if '"text"' in line]
    text = "".join(delta["text"] for delta in deltas)
    assert text.startswith(ANSWER)
    assert text.endswith("[1].")
    assert output.count("event: started") == output.count("event: done") == 1


def test_the_component_answers_and_stops(done: Done) -> None:
    """React draws question, answer and links; its stop button leaves what was said so far."""
    drawn = json.loads(printed(done, "use-chat"))
    question, answer = drawn["answered"]["texts"]
    assert question.startswith("How do I run the tests?")
    assert ANSWER in answer
    assert [link for link in drawn["answered"]["links"] if link.endswith(TESTS)]
    assert len(drawn["stopped"]["texts"][3]) < len(answer)


def test_every_snippet_is_tested() -> None:
    """One that nobody runs would be wrong before long."""
    assert set(DOCUMENTED) == {*EXPECTED, "native-resume", "use-chat"}
