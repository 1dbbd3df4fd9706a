"""The personal yearly quota of 购汇 and 结汇, by the rulebook and calendar year in Beijing."""

import uuid
from datetime import datetime
from typing import Final

from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.payments.crossborder import fx_store as store
from huitong.payments.crossborder.calculations import usd_rate, value_in_usd
from huitong.payments.crossborder.errors import QuotaExceeded
from huitong.payments.crossborder.rates import get_mids
from huitong.payments.crossborder.types import HOME, Deal, Party, QuotaDirection, QuotaUse

_YEAR_KEYS: Final = {
    QuotaDirection.PURCHASE: "fx.purchase.year",
    QuotaDirection.SETTLEMENT: "fx.settlement.year",
}


async def count_quota(
    uow: UnitOfWork, party: Party, deal: Deal, *, rulebook: Rulebook, now: datetime
) -> None:
    """Count a person's deal against the year's quota; a business has none. Raises QuotaExceeded.

    Only an exchange against CNY counts, in US dollars at the day's mid rates: 购汇 by what is
    bought, 结汇 by what is sold.
    """
    direction = quota_direction(deal.sell, deal.buy)
    if party.is_business or direction is None:
        return
    today = business_day(now)
    foreign = deal.buy if direction is QuotaDirection.PURCHASE else deal.sell
    mids = await get_mids(uow, (foreign.currency, "USD"), now=now)
    amount = value_in_usd(foreign, mids)
    cap = rulebook.amount(_YEAR_KEYS[direction], today)
    is_within = amount.is_zero or await store.count_quota(
        uow, party.id, today.year, direction, amount=amount.minor, cap=cap.minor
    )
    if not is_within:
        raise QuotaExceeded(
            f"with this you would pass the {cap} of {today.year}",
            field="quote",
            context={"direction": direction.value, "year": today.year, "cap": cap.to_json()},
        )
    if amount.is_positive:
        await store.add_quota_use(
            uow,
            deal.id,
            party.id,
            today.year,
            direction,
            amount=amount.minor,
            rate=usd_rate(foreign.currency, mids),
        )


def quota_direction(sell: Money, buy: Money) -> QuotaDirection | None:
    """Return which quota an exchange counts against; None between two foreign currencies."""
    if sell.currency == HOME:
        return QuotaDirection.PURCHASE
    if buy.currency == HOME:
        return QuotaDirection.SETTLEMENT
    return None


async def free_quota(uow: UnitOfWork, deal: Deal, back: Deal) -> None:
    """Give back what a deal counted, now that `back` took it back."""
    counted = await store.find_quota_use(uow, deal.id)
    if counted is None:
        return
    direction = QuotaDirection(counted.direction)
    await store.free_quota(uow, counted.customer_id, counted.year, direction, counted.amount)
    await store.add_quota_use(
        uow,
        back.id,
        counted.customer_id,
        counted.year,
        direction,
        amount=-counted.amount,
        rate=counted.usd_rate,
    )


async def list_quotas(
    uow: UnitOfWork, customer_id: uuid.UUID, *, rulebook: Rulebook, now: datetime
) -> tuple[QuotaUse, ...]:
    """Return what a person used of this year's two quotas."""
    today = business_day(now)
    used = await store.list_quota_uses(uow, customer_id, today.year)
    return tuple(
        QuotaUse(
            direction=direction,
            year=today.year,
            used=used[direction].used if direction in used else Money.zero("USD"),
            cap=rulebook.amount(key, today),
        )
        for direction, key in _YEAR_KEYS.items()
    )
