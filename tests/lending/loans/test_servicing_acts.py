"""What happens to loans after they are lent, on the real ledger; the books tie each time."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
from tests.lending.loans.conftest import RULES, Bank, cny, new_id

from huitong import lending
from huitong.kernel.ids import uuid7


async def facts(bank: Bank, loan: lending.Loan) -> tuple[Any, ...]:
    """Return all that is known of a loan and of its borrower's money, to compare."""
    state = await bank.state(loan)
    return state, await bank.schedule(loan), await bank.balance(loan.borrower_account_id)


async def make_late(bank: Bank, *, days: int = 41) -> lending.Loan:
    """Return a loan of which the first payment is ten days late."""
    await bank.add_product()
    loan = await bank.lend(await bank.add_borrower())
    await bank.close(days)
    return loan


async def test_a_late_payment_settles_penalty_interest_and_principal_in_that_order(
    bank: Bank,
) -> None:
    loan = await make_late(bank)
    state = await bank.state(loan)
    assert (state.days_past_due, state.klass) == (10, 1)
    # Ten days at 18 % by 360: 946.19 and 120.00.
    assert (state.penalty, state.compound) == (4_73, 60)
    await bank.repay(loan, 100_00)
    state = await bank.state(loan)
    assert (state.penalty, state.compound, state.penalty_paid) == (0, 0, 5_33)
    assert (state.interest_overdue, state.overdue) == (120_00 - 94_67, 946_19)
    await bank.repay(loan, state.owed_now)
    state = await bank.state(loan)
    assert (state.owed_now, state.days_past_due) == (0, 0)
    await bank.close()
    assert (await bank.state(loan)).klass == 0
    await bank.check_ties()


async def test_a_reversed_payment_leaves_the_loan_as_it_was(bank: Bank) -> None:
    loan = await make_late(bank)
    before = await facts(bank, loan)
    event = await bank.repay(loan, 500_00)
    assert await facts(bank, loan) != before
    await bank.run(lending.reverse, loan.id, reversal_id=uuid7(), event_id=event.id)
    assert await facts(bank, loan) == before
    with pytest.raises(lending.LoanChangeRefused, match="already"):
        await bank.run(lending.reverse, loan.id, reversal_id=uuid7(), event_id=event.id)
    await bank.check_ties()


async def test_reversing_later_charges_the_penalty_that_was_spared(bank: Bank) -> None:
    loan = await make_late(bank, days=31)
    twin = await bank.lend(await bank.add_borrower())
    event = await bank.repay(loan, 1_066_19)
    await bank.close(20)
    await bank.run(lending.reverse, loan.id, reversal_id=uuid7(), event_id=event.id)
    state = await bank.state(loan)
    assert (state.overdue, state.interest_overdue, state.days_past_due) == (946_19, 120_00, 20)
    assert (state.penalty, state.compound) == (9_46, 1_20)
    assert await bank.balance(loan.borrower_account_id) == 12_000_00
    assert (await bank.state(twin)).owed_now == 0
    await bank.check_ties()


async def test_a_backdated_payment_takes_the_penalty_back(bank: Bank) -> None:
    loan = await make_late(bank)
    due_on = date(2026, 11, 1)
    await bank.repay(loan, 1_066_19, on=due_on)
    state = await bank.state(loan)
    assert (state.owed_now, state.penalty, state.penalty_paid) == (0, 0, 0)
    assert await bank.balance(loan.borrower_account_id) == 12_000_00 - 1_066_19
    await bank.check_ties()
    with pytest.raises(lending.DayNotOpen):
        await bank.repay(loan, 1, on=date(2026, 9, 30))
    with pytest.raises(lending.DayNotOpen):
        await bank.repay(loan, 1, on=bank.today + timedelta(days=1))


@pytest.mark.parametrize("mode", list(lending.EarlyMode))
async def test_paying_early_in_part_lowers_payments_or_their_number(
    bank: Bank, mode: lending.EarlyMode
) -> None:
    await bank.add_product(early_fee=10_000)
    loan = await bank.lend(await bank.add_borrower())
    await bank.close(15)
    event = await bank.run(
        lending.repay_early, loan.id, repayment_id=uuid7(), amount=cny(6_060_00), mode=mode
    )
    state, rows, money = await facts(bank, loan)
    assert event.amount == 6_060_00
    assert (state.principal_paid, state.fees_paid, money) == (6_000_00, 60_00, 5_940_00)
    # Fifteen days on 12,000 and sixteen on 6,000, of 31: 58.06 and 30.97.
    first = next(each for each in rows if each.number == state.next_number)
    assert first.interest == 89_03
    later = rows[1:]
    assert sum(each.principal for each in later) == 6_000_00
    if mode is lending.EarlyMode.LOWER_PAYMENTS:
        assert len(later) == 12
        assert {each.principal + each.interest for each in later[1:-1]} == {533_09}
    else:
        assert len(later) == 7
        assert later[0].principal == 946_19
    await bank.close(16)
    assert (await bank.state(loan)).interest_due == 89_03
    await bank.check_ties()


async def test_an_amount_that_does_not_fit_changes_nothing(bank: Bank) -> None:
    loan = await make_late(bank)
    owed = (await bank.state(loan)).owed_now
    before = await facts(bank, loan)
    mode = lending.EarlyMode.LOWER_PAYMENTS
    early: Any = {"repayment_id": uuid7(), "mode": mode}
    with pytest.raises(lending.MoreThanOwed):
        await bank.repay(loan, owed + 1)
    with pytest.raises(lending.LoanChangeRefused):
        await bank.run(lending.repay_early, loan.id, amount=cny(owed), **early)
    with pytest.raises(lending.MoreThanOwed):
        await bank.run(lending.repay_early, loan.id, amount=cny(50_000_00), **early)
    with pytest.raises(lending.QuoteChanged):
        await bank.run(lending.pay_off, loan.id, repayment_id=uuid7(), amount=cny(1))
    quote = await bank.read(lending.quote_payoff, loan.id, on=bank.today, now=bank.now)
    with pytest.raises(lending.LoanMoneyRefused):
        await bank.run(lending.pay_off, loan.id, repayment_id=uuid7(), amount=cny(quote.total))
    assert await facts(bank, loan) == before
    await bank.check_ties()


async def test_the_same_repayment_twice_is_one(bank: Bank) -> None:
    loan = await make_late(bank)
    repayment_id = new_id(bank.now)
    one, two = await asyncio.gather(
        *(bank.repay(loan, 500_00, repayment_id=repayment_id) for _ in range(2))
    )
    assert one == two
    assert await bank.balance(loan.borrower_account_id) == 11_500_00
    with pytest.raises(lending.LoanIdReused):
        await bank.repay(loan, 400_00, repayment_id=repayment_id)
    await bank.check_ties()


async def test_the_same_loan_asked_for_twice_at_once_is_one(bank: Bank) -> None:
    await bank.add_product()
    borrower, loan_id = await bank.add_borrower(), new_id()
    one, two = await asyncio.gather(*(bank.lend(borrower, loan_id=loan_id) for _ in range(2)))
    assert one.number == two.number
    assert await bank.balance(borrower.account_id) == 12_000_00
    assert (await bank.lend(borrower, loan_id=loan_id)).id == loan_id
    with pytest.raises(lending.LoanIdReused):
        await bank.lend(borrower, loan_id=loan_id, rate=110_000)
    await bank.check_ties()


async def test_repayments_at_once_take_no_more_than_is_owed(bank: Bank) -> None:
    loan = await make_late(bank)
    owed = (await bank.state(loan)).owed_now
    answers = await asyncio.gather(
        *(bank.repay(loan, 600_00, repayment_id=new_id(bank.now)) for _ in range(3)),
        return_exceptions=True,
    )
    refused = [each for each in answers if isinstance(each, lending.MoreThanOwed)]
    assert len(refused) == 2
    assert (await bank.state(loan)).owed_now == owed - 600_00
    await bank.check_ties()


async def test_due_payments_are_debited_as_far_as_there_is_money(bank: Bank) -> None:
    await bank.add_product()
    rich, poor = await bank.add_borrower(), await bank.add_borrower()
    paid, short = await bank.lend(rich), await bank.lend(poor)
    merchant = await bank.add_borrower()

    async def spend(uow: Any, *, now: Any) -> None:
        from huitong import ledger

        move = ledger.Transfer(
            id=new_id(now),
            debit_account_id=poor.account_id,
            credit_account_id=merchant.account_id,
            amount=11_900_00,
            currency="CNY",
            code=int(ledger.TransferCode.TRANSFER),
            effective_on=bank.today,
        )
        await ledger.post_entries(uow, [ledger.Request(ledger.Entry((move,)))], now=now)

    await bank.run(spend)
    await bank.close(31)
    assert await lending.debit_due(bank.database, now=bank.now) == 2
    assert (await bank.state(paid)).owed_now == 0
    assert (await bank.state(short)).owed_now == 1_066_19 - 100_00
    assert await lending.debit_due(bank.database, now=bank.now) == 0
    await bank.close()
    assert await lending.debit_due(bank.database, now=bank.now) == 1
    await bank.check_ties()


async def test_an_extension_is_bounded_and_for_loans_that_are_not_overdue(bank: Bank) -> None:
    loan = await make_late(bank, days=31)
    wanted: Any = {"easing": lending.Easing.EXTENSION, "rate": None, "rulebook": RULES}
    with pytest.raises(lending.LoanChangeRefused) as caught:
        await bank.run(lending.reschedule, loan.id, rescheduling_id=uuid7(), count=24, **wanted)
    assert caught.value.context == {"rule": "loan.extension.short.share.max"}
    await bank.repay(loan, 1_066_19)
    await bank.run(lending.reschedule, loan.id, rescheduling_id=uuid7(), count=20, **wanted)
    state, rows, _ = await facts(bank, loan)
    assert len(rows) == 1 + 20
    assert state.not_due == 11_053_81
    assert rows[-1].due == date(2028, 7, 1)
    await bank.check_ties()


async def test_restructuring_spreads_all_that_is_unpaid_and_is_watched_for_a_year(
    bank: Bank,
) -> None:
    loan = await make_late(bank, days=75)
    state = await bank.state(loan)
    assert state.interest_overdue == 120_00 + 110_54
    await bank.run(
        lending.reschedule,
        loan.id,
        rescheduling_id=uuid7(),
        easing=lending.Easing.RESTRUCTURING,
        count=24,
        rate=60_000,
        rulebook=RULES,
    )
    state, rows, _ = await facts(bank, loan)
    assert (state.overdue, state.days_past_due, state.not_due) == (0, 0, 12_000_00)
    assert len(rows) == 24
    assert rows[0].interest > 230_54
    await bank.close(2)
    assert (await bank.state(loan)).klass == 1
    await bank.check_ties()


async def test_charges_waivers_and_rates(bank: Bank) -> None:
    loan = await make_late(bank)
    await bank.run(lending.charge, loan.id, charge_id=uuid7(), amount=30_00)
    await bank.run(lending.waive, loan.id, waiver_id=uuid7(), amount=5_00)
    state = await bank.state(loan)
    assert (state.fees, state.compound, state.penalty) == (30_00, 0, 33)
    with pytest.raises(lending.MoreThanOwed):
        await bank.run(lending.waive, loan.id, waiver_id=uuid7(), amount=34)
    await bank.run(lending.change_rate, loan.id, change_id=uuid7(), rate=240_000, rulebook=RULES)
    with pytest.raises(lending.LoanChangeRefused, match=r"loan\.cost\.max"):
        await bank.run(
            lending.change_rate, loan.id, change_id=uuid7(), rate=240_001, rulebook=RULES
        )
    state = await bank.state(loan)
    assert state.penalty_rate == 360_000
    # Ten days at 12 % and twenty at 24 % of 30, of 11,053.81 a month at 1 %.
    assert state.carried + state.accrues == 36_85 + 147_38
    await bank.check_ties()


async def test_only_a_loss_is_written_off_and_what_is_recovered_is_income(bank: Bank) -> None:
    loan = await make_late(bank)
    with pytest.raises(lending.LoanChangeRefused):
        await bank.run(lending.write_off, loan.id, write_off_id=uuid7())
    bank.now += timedelta(days=360)
    async with bank.database.unit_of_work() as uow:
        for month in (date(2027, 10, 1), date(2027, 11, 1)):
            await uow.execute("SELECT ledger.add_partition(:month)", month=month)
    # Closed for the loan alone, then graded with all others.
    await bank.run(lending.bring_to_today, loan.id)
    async with bank.database.unit_of_work() as uow:
        await uow.execute("UPDATE lending.balances SET class = 4")
    await bank.run(lending.write_off, loan.id, write_off_id=uuid7())
    ended = await bank.read(lending.get_loan, loan.id)
    assert ended.state is lending.LoanState.WRITTEN_OFF
    with pytest.raises(lending.LoanEnded):
        await bank.repay(loan, 1_00)
    await bank.run(lending.recover, loan.id, recovery_id=uuid7(), amount=500_00)
    assert (await bank.state(loan)).recovered == 500_00
    await bank.check_ties()


async def test_a_payoff_that_is_reversed_makes_the_loan_run_again(bank: Bank) -> None:
    await bank.add_product()
    loan = await bank.lend(await bank.add_borrower(1_000_00))
    await bank.close(10)
    before = await facts(bank, loan)
    quote = await bank.read(lending.quote_payoff, loan.id, on=bank.today, now=bank.now)
    event = await bank.run(lending.pay_off, loan.id, repayment_id=uuid7(), amount=cny(quote.total))
    assert (await bank.read(lending.get_loan, loan.id)).state is lending.LoanState.PAID_OFF
    await bank.run(lending.reverse, loan.id, reversal_id=uuid7(), event_id=event.id)
    assert (await bank.read(lending.get_loan, loan.id)).state is lending.LoanState.ACTIVE
    state, rows, money = await facts(bank, loan)
    # The provision was released with the payoff, and comes again as the day closes.
    assert (state.provision, before[0].provision) == (0, 285_83)
    assert (rows, money) == before[1:]
    await bank.close()
    assert (await bank.state(loan)).provision == 285_92
    await bank.check_ties()
