"""Values as people paste them into a form: with what came along from a web page, a shell or another `.env` file."""

# https://www.unicode.org/reports/tr14/#ZW and the byte order mark: no blanks to Python, and invisible to people.
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"


def cleaned(variable: str, value: str) -> str:
    """The value without blanks, line ends and quotes around it, and without its own `VARIABLE=` before it.

    Args:
        variable: The setting's name in capitals.
        value: What the environment or `.env` holds.
    """
    value = _bare(value)
    name, equals, rest = value.partition("=")
    return _bare(rest) if equals and name.strip() == variable else value


def _bare(value: str) -> str:
    """Without blanks around it, and without one pair of quotes."""
    value = _stripped(value)
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'`":
        value = _stripped(value[1:-1])
    return value


def _stripped(value: str) -> str:
    while value != (value := value.strip().strip(_INVISIBLE)):
        pass
    return value
