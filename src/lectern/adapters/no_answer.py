"""The error of an answer that is none."""


class NoAnswer(ValueError):
    """What came is no answer. The text says why, and repeats nothing of what came."""
