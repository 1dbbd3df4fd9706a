"""Reads of payments, one thing or one page at a time."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField, NotFound
from huitong.kernel.ids import PAYMENT, show_id
from huitong.ledger import Page
from huitong.payments.errors import StoppedPaymentNotFound
from huitong.payments.rail_types import OrderRail
from huitong.payments.stop_types import StoppedPayment
from huitong.payments.store import channel_orders as channel_store
from huitong.payments.store import counterparties as counterparty_store
from huitong.payments.store import orders as store
from huitong.payments.store import rails as rail_store
from huitong.payments.store import refunds as refund_store
from huitong.payments.store import stops as stop_store
from huitong.payments.types import Attempt, ChannelOrder, Counterparty, Order, Refund, Share

_AFTER_ALL_IDS: Final = uuid.UUID(int=2**128 - 1)
_BEFORE_ALL_IDS: Final = uuid.UUID(int=0)


async def get_order(uow: UnitOfWork, order_id: uuid.UUID) -> Order:
    """Return a payment order of any kind; raises NotFound."""
    order = await store.find_order(uow, order_id)
    if order is None:
        shown = show_id(PAYMENT, order_id)
        raise NotFound(f"there is no payment {shown}", context={"id": shown})
    return order


async def list_orders(
    uow: UnitOfWork,
    *,
    account_id: int,
    cursor: str | None = None,
    limit: int = limits.PAGE_SIZE_DEFAULT,
) -> Page[Order]:
    """Return a page of the orders that an account pays or is paid by, newest first.

    An account that does not exist has none. Raises InvalidField for a bad cursor or limit.
    """
    if not 1 <= limit <= limits.PAGE_SIZE_MAX:
        raise InvalidField(f"must be from 1 to {limits.PAGE_SIZE_MAX}", field="limit")
    before_id = _AFTER_ALL_IDS if cursor is None else _read_cursor(cursor)
    found = await store.list_orders_of_account(uow, account_id, before_id, limit + 1)
    items = tuple(found[:limit])
    return Page(items, items[-1].id.hex if len(found) > limit else None)


async def find_counterparties(
    uow: UnitOfWork, account_ids: Sequence[int], *, since: datetime, each_max: int
) -> list[Counterparty]:
    """Return whom accounts paid and were paid by since an instant, the latest first.

    At most `each_max` of each account and direction, out of its newest LINK_ORDERS_MAX orders.
    """
    # Identifiers begin with their time, so the index that an account's orders have finds them.
    since_id = uuid.UUID(int=int(since.timestamp() * 1_000) << 80)
    return await counterparty_store.find_counterparties(
        uow, account_ids, since_id=since_id, each_max=each_max
    )


async def list_refunds(uow: UnitOfWork, order_id: uuid.UUID) -> tuple[Refund, ...]:
    """Return the refunds of an order, at most REFUNDS_PER_PAYMENT_MAX; raises NotFound."""
    await get_order(uow, order_id)
    return await refund_store.list_refunds(uow, order_id)


async def list_shares(uow: UnitOfWork, order_id: uuid.UUID) -> tuple[Share, ...]:
    """Return the profit shares of an order, at most PROFIT_SHARES_MAX; raises NotFound."""
    await get_order(uow, order_id)
    return await refund_store.list_shares(uow, order_id)


async def find_channel_order(uow: UnitOfWork, order_id: uuid.UUID) -> ChannelOrder | None:
    """Return what was asked of a bank channel for an order, or None if nothing was."""
    return await channel_store.find_channel_order(uow, order_id)


async def get_stopped_payment(
    uow: UnitOfWork, payment_id: uuid.UUID, *, for_update: bool = False
) -> StoppedPayment:
    """Return a payment that risk held or blocked; raises StoppedPaymentNotFound."""
    stop = await stop_store.find_stop(uow, payment_id, for_update=for_update)
    if stop is None:
        shown = show_id(PAYMENT, payment_id)
        raise StoppedPaymentNotFound(f"there is no stopped payment {shown}", context={"id": shown})
    return stop


async def list_waiting_payments(
    uow: UnitOfWork,
    *,
    after_id: uuid.UUID | None = None,
    limit: int = limits.PAGE_SIZE_DEFAULT,
) -> list[StoppedPayment]:
    """Return stopped payments that wait for people, oldest first.

    Those that are held, and those whose payer has appealed and has no answer yet. Raises
    InvalidField for a bad limit.
    """
    if not 1 <= limit <= limits.PAGE_SIZE_MAX:
        raise InvalidField(f"must be from 1 to {limits.PAGE_SIZE_MAX}", field="limit")
    return await stop_store.list_waiting(uow, after_id=after_id or _BEFORE_ALL_IDS, count=limit)


async def measure_channels(uow: UnitOfWork, *, since: datetime) -> list[tuple[str, int, int, int]]:
    """Return each channel and how many attempts it carried out, refused and left unanswered.

    The first two are of what was sent and ended since an instant, the last of what waits now.
    """
    return await channel_store.count_outcomes(uow, since=since)


def _read_cursor(cursor: str) -> uuid.UUID:
    try:
        identifier = uuid.UUID(hex=cursor)
    except ValueError:
        identifier = None
    if identifier is None or identifier.hex != cursor:
        raise InvalidField("must be the next_cursor of an earlier page", field="cursor")
    return identifier


async def find_rail(uow: UnitOfWork, order_id: uuid.UUID) -> OrderRail | None:
    """Return through which system an order's last attempt goes out; None if that was not chosen."""
    return await rail_store.find_last_rail(uow, order_id)


async def list_payers(uow: UnitOfWork, order_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return the payer's account of each of so many orders; who is not there has none."""
    return await store.list_payers(uow, order_ids)


async def list_attempts(uow: UnitOfWork, order_id: uuid.UUID) -> list[Attempt]:
    """Return the attempts of an order on channels, the first one first."""
    return await channel_store.list_attempts(uow, order_id)
