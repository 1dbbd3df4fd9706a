"""Acts on products and loans that take two people; each is named by its approval, so done once."""

from collections.abc import Awaitable, Mapping
from datetime import date, datetime
from typing import Any

from huitong import identity, lending
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.ids import APPROVAL, LOAN, LOAN_APPLICATION, LOAN_EVENT, read_id, show_id
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.wiring.loan_partner_acts import make_partner_acts

Payload = Mapping[str, Any]


def make_lending_acts(rulebook: Rulebook) -> identity.Handlers:
    """Return what does each act of lending that was approved."""
    acts = _Acts(rulebook)
    return {
        "lending.add_product": acts.add_product,
        "lending.decide": acts.decide,
        "lending.reverse": acts.reverse,
        "lending.record_repayment": acts.record_repayment,
        "lending.reschedule": acts.reschedule,
        "lending.charge": acts.charge,
        "lending.waive": acts.waive,
        "lending.change_rate": acts.change_rate,
        "lending.write_off": acts.write_off,
        "lending.recover": acts.recover,
        **make_partner_acts(rulebook),
    }


class _Acts:
    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook

    async def add_product(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        product = await lending.add_product_version(
            uow,
            lending.read_version(payload),
            approval_id=approval.id,
            rulebook=self._rulebook,
            now=now,
        )
        return identity.Executed(outcome={"product": product.code, "version": str(product.version)})

    async def decide(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        application = await lending.applications.decide_application(
            uow,
            read_id(LOAN_APPLICATION, payload["application"], field="application"),
            lending.applications.LoanDecision(
                verdict=lending.applications.Verdict.OFFER,
                limit=payload["limit"],
                rate=payload["rate"],
                grade=payload["grade"],
                records={"approval": show_id(APPROVAL, approval.id)},
            ),
            rulebook=self._rulebook,
            now=now,
        )
        return identity.Executed(outcome={"stage": application.stage.value})

    async def reverse(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        event_id = read_id(LOAN_EVENT, payload["event"], field="event")
        return await _change(
            lending.reverse(
                uow, _loan(payload), reversal_id=approval.id, event_id=event_id, now=now
            )
        )

    async def record_repayment(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        return await _change(
            lending.repay(
                uow,
                _loan(payload),
                repayment_id=approval.id,
                amount=_amount(payload),
                on=date.fromisoformat(payload["on"]),
                now=now,
            )
        )

    async def reschedule(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        return await _change(
            lending.reschedule(
                uow,
                _loan(payload),
                rescheduling_id=approval.id,
                easing=lending.Easing(payload["easing"]),
                count=payload["count"],
                rate=payload["rate"],
                rulebook=self._rulebook,
                now=now,
            )
        )

    async def charge(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        return await _change(
            lending.charge(
                uow, _loan(payload), charge_id=approval.id, amount=_amount(payload).minor, now=now
            )
        )

    async def waive(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        return await _change(
            lending.waive(
                uow, _loan(payload), waiver_id=approval.id, amount=_amount(payload).minor, now=now
            )
        )

    async def change_rate(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        return await _change(
            lending.change_rate(
                uow,
                _loan(payload),
                change_id=approval.id,
                rate=payload["rate"],
                rulebook=self._rulebook,
                now=now,
            )
        )

    async def write_off(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        return await _change(
            lending.write_off(uow, _loan(payload), write_off_id=approval.id, now=now)
        )

    async def recover(
        self, uow: UnitOfWork, approval: identity.Approval, payload: Payload, *, now: datetime
    ) -> identity.Executed:
        return await _change(
            lending.recover(
                uow, _loan(payload), recovery_id=approval.id, amount=_amount(payload).minor, now=now
            )
        )


def _loan(payload: Payload) -> Any:
    return read_id(LOAN, payload["loan"], field="loan")


def _amount(payload: Payload) -> Money:
    return Money.from_json(payload["amount"], field="amount")


async def _change(change: Awaitable[lending.LoanEvent]) -> identity.Executed:
    event = await change
    return identity.Executed(outcome={"event": show_id(LOAN_EVENT, event.id)})
