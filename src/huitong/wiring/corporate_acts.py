"""Acts on corporate accounts that take two members of staff."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from huitong import identity, payments
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import MERCHANT, read_id
from huitong.kernel.money import Money

corporate: Final = payments.corporate


async def _set_mandate(
    uow: UnitOfWork,
    approval: identity.Approval,  # noqa: ARG001 - as every act has it
    payload: Mapping[str, Any],
    *,
    now: datetime,
) -> identity.Executed:
    total_max = payload["total_max"]
    new = corporate.NewMandate(
        merchant_id=read_id(MERCHANT, payload["merchant"], field="merchant"),
        payment_max=Money.from_json(payload["payment_max"]),
        day_max=Money.from_json(payload["day_max"]),
        total_max=None if total_max is None else Money.from_json(total_max),
        bands=tuple(
            corporate.Band(
                amount_from=Money.from_json(band["amount_from"]), approvers=band["approvers"]
            )
            for band in payload["bands"]
        ),
    )
    await corporate.set_mandate(uow, new, now=now)
    return identity.Executed(outcome={"merchant": payload["merchant"]})


CORPORATE_ACTS: Final[identity.Handlers] = {"payments.set_corporate_mandate": _set_mandate}
