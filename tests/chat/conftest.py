"""The pipeline's settings."""

import pytest

from lectern.chat.pipeline import Knobs


@pytest.fixture
def knobs() -> Knobs:
    """Small enough to see their effect."""
    return Knobs(
        passages=5, history_turns=6, prompt_tokens=2000, min_confidence=0.3, waking_seconds=60, rules="The rules."
    )
