"""Who borrows what, and how they pay: drawn from a seed, and about no real people.

Grades differ in how often they stop paying, and two months of disbursement went badly, as
happens: their vintages are the ones that a portfolio page should show.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

from huitong.lending.products import Purpose

_GRADES: Final = ("A", "B", "C", "D")
_GRADE_SHARES: Final = (0.30, 0.35, 0.25, 0.10)
_RATES: Final = {"A": 72_000, "B": 108_000, "C": 144_000, "D": 178_000}
_STOPPING: Final = {"A": 0.0015, "B": 0.004, "C": 0.009, "D": 0.02}
_BAD_MONTHS: Final = (-10, -9)
_BAD_MULTIPLE: Final = 3.0
_COUNTS: Final = (6, 12, 24)
_COUNT_SHARES: Final = (0.25, 0.55, 0.20)
_REGIONS: Final = ("山西", "浙江", "广东", "四川", "河南")
_REGION_SHARES: Final = (0.34, 0.22, 0.18, 0.14, 0.12)
_LATE: Final = 0.06
_VERY_LATE: Final = 0.012
_COMES_BACK: Final = 0.25
_RECOVERED: Final = 0.3
NEVER_PAID: Final = 10**6


@dataclass(frozen=True, slots=True)
class Offer:
    """A product that is simulated; amounts in minor units."""

    code: str
    zh: str
    en: str
    purpose: Purpose
    uses: tuple[str, ...]
    amounts: tuple[int, int]
    share: float


OFFERS: Final = (
    Offer(
        "sim_instalments",
        "消费分期（模拟）",
        "Consumer instalments (simulated)",
        Purpose.CONSUMER,
        ("household", "education", "medical"),
        (2_000_00, 40_000_00),
        0.60,
    ),
    Offer(
        "sim_shops",
        "小店经营贷（模拟）",
        "Shop loans (simulated)",
        Purpose.BUSINESS,
        ("stock", "equipment"),
        (10_000_00, 100_000_00),
        0.28,
    ),
    Offer(
        "sim_farms",
        "农户贷（模拟）",
        "Farmer loans (simulated)",
        Purpose.FARM,
        ("seeds", "machinery"),
        (5_000_00, 60_000_00),
        0.12,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A borrower: what is lent when, and how many days after its due day each instalment is paid.

    `recovers` is the share of what was written off, in millionths, that comes back.
    """

    offer: Offer
    lent_on: date
    principal: int
    rate: int
    count: int
    grade: str
    use: str
    region: str
    delays: tuple[int, ...]
    recovers: int


def draw(loans: int, *, first: date, until: date, seed: int) -> list[Drawn]:
    """Return borrowers whose loans are lent from a day until another, more from month to month."""
    random = np.random.default_rng(seed)
    days = (until - first).days
    places = np.sort(np.sqrt(random.random(loans)) * (days + 1)).astype(int)
    return [
        _draw_one(random, first + timedelta(days=int(min(place, days))), until) for place in places
    ]


def _draw_one(random: np.random.Generator, lent_on: date, until: date) -> Drawn:
    offer = OFFERS[random.choice(len(OFFERS), p=[each.share for each in OFFERS])]
    grade = str(random.choice(_GRADES, p=_GRADE_SHARES))
    low, high = offer.amounts
    count = int(random.choice(_COUNTS, p=_COUNT_SHARES))
    stopping = _STOPPING[grade]
    if (lent_on.year - until.year) * 12 + lent_on.month - until.month in _BAD_MONTHS:
        stopping *= _BAD_MULTIPLE
    return Drawn(
        offer=offer,
        lent_on=lent_on,
        principal=int(low + (high - low) * random.beta(1.4, 4.0)) // 100_00 * 100_00,
        rate=_RATES[grade],
        count=count,
        grade=grade,
        use=str(random.choice(offer.uses)),
        region=str(random.choice(_REGIONS, p=_REGION_SHARES)),
        delays=_draw_delays(random, count, stopping),
        recovers=int(random.integers(100_000, 400_000)) if random.random() < _RECOVERED else 0,
    )


def _draw_delays(random: np.random.Generator, count: int, stopping: float) -> tuple[int, ...]:
    delays: list[int] = []
    comes_back = 0
    for _ in range(count):
        if delays and delays[-1] == NEVER_PAID:
            delays.append(NEVER_PAID)
        elif comes_back:
            delays.append(comes_back)
            comes_back = max(0, comes_back - 30)
        elif random.random() < stopping:
            is_lost = random.random() >= _COMES_BACK
            comes_back = 0 if is_lost else int(random.integers(35, 85))
            delays.append(NEVER_PAID if is_lost else comes_back)
        else:
            dice = random.random()
            late = int(random.integers(2, 26)) if dice < _LATE else 0
            delays.append(int(random.integers(32, 50)) if dice < _VERY_LATE else late)
    return tuple(delays)
