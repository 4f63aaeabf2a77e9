"""Which languages a site is written in and may be asked for."""

from dataclasses import dataclass
from typing import Final

from lectern.errors import InvalidRequest
from lectern.study.languages import Language, find_language

_NAMED_LANGUAGES: Final = 6
"""Languages that a refusal names."""


@dataclass(frozen=True, slots=True)
class Languages:
    """Which languages there are on this site.

    Attributes:
        site: What it is written in.
        default: What it is translated into when nobody says.
        offered: What it may be translated into.
    """

    site: Language
    default: Language
    offered: tuple[Language, ...]

    def asked_for(self, text: str | None) -> Language:
        """The language of a request.

        Args:
            text: What names it, of any content; None or blank for the default.

        Raises:
            InvalidRequest: It names none, or one that is not offered; the message names some that are.
        """
        if not text:
            return self.default
        language = find_language(text)
        if language is not None and language in (*self.offered, self.site, self.default):
            return language
        fault = "is no language that is known" if language is None else "is not offered"
        named = ", ".join(f"{offered.code} ({offered.name})" for offered in self.offered[:_NAMED_LANGUAGES])
        more = len(self.offered) - _NAMED_LANGUAGES
        rest = f" and {more} more" if more > 0 else ""
        message = f"target_language: {fault} here; ask for {named}{rest}"
        raise InvalidRequest(message, fields=(("target_language", message),))
