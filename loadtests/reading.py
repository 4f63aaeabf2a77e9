"""What readers ask, and the bodies they send. One place, so that a test can hold them against the API."""

from typing import Any, Final

QUESTIONS: Final = (
    "How do I run the tests?",
    "Which settings does a Space need?",
    "How do I answer from my own pages?",
    "What happens when the language model is down?",
    "How many workers does the server start?",
    "Where are conversations kept?",
)
FOLLOW_UPS: Final = ("And why?", "Can you say more about that?", "What else should I know?")


def chat(question: str, session: str | None = None) -> dict[str, Any]:
    """The body of `POST /chat`."""
    return {"message": question} | ({"session_id": session} if session else {})


def search(query: str) -> dict[str, Any]:
    """The body of `POST /search`."""
    return {"query": query, "top_k": 5}


def chat_complaint(answer: dict[str, Any]) -> str:
    """What is wrong with a JSON answer; empty when nothing is."""
    missing = [name for name in ("session_id", "message", "sources", "metadata") if name not in answer]
    if missing:
        return f"no {', '.join(missing)} in the answer"
    return "" if answer["message"] else "an answer without a word"


def search_complaint(answer: dict[str, Any]) -> str:
    """What is wrong with the answer to a search; empty when nothing is."""
    results = answer.get("results")
    if not isinstance(results, list):
        return "no results in the answer"
    return "" if all({"href", "title", "score"} <= result.keys() for result in results) else "a result without a link"
