"""The refusal of a rewritten text. It stands by itself, so that who catches it need not import the parser."""


class BrokenSegment(ValueError):
    """A rewritten text cannot be put in the place of its original.

    Attributes:
        reason: `empty`, `missing_placeholder`, `extra_placeholder`, `unbalanced` (a pair is not closed, or crosses
            another), `moved_placeholder` (it left its pair or came into one), `empty_pair`, `markup` (something is
            added that is no text), or `structure` (put back, it would be read as something else).
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
