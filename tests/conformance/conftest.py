"""A real service with a model, and the clients that ask it."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.conformance.clients import AI_SDKS, Driver, installed, langchain, node
from tests.service_process import run_verb, running_service
from tests.stub_process import Stub, running_stub

QUESTION = "How do I run the tests?"
"""The built-in site answers it."""

_ADMIN_TOKEN = "an-operator-s-token-of-a-test-0001"
_OPERATOR = {"Authorization": f"Bearer {_ADMIN_TOKEN}"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each of these starts processes."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.process)


@dataclass(frozen=True, slots=True)
class Site:
    """A running service.

    Attributes:
        url: Where it is.
        folder: Its data and log.
    """

    url: str
    folder: Path

    @property
    def openai(self) -> str:
        """What an OpenAI client takes for OpenAI's address."""
        return f"{self.url}/v1"

    @property
    def chat(self) -> str:
        """What `useChat` takes for its `api`."""
        return f"{self.url}/api/chat"

    def key(self, **options: str) -> str:
        """A new integration's key; `limits` says how often it may ask."""
        body = {"name": "Conformance", **options}
        answer = httpx2.post(f"{self.url}/admin/keys", json=body, headers=_OPERATOR, timeout=60).raise_for_status()
        return str(answer.json()["key"])


OpenSite = Callable[..., Site]
"""Starts a service with this model, and these variables."""


class Clients:
    """The clients, each started when it is first asked for."""

    def __init__(self, stack: ExitStack, folders: Callable[[], Path]) -> None:
        self._stack = stack
        self._folders = folders
        self._started: dict[tuple[str, str], Driver] = {}

    def ai_sdk(self, version: str) -> Driver:
        """The AI SDK's transport and reader."""
        name = f"ai{AI_SDKS[version]}"
        return self._once("ai_sdk", version, lambda folder: node(folder, "ai_sdk.mjs", name))

    def use_chat(self, version: str) -> Driver:
        """A page with React's hook."""
        names = f"@ai-sdk/react{AI_SDKS[version]}", f"ai{AI_SDKS[version]}"
        return self._once("use_chat", version, lambda folder: node(folder, "use_chat.mjs", *names))

    def ai_sdks(self) -> dict[str, Driver]:
        """The AI SDK of each version, loaded: so that no start of one slows what another does."""
        return _loaded({version: self.ai_sdk(version) for version in AI_SDKS})

    def use_chats(self) -> dict[str, Driver]:
        """The pages of each version, loaded."""
        return _loaded({version: self.use_chat(version) for version in AI_SDKS})

    def openai(self) -> Driver:
        """OpenAI's SDK for JavaScript."""
        return self._once("openai", "", lambda folder: node(folder, "openai.mjs"))

    def langchain(self) -> Driver:
        """LangChain's model of OpenAI's API."""
        return self._once("langchain", "", langchain)

    def _once(self, kind: str, version: str, start: Callable[[Path], Any]) -> Driver:
        if (kind, version) not in self._started:
            self._started[kind, version] = self._stack.enter_context(start(self._folders()))
        return self._started[kind, version]


def _loaded(drivers: dict[str, Driver]) -> dict[str, Driver]:
    for driver in drivers.values():
        driver.ready()
    return drivers


@pytest.fixture(scope="session")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    """The real clients, or the end of the test where they are not installed."""
    installed()
    with ExitStack() as stack:
        yield Clients(stack, lambda: tmp_path_factory.mktemp("client"))


@pytest.fixture(scope="session")
def provider() -> Iterator[Stub]:
    """The provider of the services' models."""
    with running_stub() as stub:
        yield stub


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a schema and the built-in site."""
    folder = tmp_path_factory.mktemp("prepared")
    assert run_verb(folder, "prepare").returncode == 0
    return folder / "data"


@pytest.fixture(scope="module")
def open_site(
    clients: Clients, tmp_path_factory: pytest.TempPathFactory, provider: Stub, prepared: Path
) -> Iterator[OpenSite]:
    """Starts services, and ends them with the module."""

    @contextmanager
    def opened(model: str, **env: str) -> Iterator[Site]:
        folder = tmp_path_factory.mktemp("site")
        shutil.copytree(prepared, folder / "data")
        env = {"OPENAI_BASE_URL": provider.base_url, "OPENAI_MODEL": model, "ADMIN_TOKEN": _ADMIN_TOKEN, **env}
        with running_service(folder, **env) as served:
            yield Site(f"http://127.0.0.1:{served.port}", folder)

    with ExitStack() as stack:
        yield lambda model, **env: stack.enter_context(opened(model, **env))
