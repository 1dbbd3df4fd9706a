"""A scraper: with a partner's stolen key somebody reads customer after customer, and guesses ids."""

from collections import Counter
from typing import Final

from huitong.demo.client import Client
from huitong.demo.risk.diary import Diary
from huitong.demo.risk.town import Town
from huitong.kernel.ids import CUSTOMER, show_id, uuid7

PART: Final = "scraper"
_ADDRESS: Final = "182.245.1.1"
_REQUESTS: Final = 1_500


def scrape(town: Town, diary: Diary, stolen_secret: str) -> Counter[str]:
    """Read as many records as the platform lets through; returns how the requests were answered."""
    outcomes: Counter[str] = Counter()
    known = [resident.person.id for resident in town.residents]
    with Client(town.operator.trial.url, stolen_secret, address=_ADDRESS) as thief:
        for number in range(_REQUESTS):
            wanted = known[number % len(known)] if number % 2 else show_id(CUSTOMER, uuid7())
            answer = thief.get(f"/v1/customers/{wanted}")
            outcomes[answer.code or str(answer.status)] += 1
            diary.note(PART, "read", answer, at=town.now())
    return outcomes
