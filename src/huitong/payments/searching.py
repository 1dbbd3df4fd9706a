"""Orders of everybody, for staff: looking for them, and how many there are a minute."""

import uuid
from datetime import datetime, timedelta
from typing import Final

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.payments.search_types import OrderSearch, PaceMinute
from huitong.payments.store import searching as store
from huitong.payments.types import Order

_AFTER_ALL_IDS: Final = uuid.UUID(int=2**128 - 1)
_BEFORE_ALL_IDS: Final = uuid.UUID(int=0)
#: Payers make ids themselves; the time in them may be so much earlier than that of the order.
_ID_AGE_MAX: Final = timedelta(days=7)


async def search_orders(
    uow: UnitOfWork,
    asked: OrderSearch,
    *,
    before_id: uuid.UUID | None = None,
    limit: int = limits.PAGE_SIZE_DEFAULT,
) -> tuple[tuple[Order, ...], uuid.UUID | None]:
    """Return a page of orders by their ids, newest first, and where the next page begins.

    A page looks through PAYMENT_SEARCH_ROWS_MAX orders at most, so it may be short, or empty, and
    not the last. Raises InvalidField for a bad limit, or a period that ends before it begins.
    """
    if not 1 <= limit <= limits.PAGE_SIZE_MAX:
        raise InvalidField(f"must be from 1 to {limits.PAGE_SIZE_MAX}", field="limit")
    if asked.since is not None and asked.until is not None and asked.until <= asked.since:
        raise InvalidField("must be after since", field="until")
    found, next_id = await store.search_orders(
        uow,
        asked,
        before_id=before_id or _AFTER_ALL_IDS,
        from_id=_BEFORE_ALL_IDS if asked.since is None else _first_id(asked.since),
        count=limit,
    )
    return tuple(found), next_id


async def measure_pace(uow: UnitOfWork, *, now: datetime) -> list[PaceMinute]:
    """Return what was asked for and paid in the last PAYMENT_PACE_MINUTES, by minute and currency.

    Of the newest PAYMENT_PACE_ROWS_MAX orders; minutes without orders are left out.
    """
    since = now.replace(second=0, microsecond=0) - timedelta(minutes=limits.PAYMENT_PACE_MINUTES)
    return await store.count_minutes(uow, since=since, from_id=_first_id(since))


def _first_id(since: datetime) -> uuid.UUID:
    milliseconds = int((since - _ID_AGE_MAX).timestamp() * 1_000)
    return uuid.UUID(int=max(milliseconds, 0) << 80)
