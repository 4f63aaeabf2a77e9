"""What answers tell of how they came about."""

from typing import Any

from lectern.study.rewriting import Rewritten
from lectern.study.schemas import LeftAsWritten, LeftInBatch


def costs(written: Rewritten, ms: float) -> dict[str, Any]:
    """The fields that all metadata has.

    Args:
        written: How the writing went.
        ms: How long the request took, in milliseconds.
    """
    return {
        "processing_time_ms": ms,
        "tokens_used": written.usage.prompt_tokens + written.usage.completion_tokens,
        "model_calls": written.model_calls,
        "segments": written.segments,
        "cached": written.cached,
    }


def left(written: Rewritten) -> list[LeftAsWritten]:
    """The pieces that stay as they were."""
    return [LeftAsWritten(reason=piece.reason, excerpt=piece.excerpt) for piece in written.left_alone]


def left_in_batch(written: Rewritten) -> list[LeftInBatch]:
    """The pieces that stay as they were, each with the number of its text."""
    return [LeftInBatch(reason=piece.reason, excerpt=piece.excerpt, index=piece.text) for piece in written.left_alone]
