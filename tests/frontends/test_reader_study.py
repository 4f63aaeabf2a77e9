"""The "Reader chat" front end's two buttons on a chapter, *translate* and *for me*, as its code calls and reads them.

Accounts by cookie, `credentials: "include"`; the chapter is the page's route without its leading slash.
"""

from collections.abc import Callable

import pytest
from tests.frontends.page import Answer, Blocked, Page
from tests.frontends.shapes import has, is_error, is_moment
from tests.study.chapters_of import SERVICES

pytestmark = pytest.mark.process

CHAPTER = "docs/nodes"
PROFILE = {"programming_level": "beginner", "hardware_background": "none", "learning_goals": "Build a walking robot"}
OpenPage = Callable[[], Page]


@pytest.fixture
def page(open_chapter: OpenPage) -> Page:
    """A chapter in one browser."""
    return open_chapter()


def translate(page: Page, **more: object) -> Answer:
    """`translateChapter` of the page's button."""
    body = {"chapter_id": CHAPTER, "user_id": "anonymous"} | more
    return page.fetch("POST", "/translate", body, credentials="include")


def personalize(page: Page, slug: str = CHAPTER, profile: dict[str, str] = PROFILE) -> Answer:
    """`personalizeChapter` of the page's button."""
    body = {"chapter_slug": slug, "user_profile": profile}
    return page.fetch("POST", "/personalize", body, credentials="include")


def is_translated(answer: Answer) -> None:
    """What the page puts in the place of its own text."""
    assert answer.status == 200, answer.text
    body = answer.json()
    has(body, chapter_id=str, original_title=str, translated_title=str, translated_content=str)
    has(body, source_language=str, target_language=str, translated_at=str)
    assert body["chapter_id"] == CHAPTER
    assert body["original_title"] == "Nodes and topics"
    assert body["translated_title"] not in ("", body["original_title"])
    assert "publisher.publish(msg)  # never translated" in body["translated_content"]
    assert is_moment(body["translated_at"])


def test_a_chapter_is_translated_into_urdu(page: Page) -> None:
    """No language named; the page lays it out from right to left by `dir`."""
    answer = translate(page)
    is_translated(answer)
    assert answer.json()["source_language"] == "en"
    assert answer.json()["target_language"] == "ur"
    assert answer.json()["dir"] == "rtl"


@pytest.mark.parametrize("language", ["ur", "urdu", "Urdu"])
def test_a_chapter_is_translated_into_the_language_of_the_page(page: Page, language: str) -> None:
    """As the page's settings name it."""
    answer = translate(page, target_language=language)
    is_translated(answer)
    assert answer.json()["target_language"] == "ur"


def test_a_chapter_is_personalized(page: Page) -> None:
    """The content takes the page's place; the panel shows for whom it was written."""
    answer = personalize(page)
    assert answer.status == 200, answer.text
    body = answer.json()
    has(body, chapter_slug=str, original_title=str, personalized_content=str, metadata=dict)
    has(body["metadata"], processing_time_ms=float, tokens_used=int, profile_summary=str)
    assert (body["chapter_slug"], body["original_title"]) == (CHAPTER, "Nodes and topics")
    assert "# Nodes" in body["personalized_content"]
    assert "beginner" in body["metadata"]["profile_summary"]
    assert "Build a walking robot" in body["metadata"]["profile_summary"]


@pytest.mark.parametrize("level", ["beginner", "intermediate", "advanced", "something else"])
def test_any_level_of_the_form_is_taken(page: Page, level: str) -> None:
    """The form's words are the site's, not the service's."""
    answer = personalize(page, profile=PROFILE | {"programming_level": level})
    assert answer.status == 200, answer.text
    assert level in answer.json()["metadata"]["profile_summary"]


def test_a_reader_who_filled_nothing_in_gets_the_chapter(page: Page) -> None:
    """As it was written."""
    answer = personalize(page, "docs/services", dict.fromkeys(PROFILE, ""))
    assert answer.status == 200, answer.text
    assert answer.json()["personalized_content"] == SERVICES


def test_a_reader_s_kept_profile_counts(page: Page, email: str) -> None:
    """Signed up with it, the page need not send it again."""
    kept = {"programmingLevel": "advanced", "hardwareBackground": "Arduino", "learningGoals": "ROS 2"}
    body = {"email": email, "password": "correct horse battery staple", "name": "Ada", **kept}
    assert page.fetch("POST", "/api/auth/sign-up", body, credentials="include").status == 201
    answer = page.fetch("POST", "/personalize", {"chapter_slug": CHAPTER}, credentials="include")
    assert answer.status == 200, answer.text
    summary = answer.json()["metadata"]["profile_summary"]
    assert summary == "level: advanced; hardware background: Arduino; learning goals: ROS 2"


def test_an_unknown_chapter_is_404(page: Page) -> None:
    """The page says so, with what is near it."""
    for answer in (translate(page, chapter_id="docs/node"), personalize(page, "docs/node")):
        assert answer.status == 404
        is_error(answer.json())
        assert CHAPTER in answer.json()["message"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"chapter_id": ""}, 422),
        ({"chapter_id": CHAPTER, "target_language": "Klingon"}, 422),
        ({"chapter_id": "x" * 300_000}, 413),
    ],
    ids=["nothing", "empty", "no language", "much too long"],
)
def test_the_page_can_show_every_error(page: Page, body: dict[str, object], status: int) -> None:
    """Each refusal has `detail`, `error` and `message`, short and safe to show."""
    answer = page.fetch("POST", "/translate", body, credentials="include")
    assert answer.status == status
    is_error(answer.json())


def test_a_chapter_is_streamed(page: Page) -> None:
    """Section by section, for a page that shows what there is already."""
    streamed = page.fetch(
        "POST",
        "/translate",
        {"chapter_id": CHAPTER, "user_id": "anonymous"},
        credentials="include",
        headers={"Accept": "text/event-stream"},
    )
    assert streamed.status == 200
    assert streamed.headers["content-type"].startswith("text/event-stream")
    names = [line.removeprefix("event: ") for line in streamed.text.splitlines() if line.startswith("event: ")]
    assert names[0] == "started"
    assert names[-1] == "done"
    assert set(names[1:-1]) == {"section"}


def test_a_stranger_s_page_gets_nowhere(school_stranger: Page) -> None:
    """It cannot spend what the site pays for."""
    for path, body in (("/translate", {"chapter_id": CHAPTER}), ("/personalize", {"chapter_slug": CHAPTER})):
        with pytest.raises(Blocked):
            school_stranger.fetch("POST", path, body, credentials="include")
