"""The body of `POST /api/chat`, as `useChat` of the AI SDK 5, 6 and 7 sends it, and as its guide has apps trim it.

Fields that an app adds, and those of later versions, are let through unread.
"""

from typing import Annotated, Final, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from lectern.chat.chat_ids import LONGEST
from lectern.web.texts import Text

MOST_MESSAGES: Final = 500
"""Messages of one history. They are read in the event loop, a few microseconds each."""

MOST_PARTS: Final = 200
"""Parts of one message: an answer of Lectern's has about ten."""

ChatId = Annotated[Text, Field(min_length=1, max_length=LONGEST, description="The chat's id, as the client made it")]


class Part(BaseModel):
    """A part of a message. Only texts are read; `file` parts are refused in the question and skipped before it."""

    type: Annotated[Text, Field(max_length=100, description="`text`, or any other kind of part")]
    text: Text = Field("", description="What a `text` part says")


class UIMessage(BaseModel):
    """A message as the client keeps it."""

    id: Annotated[Text, Field(max_length=LONGEST)] = ""
    role: Literal["system", "user", "assistant"]
    parts: list[Part] = Field(max_length=MOST_PARTS)


class ChatBody(BaseModel):
    """A question with the chat that it belongs to: all its messages, or the last one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "xK3b9QpLz0aTf7Wm",
                    "messages": [
                        {"id": "m1", "role": "user", "parts": [{"type": "text", "text": "How do I run the tests?"}]}
                    ],
                    "trigger": "submit-message",
                }
            ]
        }
    )

    id: ChatId | None = Field(None, description="The chat's id; left out, each question is a chat of its own")
    messages: list[UIMessage] | None = Field(
        None, max_length=MOST_MESSAGES, description="All messages; the last one is the question"
    )
    message: UIMessage | None = Field(
        None, description="The question alone, for apps that send no history; that of the kept conversation is used"
    )
    trigger: Literal["submit-message", "regenerate-message"] = "submit-message"
    message_id: Annotated[Text, Field(max_length=LONGEST)] | None = Field(
        None,
        alias="messageId",
        description="Which answer to write again, or which question was changed; needed with neither of the two above",
    )
    context: Text | None = Field(
        None,
        validation_alias=AliasChoices("context", "selected_text"),
        description="Text the reader highlighted (`selected_text` is the same field)",
    )
    site: Text | None = Field(None, description="Answer from this site only")
