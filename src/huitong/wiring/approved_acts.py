"""What is done when staff agreed: `identity` decides on it, the rooms do it, and they meet here."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from huitong import identity, ledger, payments
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import PAYMENT, REFUND, read_id, show_id
from huitong.kernel.money import Money


async def _set_account_state(
    uow: UnitOfWork, approval: identity.Approval, payload: Mapping[str, Any], *, now: datetime
) -> identity.Executed:
    await ledger.set_account_state(
        uow,
        ledger.read_account(payload["account"], field="account"),
        state=ledger.AccountState[payload["state"]],
        reason=approval.reason,
        now=now,
    )
    return identity.Executed(outcome={"account": payload["account"]})


async def _refund(
    uow: UnitOfWork, approval: identity.Approval, payload: Mapping[str, Any], *, now: datetime
) -> identity.Executed:
    refund = await payments.refund(
        uow,
        order_id=read_id(PAYMENT, payload["payment"], field="payment"),
        # The request's own id: whatever happens, it is one refund.
        refund_id=approval.id,
        amount=Money.from_json(payload["amount"]),
        reason=approval.reason,
        now=now,
    )
    return identity.Executed(outcome={"refund": show_id(REFUND, refund.id)})


APPROVED_ACTS: Final[identity.Handlers] = {
    **identity.APPROVED_ACTS,
    "ledger.set_account_state": _set_account_state,
    "payments.refund": _refund,
}
