"""LangChain's client of OpenAI's API; it runs in an environment of its own and speaks as drivers/commands.mjs says."""

import json
import sys
from typing import Any

from langchain_openai import ChatOpenAI


def _model(
    *, base_url: str, api_key: str, model: str, responses: bool = False, extra: dict[str, Any] | None = None
) -> ChatOpenAI:
    return ChatOpenAI(
        base_url=base_url,
        api_key=api_key,
        model=model,
        use_responses_api=responses,
        stream_usage=True,
        max_retries=0,
        extra_body=extra,
    )


def invoke(*, messages: list[list[str]], **options: Any) -> dict[str, Any]:
    """A whole answer."""
    return dict(_model(**options).invoke([(role, text) for role, text in messages]).model_dump())


def stream(*, messages: list[list[str]], **options: Any) -> dict[str, Any]:
    """The sum of its pieces, as LangChain adds them, and how many there were."""
    pieces = list(_model(**options).stream([(role, text) for role, text in messages]))
    whole = pieces[0]
    for piece in pieces[1:]:
        whole += piece
    return {**whole.model_dump(), "pieces": len(pieces)}


def described(error: Exception) -> dict[str, Any]:
    """An error's class and what it has for a program to read."""
    found = {name: getattr(error, name, None) for name in ("code", "type", "param", "message")}
    return {"class": type(error).__name__, "status": getattr(error, "status_code", None)} | found


def main() -> None:
    """Answer each line."""
    commands = {"invoke": invoke, "stream": stream}
    _say({"value": "ready"})
    for line in sys.stdin:
        options = json.loads(line)
        try:
            answer = {"value": commands[options.pop("do")](**options)}
        except Exception as error:  # noqa: BLE001 - whatever the client throws is what is asked for
            answer = {"thrown": described(error)}
        _say(answer)


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer, default=str) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
