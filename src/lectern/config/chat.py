"""The turn, and what a request may be."""

from pydantic import Field

from lectern.config.part import Seconds, SettingsPart


class ChatSettings(SettingsPart):
    """The turn, and what a request may be."""

    passages: int = Field(5, ge=1, le=20, description="Passages given to the model and shown as sources")
    history_turns: int = Field(6, ge=0, le=50, description="Earlier turns that the model and a follow-up see")
    prompt_tokens: int = Field(6000, ge=500, le=1_000_000, description="Longest prompt, in tokens (4 characters each)")
    min_confidence: float = Field(
        0.2, ge=0, le=1, description="Below this confidence, from 0 to 1, the site is said not to answer the question"
    )
    max_body_bytes: int = Field(262_144, ge=1024, le=104_857_600, description="Largest request body, in bytes")
    max_message_characters: int = Field(8000, ge=100, le=100_000, description="Longest question, in characters")
    waking_seconds: Seconds = Field(
        1,
        description="A stream that waits this long for a part says `waking`; parts that are awake answer in less, and"
        " longer waits look like a fault",
    )
    heartbeat_seconds: float = Field(
        8, gt=0, le=10, description="Silence on a stream, in seconds, after which a comment keeps it open"
    )
