"""A scraper: with a shop's stolen key somebody guesses payments, one number after the other."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from huitong.demo.client import Client
from huitong.demo.risk.town import Town
from huitong.kernel.ids import PAYMENT, show_id, uuid7

PART: Final = "scraper"
_ADDRESS: Final = "182.245.1.1"
_REQUESTS_MAX: Final = 6_000
#: How the platform answers who may ask.
_ANSWERED: Final = frozenset({"200", "not_found"})
_BLOCKED: Final = "caller_blocked"
_BLOCKED_ENOUGH: Final = 20


@dataclass(slots=True)
class Scraped:
    """How requests were answered, and after how many the first one was turned away."""

    outcomes: Counter[str] = field(default_factory=Counter)
    turned_away_after: int | None = None

    @property
    def requests(self) -> int:
        """How many there were."""
        return self.outcomes.total()


def scrape(town: Town, stolen_secret: str) -> Scraped:
    """Ask for payment after payment until the key is blocked for good."""
    scraped, blocked = Scraped(), 0
    with Client(town.operator.trial.url, stolen_secret, address=_ADDRESS) as thief:
        while scraped.requests < _REQUESTS_MAX and blocked < _BLOCKED_ENOUGH:
            answer = thief.get(f"/v1/payments/{show_id(PAYMENT, uuid7())}")
            outcome = answer.code or str(answer.status)
            if outcome not in _ANSWERED and scraped.turned_away_after is None:
                scraped.turned_away_after = scraped.requests
            scraped.outcomes[outcome] += 1
            blocked += outcome == _BLOCKED
    return scraped
