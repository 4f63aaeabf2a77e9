"""The front ends' suites: real services, and pages of the two places where front ends are served from."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from tests.frontends.page import Page
from tests.service_process import running_service
from tests.serving.servers import Served
from tests.stub_process import running_stub
from tests.study.chapters_of import BOOK_URL, written_book

DEVELOPMENT = "http://localhost:3000"
PREVIEW = "https://book-git-main-team.vercel.app"
STRANGER = "https://evil.vercel.app"


SETTINGS = {
    "CORS_ALLOWED_ORIGINS": f"{DEVELOPMENT},https://*-team.vercel.app",
    "FORWARDED_ALLOW_IPS": "127.0.0.1",
    "SECRET_KEY": "a-secret-of-the-tests-own-0123456789abcdef",
    "MIN_CONFIDENCE": "0",  # whether these pages answer a question must not hang on what stands in them today
}


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service that keeps accounts of its own, behind a proxy on this machine that ends TLS."""
    with running_service(tmp_path_factory.mktemp("service"), **SETTINGS) as served:
        yield served


@pytest.fixture(scope="session")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Such a service with a book and with a language model, for the buttons that translate and adapt."""
    folder = tmp_path_factory.mktemp("school")
    with running_stub() as stub:
        model = {"OPENAI_BASE_URL": stub.base_url, "OPENAI_MODEL": "stub", "OPENAI_API_KEY": "none"}
        pages = {"CONTENT_DIR": str(written_book(folder / "book")), "SITE_NAME": "book", "SITE_URL": BOOK_URL}
        with running_service(folder, **SETTINGS, **model, **pages) as served:
            yield served


@pytest.fixture(params=["development", "preview"])
def open_page(request: pytest.FixtureRequest, service: Served) -> Callable[[], Page]:
    """Opens the front end in a browser of its own: a developer's, or a reader's of a preview on Vercel."""
    return opener(request.param, service)


@pytest.fixture(params=["development", "preview"])
def open_chapter(request: pytest.FixtureRequest, school: Served) -> Callable[[], Page]:
    """The same, of the front end whose backend is `school`."""
    return opener(request.param, school)


def opener(where: str, served: Served) -> Callable[[], Page]:
    """Opens pages that are served from there and call this service."""
    if where == "development":
        return lambda: Page(DEVELOPMENT, f"http://localhost:{served.port}", served.port)
    return lambda: Page(PREVIEW, "https://ask.example.org", served.port)


@pytest.fixture
def page(open_page: Callable[[], Page]) -> Page:
    """The front end in one browser."""
    return open_page()


@pytest.fixture
def stranger(service: Served) -> Page:
    """A page of somebody who may not call."""
    return Page(STRANGER, "https://ask.example.org", service.port)


@pytest.fixture
def school_stranger(school: Served) -> Page:
    """The same, of somebody who would have `school` write for it."""
    return Page(STRANGER, "https://ask.example.org", school.port)


@pytest.fixture
def email() -> str:
    """An address that nobody has signed up with."""
    return f"reader-{uuid4().hex[:12]}@example.org"
