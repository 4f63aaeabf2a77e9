"""Which rates there are, and which of them somebody's request takes from. Pure."""

from dataclasses import dataclass
from typing import Final

from lectern.ports import Rate
from lectern.principal import Principal

NEWCOMERS_AS_VISITORS: Final = 4
"""How many visitors all newcomers of one address count as.

Who shows no visitor's id cannot be told from others behind the same address: a bucket for each would be no limit, and
one visitor's bucket would lock out a class whose browsers keep no cookies. Four visitors' worth is two questions a
second with the defaults, which serves a hundred readers, and a fifth of what their address has, so that those who do
show an id are not held up by those who do not."""


@dataclass(frozen=True, slots=True)
class Take:
    """One bucket that a request takes from.

    Attributes:
        key: Whose it is; no two of different kinds are alike.
        rate: How large it is.
        whom: Whose it is, as a message says it: `for one address`; empty for the reader's own of all requests.
    """

    key: str
    rate: Rate
    whom: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """The rates; None is no limit.

    Attributes:
        visitor: One anonymous visitor.
        account: One account, user of the site's login server, or integration without a rate of its own.
        address: All that come from one address, operators excepted.
        scope: What they are about, as a message says it: `the task assistant`. Its buckets are its own; empty for all
            requests.
    """

    visitor: Rate | None = None
    account: Rate | None = None
    address: Rate | None = None
    scope: str = ""

    @property
    def newcomers(self) -> Rate | None:
        """All that come from one address and show no id."""
        if self.visitor is None:
            return None
        return Rate(self.visitor.count * NEWCOMERS_AS_VISITORS, self.visitor.seconds)

    def takes(self, principal: Principal, address: str, *, is_new: bool) -> list[Take]:
        """What a request takes one from, all or none.

        Only who is known by an id that the service itself signed or looked up gets a bucket by it, so nobody can make
        buckets at will. Who has a rate of its own takes from that alone: its address stands for all its readers.

        Args:
            principal: Who asks.
            address: From where; those whose address is not known share one.
            is_new: Whether this visitor's id was made for this very request.
        """
        if principal.kind == "operator":
            return []
        if principal.rate is not None and not self.scope:
            return [Take(self._key(principal.id), principal.rate)]
        own: Take | None = None
        if not principal.is_anonymous:
            own = self._own(principal, self.account)
        elif not is_new:
            own = self._own(principal, self.visitor)
        elif newcomers := self.newcomers:
            own = Take(self._key(f"newcomers:{address}"), newcomers, self._whom("for all newcomers of one address"))
        shared = (
            Take(self._key(f"address:{address}"), self.address, self._whom("for one address")) if self.address else None
        )
        return [take for take in (own, shared) if take is not None]

    def _own(self, principal: Principal, rate: Rate | None) -> Take | None:
        return Take(self._key(principal.id), rate, self._whom("")) if rate else None

    def _key(self, key: str) -> str:
        return f"{self.scope}:{key}" if self.scope else key

    def _whom(self, whom: str) -> str:
        return " ".join(filter(None, (f"to {self.scope}" if self.scope else "", whom)))


_UNITS: Final = {1: "second", 60: "minute", 3600: "hour", 86_400: "day"}


def words(rate: Rate) -> str:
    """A rate as people say it: `30 a minute`."""
    unit = _UNITS.get(round(rate.seconds))
    return f"{rate.count} {'an' if unit == 'hour' else 'a'} {unit}" if unit else f"{rate.count} in {rate.seconds:g} s"
