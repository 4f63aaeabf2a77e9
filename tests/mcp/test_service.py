"""The SDK's own client against a real service with two workers."""

import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from mcp import Client, MCPError
from tests.mcp.agents import HEADERS, MODES, Mode, agent, call, message, text_of
from tests.service_process import run_verb, running_service
from tests.serving.servers import Served, until
from tests.stub_process import running_stub
from tests.test_service_limits import workers
from tests.test_service_visitors import stopped

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Lectern's own docs, and answers that quote them."""
    with running_service(tmp_path_factory.mktemp("service")) as running:
        yield running


def post(service: Served, content: str, **headers: str) -> httpx2.Response:
    """One message by hand."""
    url = f"http://127.0.0.1:{service.port}/mcp"
    return httpx2.post(url, content=content, headers=HEADERS | headers, timeout=60)


@pytest.mark.parametrize("mode", MODES)
async def test_an_agent_searches_and_asks(service: Served, mode: Mode) -> None:
    """It finds both tools with what it must know of them, links that open, and an answer that it can follow up."""
    async with agent(service.port, mode=mode) as client:
        assert client.server_info is not None
        assert client.server_info.name == "lectern"
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {"search_docs", "ask_docs"}
        assert tools["search_docs"].annotations is not None
        assert tools["search_docs"].annotations.read_only_hint is True
        # The client holds the answers to the tools' output schemas, and raises where they do not fit.
        found = await client.call_tool("search_docs", {"query": "deploy to a Space", "top_k": 2})
        [first, _] = found.structured_content["sources"]
        assert set(first) == {"title", "heading", "url", "quote", "site"}
        assert text_of(found).startswith(f"[1] {first['title']}")
        assert httpx2.get(first["url"]).status_code == 200
        asked = await client.call_tool("ask_docs", {"question": "How do I deploy to a Space?"})
        answer = asked.structured_content
        assert answer["outcome"] == "answered"
        assert "[1]" in answer["answer"]
        assert answer["sources"]
        again = {"question": "And how is it updated?", "conversation_id": answer["conversation_id"]}
        followed = await client.call_tool("ask_docs", again)
        assert followed.structured_content["conversation_id"] == answer["conversation_id"]


async def test_any_worker_answers_any_request(service: Served) -> None:
    """What one worker has begun the other goes on with: no session is kept anywhere."""
    one, other = workers(service)
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    with stopped(one):
        begun = post(service, message("initialize", hello))
        assert begun.json()["result"]["protocolVersion"] == "2025-11-25"
        assert "mcp-session-id" not in begun.headers
    with stopped(other):
        listed = post(service, message("tools/list"), **{"MCP-Protocol-Version": "2025-11-25"})
        assert len(listed.json()["result"]["tools"]) == 2


async def searched(client: Client, *, times: int) -> None:
    """Call a tool this often."""
    for _ in range(times):
        await client.call_tool("search_docs", {"query": "deploy"})


async def test_who_asks_too_often_is_told(tmp_path: Path) -> None:
    """By both protocols the client says why, and the answer has the status and headers of any other route."""
    with running_service(tmp_path, LIMITS="address=6/hour") as service:
        async with agent(service.port) as newest, agent(service.port, mode="legacy") as older:
            for client in (newest, older):
                with pytest.raises(MCPError, match=r"Too many requests.*\(rate_limited\)"):
                    await searched(client, times=7)
        refused = post(service, message("ping"))
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) > 0
        assert refused.headers["RateLimit-Remaining"] == "0"
        assert refused.json()["error"]["data"]["error"] == "rate_limited"


async def test_a_call_under_way_ends_before_its_worker(tmp_path: Path) -> None:
    """SIGTERM in the middle of an answer: the agent gets all of it, and the service ends without a complaint."""
    with running_stub() as stub:
        env = {"OPENAI_API_KEY": "x", "OPENAI_BASE_URL": stub.base_url, "OPENAI_MODEL": "stub-ttft1500-itl20-len40"}
        with running_service(tmp_path, **env) as service:
            answers: list[httpx2.Response] = []
            asking = threading.Thread(
                target=lambda: answers.append(post(service, call("ask_docs", question="How do I deploy to a Space?")))
            )
            asking.start()
            until(lambda: stub.stats()["open"] == 1)
            service.signal(signal.SIGTERM)
            asking.join(60)
            [answer] = answers
            result = answer.json()["result"]["structuredContent"]
            assert (result["finish"], result["degraded"]) == ("stop", {})
            assert service.exit_code() == 0
            assert "Traceback" not in service.log
            assert "ERROR" not in service.log


def test_only_what_there_is_can_be_installed(tmp_path: Path) -> None:
    """A misspelt set is told, and installs nothing."""
    done = run_verb(tmp_path, "install", "mpc")
    assert done.returncode == 64
    assert "mcp or dev" in done.stderr


def statuses(service: Served) -> set[int]:
    """What `/mcp` answers to each method."""
    url = f"http://127.0.0.1:{service.port}/mcp"
    return {httpx2.request(method, url, headers=HEADERS).status_code for method in ("GET", "POST", "DELETE")}


def test_switched_off_there_is_nothing(tmp_path: Path) -> None:
    """`MCP=off`: 404, as anywhere where there is nothing."""
    with running_service(tmp_path, MCP="off") as service:
        assert statuses(service) == {404}


def test_without_the_sdk_there_is_nothing(tmp_path: Path) -> None:
    """A Python that has all packages but the SDK: the service runs as ever, and `/mcp` is 404."""
    here = Path(sys.prefix, "lib", f"python{sys.version_info.major}.{sys.version_info.minor}", "site-packages")
    python = tmp_path / "python"
    bare = python / here.relative_to(sys.prefix)
    bare.mkdir(parents=True)
    for entry in here.iterdir():
        if not entry.name.startswith("mcp"):
            (bare / entry.name).symlink_to(entry)
    shutil.copy(Path(sys.prefix, "pyvenv.cfg"), python)
    (python / "bin").mkdir()
    (python / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    path = f"{python / 'bin'}:{os.environ['PATH']}"
    with running_service(tmp_path, PATH=path, VIRTUAL_ENV=str(python)) as service:
        assert statuses(service) == {404}
        url = f"http://127.0.0.1:{service.port}/search"
        assert httpx2.post(url, json={"query": "deploy"}).status_code == 200
