"""Whose chargebacks are too many: noticed for staff, who put the merchant on a reserve by two."""

import uuid
from datetime import UTC, date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from huitong.kernel import audit
from huitong.kernel.clock import SHANGHAI, business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import MERCHANT, show_id
from huitong.kernel.rulebook import Rulebook
from huitong.payments.merchants import dispute_store
from huitong.payments.merchants.types import ChargebackWatch

_ZONE: Final = ZoneInfo(SHANGHAI)


async def watch_chargebacks(
    uow: UnitOfWork, *, rulebook: Rulebook, now: datetime
) -> list[ChargebackWatch]:
    """Note the merchants whose chargebacks of this month pass the rulebook's ratio and count.

    The ratio is chargebacks over payments of the calendar month in Shanghai. Returns those that
    were not noted before.
    """
    today = business_day(now)
    month = today.replace(day=1)
    ratio = rulebook.decimal("merchant.chargeback.ratio", today)
    count = rulebook.integer("merchant.chargeback.count", today)
    since, until = _begin(month), _begin(_next(month))
    found: list[ChargebackWatch] = []
    for merchant_id, account_id, charged in await dispute_store.list_charged(
        uow, since=since, until=until, count=count
    ):
        paid = await dispute_store.count_payments(
            uow, account_id, first=_first_id(since), last=_first_id(until)
        )
        if charged < ratio * paid:
            continue
        watch = ChargebackWatch(
            merchant_id=merchant_id,
            month=month,
            payments=paid,
            chargebacks=charged,
            noticed_at=now,
        )
        if await dispute_store.save_watch(uow, watch):
            found.append(watch)
            await audit.record(
                uow,
                action="merchants.watch_chargebacks",
                subject=show_id(MERCHANT, merchant_id),
                details={"payments": paid, "chargebacks": charged},
            )
    return found


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), _ZONE).astimezone(UTC)


def _next(month: date) -> date:
    years, ahead = divmod(month.month, 12)
    return date(month.year + years, ahead + 1, 1)


def _first_id(instant: datetime) -> uuid.UUID:
    """Return the least identifier that carries an instant."""
    return uuid.UUID(int=int(instant.timestamp() * 1_000) << 80)
