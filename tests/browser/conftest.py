"""The browser suite's fixtures: a real Chromium, a real Lectern, and a documentation site of another origin.

It runs alone (`make test-browser`): what drives the browser keeps a loop running in this thread, so async tests cannot.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, expect, sync_playwright
from tests.browser.servers import Edge, Site, running_edge, running_site
from tests.service_process import UP, environment
from tests.serving.servers import ROOT, Served, until
from tests.stub_process import running_stub

GUIDE = Path(__file__).parent / "guide"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


_PATIENCE = 20_000  # milliseconds, on a machine that has other work


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """What drives the browser; skipped where there is none, except in CI."""
    if not CHROMIUM:
        assert not os.environ.get("CI"), "CI runs the browser suite: tests/browser/install.sh"
        pytest.skip("no Chromium here: tests/browser/install.sh, or your package manager")
    expect.set_options(timeout=_PATIENCE)
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """The browser."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """The documentation site: `docs` of its names may call Lectern, `foreign` may not."""
    with running_site() as site:
        yield site


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, site: Site) -> Path:
    """A data folder with the guide's index."""
    folder = tmp_path_factory.mktemp("prepared")
    command = ["./entrypoint.sh", "ingest", str(GUIDE), "--site", "guide", "--base-url", site.origin("docs")]
    subprocess.run(command, cwd=ROOT, env=environment(folder), check=True, capture_output=True, timeout=60)
    return folder


@pytest.fixture(scope="session")
def serve(prepared: Path, site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Starts a Lectern on the guide with these variables; gives its address."""
    with ExitStack() as running:

        def start(**env: str) -> str:
            folder = tmp_path_factory.mktemp("service")
            shutil.copytree(prepared / "data", folder / "data")
            known = {"CORS_ALLOWED_ORIGINS": site.origin("docs"), "WEB_CONCURRENCY": "1", "MIN_CONFIDENCE": "0"}
            served = Served(["./entrypoint.sh"], folder, ROOT, environment(folder, **(known | env)))
            running.callback(served.close)
            until(lambda: UP.search(served.log) is not None or served.process.poll() is not None)
            assert UP.search(served.log), served.log
            return f"http://127.0.0.1:{served.port}"

        yield start


@pytest.fixture(scope="session")
def lectern(serve: Callable[..., str]) -> str:
    """A Lectern that quotes: no key, no model."""
    return serve()


@pytest.fixture(scope="session")
def talkative(serve: Callable[..., str]) -> Iterator[str]:
    """A Lectern whose model is slow, and breaks off in the middle of every second answer."""
    with running_stub() as stub:
        yield serve(
            OPENAI_API_KEY="sk-browser", OPENAI_BASE_URL=stub.base_url, OPENAI_MODEL="stub-itl50-len80-error8-flaky2"
        )


@pytest.fixture
def edge(lectern: str) -> Iterator[Edge]:
    """An edge before the Lectern that quotes."""
    with running_edge(int(lectern.rpartition(":")[2])) as edge:
        yield edge


class Visitor:
    """Opens pages, and keeps every complaint of the browser: console errors, defects, policy violations.

    Attributes:
        expected: Texts; a complaint that holds one of them is part of the test.
        tolerated: Texts of complaints that may come, or not.
    """

    def __init__(self, browser: Browser, *expected: str) -> None:
        self.expected = list(expected)
        self.tolerated: list[str] = []
        self._browser = browser
        self._complaints: list[str] = []

    def page(self, *, width: int = 1000, height: int = 800, scheme: str = "light") -> Page:
        """A new page, in a context of its own."""
        context = self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
        )
        page = context.new_page()
        self.watch(page)
        return page

    def watch(self, page: Page) -> None:
        """Keep what the browser says of a page."""
        page.set_default_timeout(_PATIENCE)
        page.on("console", self._note)
        page.on("pageerror", lambda error: self._complaints.append(str(error)))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._complaints.append(f"{message.type}: {message.text}")

    def check(self) -> None:
        """Nothing was said but what the test expects, and all of that was."""
        known = (*self.expected, *self.tolerated)
        strange = [said for said in self._complaints if not any(text in said for text in known)]
        assert strange == []
        for text in self.expected:
            assert any(text in said for said in self._complaints), text


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[Visitor]:
    """Opens pages; after the test the browser must have had nothing to complain of."""
    before = list(chromium.contexts)
    visitor = Visitor(chromium)
    yield visitor
    for context in chromium.contexts:
        if context not in before:
            context.close()
    visitor.check()
