"""The front ends' suites: one real service, and pages of the two places where front ends are served from."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from tests.frontends.page import Page
from tests.service_process import running_service
from tests.serving.servers import Served

DEVELOPMENT = "http://localhost:3000"
PREVIEW = "https://book-git-main-team.vercel.app"
STRANGER = "https://evil.vercel.app"


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service that keeps accounts of its own, behind a proxy on this machine that ends TLS."""
    folder = tmp_path_factory.mktemp("service")
    settings = {
        "CORS_ALLOWED_ORIGINS": f"{DEVELOPMENT},https://*-team.vercel.app",
        "FORWARDED_ALLOW_IPS": "127.0.0.1",
        "SECRET_KEY": "a-secret-of-the-tests-own-0123456789abcdef",
        "MIN_CONFIDENCE": "0",  # whether these pages answer a question must not hang on what stands in them today
    }
    with running_service(folder, **settings) as served:
        yield served


@pytest.fixture(params=["development", "preview"])
def open_page(request: pytest.FixtureRequest, service: Served) -> Callable[[], Page]:
    """Opens the front end in a browser of its own: a developer's, or a reader's of a preview on Vercel."""
    if request.param == "development":
        return lambda: Page(DEVELOPMENT, f"http://localhost:{service.port}", service.port)
    return lambda: Page(PREVIEW, "https://ask.example.org", service.port)


@pytest.fixture
def page(open_page: Callable[[], Page]) -> Page:
    """The front end in one browser."""
    return open_page()


@pytest.fixture
def stranger(service: Served) -> Page:
    """A page of somebody who may not call."""
    return Page(STRANGER, "https://ask.example.org", service.port)


@pytest.fixture
def email() -> str:
    """An address that nobody has signed up with."""
    return f"reader-{uuid4().hex[:12]}@example.org"
