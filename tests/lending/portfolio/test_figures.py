"""Figures of business days: they are what balances come to, each day once, whoever closes it."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tests.lending.loans.conftest import RULES, Bank, cny, new_id
from tests.lending.loans.test_closing import close_today, lend_many

from huitong import lending
from huitong.kernel.money import Money
from huitong.lending.portfolio import Dimension, Narrowing, Portfolio


async def look(bank: Bank, as_of: date | None = None, **narrowed: Any) -> Portfolio:
    found: Portfolio = await bank.read(
        lending.portfolio.get_portfolio,
        Narrowing(**narrowed),
        as_of=as_of or bank.today,
        rulebook=RULES,
    )
    return found


async def owed_now(bank: Bank) -> tuple[int, ...]:
    """Return what balances come to: loans, principal, expected loss and provisions."""
    async with bank.database.unit_of_work() as uow:
        rows = await uow.execute(
            "SELECT count(*), sum(not_due + due + overdue)::bigint, sum(expected_loss)::bigint, "
            "sum(provision)::bigint FROM lending.balances WHERE is_active"
        )
    return tuple(next(iter(rows)))


def sums_of(found: Portfolio) -> tuple[int, ...]:
    total = found.total
    return total.loans, total.principal, total.expected_loss, total.provision


async def test_figures_of_a_day_are_what_balances_come_to(bank: Bank) -> None:
    await bank.add_product()
    borrower = await bank.add_borrower()
    for grade in ("A", "A", "D", None):
        await bank.lend(borrower, grade=grade, facts={"region": "山西"})
    await bank.close(33)
    found = await look(bank)
    assert sums_of(found) == await owed_now(bank)
    assert found.as_of == bank.today - timedelta(days=1)
    for slices in found.slices.values():
        assert sum(each.sums.loans for each in slices) == 4
        assert sum(each.sums.owed for each in slices) == found.total.owed
    grades = {each.key: each.sums.loans for each in found.slices[Dimension.GRADE]}
    assert grades == {"A": 2, "D": 1, "": 1}
    assert [each.key for each in found.slices[Dimension.REGION]] == ["山西"]
    assert [each.key for each in found.slices[Dimension.BUCKET]] == ["1-30"]
    assert found.losses is not None
    weighted = sum(each.weight * each.expected_loss for each in found.losses)
    # Each loan's loss is rounded up to a fen, in each scenario and altogether.
    assert abs(weighted - found.total.expected_loss) <= 4
    assert (await look(bank, grade="A")).total.loans == 2
    await bank.check_ties()


async def test_closing_twice_and_by_two_takes_figures_once(bank: Bank) -> None:
    await bank.add_product()
    await lend_many(bank, 8)
    await asyncio.gather(close_today(bank), close_today(bank))
    await close_today(bank)
    found = await look(bank)
    assert found.total.loans == 8
    assert sums_of(found) == await owed_now(bank)
    async with bank.database.unit_of_work() as uow:
        chunks = await uow.fetch_value("SELECT max(chunk) FROM lending.portfolio_figures")
    assert chunks == -1


async def test_a_loan_that_was_repaid_after_midnight_is_valued_and_counted(bank: Bank) -> None:
    await bank.add_product()
    first = await bank.lend(await bank.add_borrower(20_000_00))
    await bank.lend(await bank.add_borrower())
    await bank.close(31)
    bank.now += timedelta(days=1)
    await bank.repay(first, 500_00)
    bank.now -= timedelta(days=1)
    closed = await close_today(bank)
    bank.now += timedelta(days=1)
    assert closed.loans == 1
    state = await bank.state(first)
    assert (state.days_past_due, state.klass, state.stage) == (1, 1, 2)
    found = await look(bank)
    assert found.total.loans == 2
    assert sums_of(found) == await owed_now(bank)
    await bank.check_ties()


async def test_what_was_lent_after_midnight_is_of_the_next_day(bank: Bank) -> None:
    await bank.add_product()
    await lend_many(bank, 1)
    bank.now += timedelta(days=1)
    await lend_many(bank, 1)
    bank.now -= timedelta(days=1)
    await close_today(bank)
    assert (await look(bank)).total.loans == 1
    bank.now += timedelta(days=1)
    await bank.close()
    assert (await look(bank)).total.loans == 2
    await bank.check_ties()


async def test_months_end_with_rolls_and_vintages(bank: Bank) -> None:
    await bank.add_product()
    good, late = await bank.add_borrower(40_000_00), await bank.add_borrower()
    paid = await bank.lend(good)
    await bank.lend(late)
    await bank.close(31)
    assert bank.today == date(2026, 11, 1)
    await bank.repay(paid, 1_066_19)
    await bank.close(30)
    found = await look(bank)
    assert found.rolled_on == date(2026, 11, 30)
    assert found.rolls is not None
    assert [(each.from_bucket, each.to_bucket, each.loans) for each in found.rolls] == [
        (0, 0, 1),
        (0, 1, 1),
    ]
    assert found.vintages is not None
    (october,) = found.vintages
    assert (october.month, october.loans, october.lent) == (date(2026, 10, 1), 2, 24_000_00)
    assert [each.months for each in october.points] == [0, 1]
    await bank.run(lending.pay_off, paid.id, repayment_id=new_id(), amount=await quoted(bank, paid))
    await bank.close(31)
    found = await look(bank)
    assert found.rolls is not None
    assert [(each.from_bucket, each.to_bucket, each.loans) for each in found.rolls] == [
        (0, 6, 1),
        (1, 3, 1),
    ]
    assert found.vintages is not None
    point = found.vintages[0].points[-1]
    assert point.months == 2
    # 12,000.00 of 24,000.00, nothing of which was paid.
    assert (point.late_30, point.ever_30, point.late_90, point.lost) == (
        Decimal("0.5"),
        Decimal("0.5"),
        0,
        0,
    )
    await bank.check_ties()


async def quoted(bank: Bank, loan: lending.Loan) -> Money:
    quote = await bank.read(lending.quote_payoff, loan.id, on=bank.today, now=bank.now)
    return cny(quote.total)


async def test_a_schedule_that_changes_moves_the_last_day(bank: Bank) -> None:
    await bank.add_product()
    (loan,) = await lend_many(bank, 1)
    await bank.close()
    await bank.run(
        lending.reschedule,
        loan.id,
        rescheduling_id=new_id(),
        easing=lending.Easing.RESTRUCTURING,
        count=18,
        rate=None,
        rulebook=RULES,
    )
    async with bank.database.unit_of_work() as uow:
        ends = await uow.fetch_value("SELECT ends_day FROM lending.credit_marks")
        last = await uow.fetch_value("SELECT max(due_on) FROM lending.instalments")
    assert ends == last > date(2027, 10, 1)
