"""One loan from the product to the last payment, on the real ledger."""

from datetime import date

from tests.lending.loans.conftest import Bank, cny, new_id

from huitong import lending


async def test_a_loan_is_lent_accrues_is_repaid_and_paid_off(bank: Bank) -> None:
    await bank.add_product()
    borrower = await bank.add_borrower()
    loan = await bank.lend(borrower)
    assert await bank.balance(borrower.account_id) == 12_000_00
    first = (await bank.schedule(loan))[0]
    assert (first.due, first.principal, first.interest) == (date(2026, 11, 1), 946_19, 120_00)
    await bank.check_ties()

    await bank.close(10)
    state = await bank.state(loan)
    # Ten of October's 31 days.
    assert state.accrued == 120_00 * 10 // 31
    await bank.close(21)
    state = await bank.state(loan)
    assert (state.due, state.interest_due, state.not_due) == (946_19, 120_00, 11_053_81)
    await bank.check_ties()

    await bank.repay(loan, 1_066_19)
    state = await bank.state(loan)
    assert (state.owed_now, state.principal_paid, state.interest_paid) == (0, 946_19, 120_00)
    assert await bank.balance(borrower.account_id) == 12_000_00 - 1_066_19

    await bank.close(5)
    await bank.give(borrower.account_id, 1_000_00)
    quote = await bank.read(lending.quote_payoff, loan.id, on=bank.today, now=bank.now)
    assert (quote.principal, quote.interest) == (11_053_81, 110_54 * 5 // 30)
    await bank.run(lending.pay_off, loan.id, repayment_id=new_id(bank.now), amount=cny(quote.total))
    ended = await bank.read(lending.get_loan, loan.id)
    assert (ended.state, ended.ended_on) == (lending.LoanState.PAID_OFF, bank.today)
    await bank.close()
    await bank.check_ties()
