"""The bodies of the study API. A `/translate` with `chapter_id` means a page, one with `text` means that text."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Discriminator, Field, StrictBool, Tag

from lectern.web.texts import SAYS_SOMETHING, SomeText, Text, not_blank, readable

MOST_TEXTS: Final = 50
"""Texts of one batch: the paragraphs of a long page. A front end that has more sends several batches."""

MOST_SLUG_CHARACTERS: Final = 500
_NO_NUL: Final = r"^[^\u0000]*$"


def _as_written(text: str) -> str:
    """The text with its blanks, which mean something in Markdown."""
    readable(text)
    return text


Slug = Annotated[SomeText, Field(max_length=MOST_SLUG_CHARACTERS)]
AnyMarkdown = Annotated[str, AfterValidator(_as_written), Field(json_schema_extra={"pattern": _NO_NUL})]
Markdown = Annotated[
    str, AfterValidator(_as_written), AfterValidator(not_blank), Field(json_schema_extra={"pattern": SAYS_SOMETHING})
]
LanguageName = Annotated[Text, Field(max_length=60)]
Level = Literal["beginner", "intermediate", "pro"]
Told = (
    Annotated[Text, Field(max_length=2000)]
    | Annotated[list[Annotated[Text, Field(max_length=200)]], Field(max_length=50)]
)
"""What a reader says of itself: a text, or a list of words."""

_STREAM: Final = "Stream it section by section, as `Accept: text/event-stream` does"
_LANGUAGE: Final = "By code or name; left out, `DEFAULT_LANGUAGE`: Urdu unless it is set"
_SITE: Final = "Of this site; left out, of all"


class TranslateChapter(BaseModel):
    """A page to translate."""

    chapter_id: Slug = Field(description="The page's route or address, in any form")
    user_id: Any = Field(None, description="Taken from front ends that send it, and not looked at")
    target_language: LanguageName | None = Field(None, description=_LANGUAGE)
    site: Text | None = Field(None, description=_SITE)
    stream: StrictBool = Field(default=False, description=_STREAM)


class TranslateText(BaseModel):
    """A text to translate."""

    text: Markdown
    target_language: LanguageName | None = Field(None, description=_LANGUAGE)
    stream: StrictBool = Field(default=False, description=_STREAM)


def _which(body: Any) -> str | None:  # noqa: ANN401 - whatever was sent
    """The kind of a body; None for one of neither kind, or of both."""
    if not isinstance(body, Mapping):
        return None
    given = [tag for tag, name in (("chapter", "chapter_id"), ("text", "text")) if body.get(name) is not None]
    return given[0] if len(given) == 1 else None


TranslateRequest = Annotated[
    Annotated[TranslateChapter, Tag("chapter")] | Annotated[TranslateText, Tag("text")],
    Discriminator(
        _which,
        custom_error_type="chapter_or_text",
        custom_error_message="send either chapter_id, for a page of the site, or text",
    ),
]


class TranslateBatch(BaseModel):
    """Texts to translate."""

    texts: list[AnyMarkdown] = Field(min_length=1, max_length=MOST_TEXTS)
    target_language: LanguageName | None = Field(None, description=_LANGUAGE)


class AdjustText(BaseModel):
    """A text to adapt to a level."""

    text: Markdown
    target_level: Level
    stream: StrictBool = Field(default=False, description=_STREAM)


class AdjustBatch(BaseModel):
    """Texts to adapt to a level."""

    texts: list[AnyMarkdown] = Field(min_length=1, max_length=MOST_TEXTS)
    target_level: Level


class UserProfile(BaseModel):
    """What a reader tells of itself, by the names of any front end."""

    model_config = ConfigDict(validate_by_name=True)

    programming_level: Told | None = Field(
        None, validation_alias=AliasChoices("programming_level", "programmingLevel", "proficiency")
    )
    technical_background: Told | None = Field(
        None, validation_alias=AliasChoices("technical_background", "technicalBackground")
    )
    hardware_background: Told | None = Field(
        None, validation_alias=AliasChoices("hardware_background", "hardwareBackground")
    )
    hardware_access: Told | None = Field(None, validation_alias=AliasChoices("hardware_access", "hardwareAccess"))
    learning_goals: Told | None = Field(None, validation_alias=AliasChoices("learning_goals", "learningGoals"))


class Personalize(BaseModel):
    """A page to adapt to its reader."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"chapter_slug": "docs/intro"}]})

    chapter_slug: Slug = Field(description="The page's route or address, in any form")
    user_profile: UserProfile | None = Field(
        None, description="Left out, what is kept of a signed-in reader: the profile told at sign-up or later"
    )
    site: Text | None = Field(None, description=_SITE)
    stream: StrictBool = Field(default=False, description=_STREAM)


class StudyMetadata(BaseModel):
    """How an answer came about."""

    processing_time_ms: float
    tokens_used: int = Field(description="What this request spent; 0 when all of it was kept from earlier ones")
    model_calls: int
    segments: int = Field(description="Pieces of prose that the text has")
    cached: int = Field(description="Those of them that were kept from earlier requests")


class PersonalizeMetadata(StudyMetadata):
    """How an answer came about, and for whom it was written."""

    profile_summary: str = Field(description="What of the reader was heeded; empty when nothing is known")


class LeftAsWritten(BaseModel):
    """A piece that stays as the site wrote it."""

    reason: str = Field(description="A code")
    excerpt: str = Field(description="How the piece begins")


class LeftInBatch(LeftAsWritten):
    """A piece of a batch that stays as it was sent."""

    index: int = Field(description="Which text it is a piece of, from 0")


class _Translated(BaseModel):
    target_language: str = Field(description="BCP 47")
    lang: str = Field(description="The same, for HTML's `lang`")
    dir: Literal["ltr", "rtl"] = Field(description="For HTML's `dir`")
    metadata: StudyMetadata


class ChapterTranslation(_Translated):
    """A page in another language."""

    chapter_id: str = Field(description="As it was asked for")
    slug: str = Field(description="The page's route without its leading slash")
    site: str
    original_title: str
    translated_title: str
    translated_content: str = Field(description="Markdown, without front matter, imports and exports")
    source_language: str = Field(description="BCP 47")
    translated_at: datetime
    untranslated: list[LeftAsWritten]


class TextTranslation(_Translated):
    """A text in another language."""

    translation: str
    untranslated: list[LeftAsWritten]


class BatchTranslation(_Translated):
    """Texts in another language, each in the place of its original."""

    translations: list[str]
    untranslated: list[LeftInBatch]


class AdjustedText(BaseModel):
    """A text for readers of a level."""

    content: str
    unchanged: list[LeftAsWritten]
    metadata: StudyMetadata


class AdjustedBatch(BaseModel):
    """Texts for readers of a level, each in the place of its original."""

    contents: list[str]
    unchanged: list[LeftInBatch]
    metadata: StudyMetadata


class PersonalizedChapter(BaseModel):
    """A page for one reader."""

    chapter_slug: str = Field(description="As it was asked for")
    slug: str = Field(description="The page's route without its leading slash")
    site: str
    original_title: str
    personalized_content: str = Field(description="Markdown, without front matter, imports and exports")
    lang: str = Field(description="BCP 47, for HTML's `lang`")
    dir: Literal["ltr", "rtl"] = Field(description="For HTML's `dir`")
    unchanged: list[LeftAsWritten]
    metadata: PersonalizeMetadata
