"""What two members of staff agreed about banks in clearing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from huitong import identity, payments
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook

Payload = Mapping[str, Any]
clearing: Final = payments.clearing


def make_clearing_acts(rulebook: Rulebook) -> identity.Handlers:
    """Return what does each act of clearing that takes two people."""
    acts = _ClearingActs(rulebook)
    return {
        "clearing.join": acts.join,
        "clearing.deposit": acts.deposit,
        "clearing.set_reserved": acts.set_reserved,
        "clearing.set_cap": acts.set_cap,
    }


class _ClearingActs:
    """Acts that read the rules of queues."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook

    async def join(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        """Make the bank a participant."""
        del approval
        bank = await clearing.join(uow, **read_terms(payload), now=now)
        return _show(bank.code)

    async def deposit(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        """Book the money once: the transfer has the request's own id."""
        await clearing.deposit(
            uow,
            transfer_id=approval.id,
            code=payload["participant"],
            amount=Money.from_json(payload["amount"]),
            is_collateral=payload["is_collateral"],
            now=now,
        )
        return _show(payload["participant"])

    async def set_reserved(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        """Keep so much for urgent payments."""
        del approval
        bank = await clearing.set_reserved(
            uow,
            code=payload["participant"],
            reserved=Money.from_json(payload["reserved"]),
            rulebook=self._rulebook,
            now=now,
        )
        return _show(bank.code)

    async def set_cap(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        """Change the net debit cap."""
        bank = await clearing.set_net_debit_cap(
            uow,
            code=payload["participant"],
            cap=Money.from_json(payload["cap"]),
            reason=approval.reason,
            rulebook=self._rulebook,
            now=now,
        )
        return _show(bank.code)


def read_terms(payload: Payload) -> dict[str, Any]:
    """Return what a bank joins with, as `clearing.join` takes it."""
    return {
        "code": payload["participant"],
        "name_zh": payload["name_zh"],
        "name_en": payload["name_en"],
        "net_debit_cap": Money.from_json(payload["net_debit_cap"]),
        "reserved": Money.from_json(payload["reserved"]),
    }


def _show(code: str) -> identity.Executed:
    return identity.Executed(outcome={"participant": code})
