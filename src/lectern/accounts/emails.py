"""E-mail addresses in one form, so that one person has one account."""

from email_validator import EmailNotValidError, validate_email

from lectern.errors import InvalidRequest

MOST_CHARACTERS = 254
"""RFC 3696, erratum 1690."""


def normal(email: str) -> str:
    """The address in small letters, its domain as the name system has it (`xn--…`).

    Only ASCII is taken: of letters of other scripts some look like Latin ones, and an account must not be mistaken for
    another. Whether mail arrives there is not looked at; nothing is asked of the network.

    Raises:
        InvalidRequest: It is no such address; the message does not repeat it.
    """
    text = email.strip()
    if not text.isascii():
        raise _invalid("must be written in ASCII; a domain of other letters as xn--…")
    if len(text) > MOST_CHARACTERS:
        raise _invalid(f"must have at most {MOST_CHARACTERS} characters")
    try:
        found = validate_email(text, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        raise _invalid("must be an e-mail address") from None
    assert found.ascii_email is not None
    return found.ascii_email.lower()


def _invalid(message: str) -> InvalidRequest:
    return InvalidRequest(f"email: {message}", fields=(("email", message),))
