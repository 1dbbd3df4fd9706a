"""Payouts to banks: a withdrawal from the merchant's settlement account, asked for by a sheet."""

import uuid
from datetime import datetime

from huitong.kernel import audit
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import SETTLEMENT_SHEET, show_id
from huitong.kernel.money import Money
from huitong.payments.calculations import derive_id
from huitong.payments.commands.channel_orders import hand_over_withdrawal
from huitong.payments.merchants import limits, store
from huitong.payments.merchants.errors import PayoutRefused, SheetNotFound
from huitong.payments.merchants.types import PayoutWay, Sheet
from huitong.payments.store import orders as order_store
from huitong.payments.types import OrderStatus

_ROLE: int = 40


async def hand_over(uow: UnitOfWork, sheet: Sheet, *, now: datetime) -> None:
    """Reserve a sheet's payout on the settlement account and queue it for a bank, once.

    The caller has locked the sheet. If the settlement account has less by now, because it was
    spent or frozen, the payout waits for somebody's word. Raises NoChannel.
    """
    account = await store.lock_account(uow, sheet.account_id)
    assert account is not None
    order_id = derive_id(sheet.id, _ROLE + sheet.payout_tries)
    await hand_over_withdrawal(
        uow,
        order_id=order_id,
        account_id=account.payout_account_id,
        amount=Money(sheet.payout, sheet.currency),
        now=now,
    )
    await store.set_payout_order(uow, sheet, order_id)


async def retry_payout(uow: UnitOfWork, sheet_id: uuid.UUID, *, now: datetime) -> Sheet:
    """Ask a bank again for a payout that one has refused; the money is on the settlement account.

    Raises SheetNotFound, and PayoutRefused unless the payout is known to have failed, or after
    PAYOUT_TRIES_MAX tries; NoChannel.
    """
    sheet = await store.find_sheet(uow, sheet_id, is_locked=True)
    if sheet is None:
        raise SheetNotFound("there is no such settlement sheet")
    if sheet.payout_way is not PayoutWay.BANK or sheet.payout_order_id is None:
        raise PayoutRefused("no bank was asked for this payout yet")
    order = await order_store.find_order(uow, sheet.payout_order_id)
    assert order is not None
    if order.status is not OrderStatus.FAILED:
        raise PayoutRefused(f"the payout is {order.status}", context={"status": order.status.value})
    if sheet.payout_tries >= limits.PAYOUT_TRIES_MAX:
        raise PayoutRefused(f"a payout is tried {limits.PAYOUT_TRIES_MAX} times at most")
    await hand_over(uow, sheet, now=now)
    await audit.record(
        uow,
        action="merchants.retry_payout",
        subject=show_id(SETTLEMENT_SHEET, sheet.id),
        details={"tries": sheet.payout_tries + 1},
    )
    found = await store.find_sheet(uow, sheet_id)
    assert found is not None
    return found
