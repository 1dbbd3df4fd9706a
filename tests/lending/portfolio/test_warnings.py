"""Early warnings: opened once while a sign is seen, gone with it, closed by people, left alone."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.lending.loans.conftest import RULES, Bank

from huitong import lending
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import uuid7
from huitong.lending.portfolio import CreditWarning, Outcome, WarnedDay


async def warn(bank: Bank) -> WarnedDay | None:
    found: WarnedDay | None = await bank.run(lending.portfolio.warn, rulebook=RULES)
    return found


async def look(bank: Bank, *, is_open: bool | None = True) -> list[CreditWarning]:
    found: list[CreditWarning] = await bank.read(
        lending.portfolio.list_warnings, is_open=is_open, before_id=None, limit=100
    )
    return found


async def close(bank: Bank, warning: CreditWarning, outcome: Outcome, note: str = "seen") -> Any:
    return await bank.run(lending.portfolio.close_warning, warning.id, outcome=outcome, note=note)


async def lend_late(bank: Bank) -> lending.Loan:
    """Return a loan that is four days overdue, with the day of that closed."""
    await bank.add_product()
    loan = await bank.lend(await bank.add_borrower(20_000_00))
    await bank.close(35)
    return loan


async def test_a_borrower_who_is_late_is_warned_of_once_until_nothing_is_overdue(
    bank: Bank,
) -> None:
    loan = await lend_late(bank)
    first = await warn(bank)
    assert first is not None
    assert first.opened >= 1
    assert await warn(bank) is None
    (late,) = [each for each in await look(bank) if each.sign == "overdue"]
    assert late.customer_id == loan.customer_id
    assert late.details == {"overdue_days": 4}
    await bank.close()
    await warn(bank)
    (again,) = [each for each in await look(bank) if each.sign == "overdue"]
    assert (again.id, again.details) == (late.id, {"overdue_days": 5})
    assert (again.found_on, again.last_seen_on) == (late.found_on, bank.today - timedelta(days=1))
    owed = (await bank.state(loan)).owed_now
    await bank.repay(loan, owed)
    await bank.close()
    warned = await warn(bank)
    assert warned is not None
    assert warned.gone == 1
    closed = [each for each in await look(bank, is_open=False) if each.sign == "overdue"]
    assert [each.outcome for each in closed] == [Outcome.GONE]


async def test_two_workers_warn_once(bank: Bank) -> None:
    await lend_late(bank)
    found = await asyncio.gather(warn(bank), warn(bank))
    assert sum(each is not None for each in found) == 1


async def test_a_watched_borrower_stays_in_the_second_stage_until_a_person_ends_it(
    bank: Bank,
) -> None:
    loan = await lend_late(bank)
    await warn(bank)
    (late,) = [each for each in await look(bank) if each.sign == "overdue"]
    closed = await close(bank, late, Outcome.WATCHED)
    assert closed.closed_on == bank.today
    assert await close(bank, late, Outcome.WATCHED) == closed
    with pytest.raises(lending.portfolio.LoanWarningClosed):
        await close(bank, late, Outcome.HANDLED)
    await bank.close()
    # It was closed by a person lately, so that it is not opened again so soon.
    await warn(bank)
    assert [each for each in await look(bank) if each.sign == "overdue"] == []
    for days in (25, 12):
        await bank.repay(loan, (await bank.state(loan)).owed_now)
        await bank.close(days)
    # Without the watch, 37 days would have cured it.
    assert (await bank.state(loan)).stage == 2


async def test_loans_follow_the_grade_of_the_latest_application(bank: Bank) -> None:
    product, borrower = await bank.add_product(), await bank.add_borrower()
    loan = await bank.lend(borrower, grade="A")
    other = await bank.lend(await bank.add_borrower(), grade="A")
    await bank.close()
    async with bank.database.unit_of_work() as uow:
        application = uuid7()
        await uow.execute(
            """INSERT INTO lending.applications
                      (id, customer_id, product_id, product_version, borrower_account_id,
                       payout_account_id, started_at, changed_at)
               VALUES (:id, :customer, :product, 1, :account, :account, :at, :at)""",
            id=application,
            customer=borrower.id,
            product=product.id,
            account=borrower.account_id,
            at=bank.now,
        )
        await uow.execute(
            """INSERT INTO lending.application_steps
               VALUES (:id, 1, 'decided', 'cli', :at, '{"grade": "B"}'),
                      (:id, 2, 'decided', 'cli', :at, '{"grade": "D"}'),
                      (:id, 3, 'decided', 'cli', :at, '{"grade": null}')""",
            id=application,
            at=bank.now,
        )
    await warn(bank)
    await bank.close()
    assert [(await bank.state(each)).stage for each in (loan, other)] == [2, 1]
    await bank.check_ties()


async def test_the_portfolio_warns_of_thin_provisions_and_great_segments(bank: Bank) -> None:
    await bank.add_product()
    borrower = await bank.add_borrower()
    for use in ("household", "education"):
        await bank.lend(borrower, use=use, grade="A")
    await bank.close()
    await warn(bank)
    found = {(each.sign, each.subject): each.details for each in await look(bank)}
    assert found["concentration", "CNY use household"] == {"share": "0.500000"}
    assert ("concentration", "CNY product cash") not in found
    assert found["loan_ratio_low", "CNY"] == {"ratio": "0.010003", "min": "0.025"}


@pytest.mark.parametrize(
    ("outcome", "note", "field"),
    [
        (Outcome.GONE, "gone", "outcome"),
        (Outcome.HANDLED, " ", "note"),
        (Outcome.HANDLED, "x" * 1001, "note"),
        (Outcome.WATCHED, "a segment", "outcome"),
    ],
)
async def test_what_does_not_fit_is_refused_and_changes_nothing(
    bank: Bank, outcome: Outcome, note: str, field: str
) -> None:
    await bank.add_product()
    await bank.lend(await bank.add_borrower(), grade="A")
    await bank.close()
    await warn(bank)
    (thin,) = await look(bank)
    with pytest.raises(InvalidField) as refused:
        await close(bank, thin, outcome, note)
    assert refused.value.field == field
    assert await look(bank) == [thin]


async def test_a_warning_that_is_not_there_is_not_closed(bank: Bank) -> None:
    with pytest.raises(lending.portfolio.LoanWarningNotFound):
        await bank.run(
            lending.portfolio.close_warning, uuid7(), outcome=Outcome.HANDLED, note="none"
        )
