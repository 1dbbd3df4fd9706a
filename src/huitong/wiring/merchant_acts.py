"""Acts on merchants that take two people: fee plans, terms, reserves, payouts, disputes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from huitong import identity, payments
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import DISPUTE, SETTLEMENT_SHEET, read_id
from huitong.kernel.rulebook import Rulebook

Payload = Mapping[str, Any]


def make_merchant_acts(rulebook: Rulebook) -> identity.Handlers:
    """Return what does each act on merchants that was approved."""
    acts = _Acts(rulebook)
    return {
        "merchants.add_fee_plan": acts.add_fee_plan,
        "merchants.set_terms": acts.set_terms,
        "merchants.set_reserve": acts.set_reserve,
        "merchants.retry_payout": acts.retry_payout,
        "merchants.decide_dispute": acts.decide_dispute,
    }


class _Acts:
    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook

    async def add_fee_plan(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        version = await payments.merchants.add_plan_version(
            uow,
            payments.merchants.read_plan(payload),
            approval_id=approval.id,
            rulebook=self._rulebook,
            now=now,
        )
        return identity.Executed(outcome={"plan": version.plan, "version": str(version.version)})

    async def set_terms(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        terms = await payments.merchants.set_terms(
            uow,
            payments.merchants.read_terms(payload),
            approval_id=approval.id,
            rulebook=self._rulebook,
            now=now,
        )
        return identity.Executed(
            outcome={"merchant": payload["merchant"], "version": str(terms.version)}
        )

    async def set_reserve(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        terms = await payments.merchants.set_reserve(
            uow,
            payments.merchants.read_merchant(payload),
            reserve_permille=payload["reserve_permille"],
            reserve_days=payload["reserve_days"],
            reserve_floor=payload["reserve_floor"],
            approval_id=approval.id,
            rulebook=self._rulebook,
            now=now,
        )
        return identity.Executed(
            outcome={"merchant": payload["merchant"], "version": str(terms.version)}
        )

    async def retry_payout(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        del approval
        sheet_id = read_id(SETTLEMENT_SHEET, payload["sheet"], field="sheet")
        await payments.merchants.retry_payout(uow, sheet_id, now=now)
        return identity.Executed(outcome={"sheet": payload["sheet"]})

    async def decide_dispute(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        del approval
        dispute = await payments.merchants.act_on_dispute(
            uow,
            read_id(DISPUTE, payload["dispute"], field="dispute"),
            payments.merchants.Act(f"decide_{payload['outcome']}"),
            rulebook=self._rulebook,
            now=now,
        )
        assert dispute.outcome is not None
        return identity.Executed(
            outcome={"dispute": payload["dispute"], "outcome": dispute.outcome.value}
        )
