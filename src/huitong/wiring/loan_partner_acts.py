"""Acts on partners, sales and lines that take two people; each is named by its approval."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from huitong import identity, lending
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import LOAN_LINE, LOAN_SALE, read_id, show_id
from huitong.kernel.rulebook import Rulebook

Payload = Mapping[str, Any]


def make_partner_acts(rulebook: Rulebook) -> identity.Handlers:
    """Return what does each of these acts that was approved."""
    acts = _Acts(rulebook)
    return {
        "lending.add_partner": acts.add_partner,
        "lending.add_agreement": acts.add_agreement,
        "lending.sell_loans": acts.sell_loans,
        "lending.buy_back": acts.buy_back,
        "lending.open_line": acts.open_line,
        "lending.close_line": acts.close_line,
    }


class _Acts:
    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook

    async def add_partner(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        new = lending.partners.read_partner(payload)
        partner = await lending.partners.add_partner_version(
            uow, new, approval_id=approval.id, now=now
        )
        return identity.Executed(outcome={"partner": partner.code, "version": str(partner.version)})

    async def add_agreement(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        new = lending.partners.read_agreement(payload)
        plan = await lending.partners.add_agreement_version(
            uow, new, approval_id=approval.id, rulebook=self._rulebook, now=now
        )
        return identity.Executed(outcome={"agreement": new.code, "version": str(plan.version)})

    async def sell_loans(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        new = lending.sales.read_sale(payload)
        sale = await lending.sales.sell_loans(
            uow, new, sale_id=approval.id, rulebook=self._rulebook, now=now
        )
        return identity.Executed(outcome={"sale": show_id(LOAN_SALE, sale.id)})

    async def buy_back(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        new = lending.sales.read_buy_back(payload)
        sale = await lending.sales.buy_back(uow, new, buy_back_id=approval.id, now=now)
        return identity.Executed(outcome={"sale": show_id(LOAN_SALE, sale.id)})

    async def open_line(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        new = lending.lines.read_line(payload)
        line = await lending.lines.open_line(
            uow, new, line_id=approval.id, rulebook=self._rulebook, now=now
        )
        return identity.Executed(outcome={"line": show_id(LOAN_LINE, line.id)})

    async def close_line(
        self,
        uow: UnitOfWork,
        approval: identity.Approval,  # noqa: ARG002 - as all acts
        payload: Payload,
        *,
        now: datetime,  # noqa: ARG002
    ) -> identity.Executed:
        line_id = read_id(LOAN_LINE, payload["line"], field="line")
        line = await lending.lines.close_line(uow, line_id)
        return identity.Executed(outcome={"state": line.state.value})
