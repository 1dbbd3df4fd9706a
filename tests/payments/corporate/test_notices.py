"""Who of a business is told what, through the handlers of the worker."""

from datetime import date

from tests.payments.corporate.firm import Firm
from tests.payments.test_notices import log_in_of, tell

from huitong.payments import corporate


async def test_approvers_are_told_once_of_what_waits_for_them(firm: Firm) -> None:
    logins = {
        customer.id: await log_in_of(firm.town, customer)
        for customer in (firm.maker, *firm.checkers, firm.viewer)
    }
    instruction = await firm.instruct("10.00")
    event = corporate.InstructionWaiting(
        instruction_id=instruction.id,
        merchant_id=firm.merchant.id,
        amount=instruction.amount,
        approvers=1,
        expires_at=instruction.expires_at,
    )
    told = await tell(firm.town, event, times=2)
    assert sorted(told) == sorted(
        ("instruction_waiting", logins[customer.id].id) for customer in firm.checkers
    )


async def test_makers_and_checkers_are_told_of_a_skipped_payment(firm: Firm) -> None:
    people = (firm.maker, *firm.checkers)
    logins = [await log_in_of(firm.town, customer) for customer in (*people, firm.viewer)]
    event = corporate.StandingPaymentSkipped(
        standing_order_id=firm.new_id(),
        merchant_id=firm.merchant.id,
        number=1,
        due_on=date(2026, 11, 24),
        reason="insufficient_funds",
    )
    told = await tell(firm.town, event)
    assert sorted(told) == sorted(("standing_skipped", login.id) for login in logins[:3])
