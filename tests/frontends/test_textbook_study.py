"""The "Textbook chat" front end's study calls, as its code makes and reads them: texts of a page, also in batches."""

from collections.abc import Callable

import pytest
from tests.frontends.page import Answer, Blocked, Page
from tests.frontends.shapes import has, is_error

pytestmark = pytest.mark.process

PARAGRAPHS = ["A robot has **sensors**.", "It runs `ros2 run`.", "A robot has **sensors**."]
OpenPage = Callable[[], Page]


@pytest.fixture
def page(open_chapter: OpenPage) -> Page:
    """A page of the textbook in one browser."""
    return open_chapter()


def told(answer: Answer) -> dict[str, object]:
    """The body of an answer that is none of an error."""
    assert answer.status == 200, answer.text
    return dict(answer.json())


@pytest.fixture(params=["anonymous", "signed in"])
def headers(request: pytest.FixtureRequest, page: Page, email: str) -> dict[str, str]:
    """What the page sends along: nothing, or its reader's token."""
    if request.param == "anonymous":
        return {}
    body = {"email": email, "name": "Ada", "password": "correct horse battery staple", "proficiency": "beginner"}
    signed_up = page.fetch("POST", "/api/auth/sign-up", body)
    return {"Authorization": f"Bearer {signed_up.json()['session']['accessToken']}"}


def test_a_text_is_translated(page: Page, headers: dict[str, str]) -> None:
    """`{text}` → `{translation}`, whoever asks."""
    body = told(page.fetch("POST", "/translate", {"text": PARAGRAPHS[0]}, headers=headers))
    has(body, translation=str)
    assert body["translation"] != PARAGRAPHS[0]
    assert str(body["translation"]).count("**") == 2


def test_texts_are_translated_together(page: Page, headers: dict[str, str]) -> None:
    """`{texts}` → `{translations}`: the page puts each in the place of its paragraph."""
    body = told(page.fetch("POST", "/translate/batch", {"texts": PARAGRAPHS}, headers=headers))
    has(body, translations=list)
    translations = body["translations"]
    assert isinstance(translations, list)
    assert len(translations) == len(PARAGRAPHS)
    assert translations[0] == translations[2] != PARAGRAPHS[0]
    assert "`ros2 run`" in translations[1]


@pytest.mark.parametrize("level", ["beginner", "intermediate", "pro"])
def test_a_text_is_adjusted(page: Page, headers: dict[str, str], level: str) -> None:
    """`{text, target_level}` → `{content}`, each level of the switch."""
    body = told(page.fetch("POST", "/adjust-content", {"text": PARAGRAPHS[0], "target_level": level}, headers=headers))
    has(body, content=str)
    assert "**sensors**" in str(body["content"])


def test_texts_are_adjusted_together(page: Page, headers: dict[str, str]) -> None:
    """`{texts, target_level}` → `{contents}`."""
    asked = {"texts": PARAGRAPHS, "target_level": "beginner"}
    body = told(page.fetch("POST", "/adjust-content/batch", asked, headers=headers))
    has(body, contents=list)
    contents = body["contents"]
    assert isinstance(contents, list)
    assert len(contents) == len(PARAGRAPHS)
    assert contents[0] == contents[2]
    assert "`ros2 run`" in contents[1]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/translate", {"text": ""}, 422),
        ("/translate", {"text": " \n"}, 422),
        ("/translate", {"text": "x" * 200_000}, 422),
        ("/translate", {"text": "x" * 300_000}, 413),
        ("/translate/batch", {"texts": []}, 422),
        ("/translate/batch", {"texts": ["x"] * 1000}, 422),
        ("/adjust-content", {"text": "x"}, 422),
        ("/adjust-content", {"text": "x", "target_level": "wizard"}, 422),
        ("/adjust-content/batch", {"texts": ["x"] * 1000, "target_level": "pro"}, 422),
    ],
)
def test_the_page_can_show_every_error(page: Page, path: str, body: dict[str, object], status: int) -> None:
    """Each refusal has `detail`, `error` and `message`, short and safe to show."""
    answer = page.fetch("POST", path, body)
    assert answer.status == status, answer.text
    is_error(answer.json())


def test_a_token_that_is_none_is_401(page: Page) -> None:
    """The page signs its reader out when it sees one."""
    for path, body in (("/translate", {"text": "x"}), ("/adjust-content", {"text": "x", "target_level": "pro"})):
        answer = page.fetch("POST", path, body, headers={"Authorization": "Bearer x"})
        assert answer.status == 401
        is_error(answer.json())


def test_a_stranger_s_page_gets_nowhere(school_stranger: Page) -> None:
    """It cannot spend what the site pays for."""
    for path, body in (("/translate", {"text": "x"}), ("/adjust-content", {"text": "x", "target_level": "pro"})):
        with pytest.raises(Blocked):
            school_stranger.fetch("POST", path, body)
