"""What is done abroad when two members of staff agreed: holds, covers, margins."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from huitong import identity, payments
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import CROSS_BORDER, EXCHANGE_DEAL, read_id, show_id
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook

Payload = Mapping[str, Any]
crossborder: Final = payments.crossborder


def make_crossborder_acts(rulebook: Rulebook) -> identity.Handlers:
    """Return what does each act on payments abroad and positions."""
    acts = _Acts(rulebook)
    return {
        "crossborder.release": acts.release,
        "crossborder.refuse": acts.refuse,
        "fx.cover": acts.cover,
        "fx.set_margin": acts.set_margin,
    }


class _Acts:
    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook

    async def release(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        """Let a held payment go on."""
        del approval
        payment_id = read_id(CROSS_BORDER, payload["payment"], field="payment")
        payment = await crossborder.release_payment(uow, payment_id=payment_id, now=now)
        return _show(payment)

    async def refuse(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        """Refuse a held payment: its money goes back."""
        del approval
        payment_id = read_id(CROSS_BORDER, payload["payment"], field="payment")
        payment = await crossborder.refuse_payment(
            uow, payment_id=payment_id, rulebook=self._rulebook, now=now
        )
        return _show(payment)

    async def cover(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        """Book a deal in the market."""
        del approval
        deal = await crossborder.cover(
            uow,
            amount=Money.from_json(payload["amount"]),
            rate=Decimal(payload["rate"]),
            is_purchase=payload["side"] == "buy",
            counterparty=payload["counterparty"],
            rulebook=self._rulebook,
            now=now,
        )
        return identity.Executed(outcome={"deal": show_id(EXCHANGE_DEAL, deal.id)})

    async def set_margin(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        """Set a margin."""
        del approval
        await crossborder.set_margin(
            uow,
            currency=payload["currency"],
            margin=Decimal(payload["margin"]),
            is_business=payload["customers"] == "businesses",
            rulebook=self._rulebook,
            now=now,
        )
        return identity.Executed(outcome={"currency": payload["currency"]})


def _show(payment: payments.crossborder.Payment) -> identity.Executed:
    return identity.Executed(
        outcome={
            "payment": show_id(CROSS_BORDER, payment.id),
            "state": payment.state.value,
        }
    )
