"""Closing business days: once each, by many at once, after being killed, exactly."""

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest
from tests.lending.loans.conftest import NOW, RULES, TODAY, Bank

from huitong import ledger, lending
from huitong.lending.closing.days import close_chunk

GRADE = lending.RulebookGrade.load(RULES, TODAY)


async def lend_many(bank: Bank, count: int) -> list[lending.Loan]:
    borrower = await bank.add_borrower()
    return [await bank.lend(borrower) for _ in range(count)]


async def close_today(bank: Bank, **named: Any) -> lending.ClosedDay:
    values: dict[str, Any] = {"grade": GRADE, "now": bank.now + timedelta(days=1), "chunk_size": 3}
    return await lending.close_day(bank.database, bank.today, **(values | named))


async def fingerprint(bank: Bank) -> list[tuple[object, ...]]:
    async with bank.database.unit_of_work() as uow:
        rows = await uow.execute(
            "SELECT md5(string_agg(b::text, ',' ORDER BY loan)), (SELECT count(*) FROM "
            "ledger.transfers), (SELECT count(*) FROM lending.auto_debits) FROM lending.balances b"
        )
    return [tuple(row) for row in rows]


async def test_closing_a_day_twice_changes_nothing_more(bank: Bank) -> None:
    await bank.add_product()
    await lend_many(bank, 7)
    closed = await close_today(bank)
    # 120.00 of interest in October's 31 days: 3.87 each.
    assert (closed.chunks, closed.loans, closed.interest) == (3, 7, 7 * 3_87)
    # 6 % may default within the year, of what falls from month to month: more than one percent.
    assert closed.provision == 7 * 285_00
    before = await fingerprint(bank)
    assert await close_today(bank) == closed
    assert await fingerprint(bank) == before
    await bank.check_ties()


async def test_two_at_once_close_each_chunk_once(bank: Bank) -> None:
    await bank.add_product()
    await lend_many(bank, 10)
    one, two = await asyncio.gather(close_today(bank), close_today(bank))
    assert one == two
    assert one.loans == 10
    await bank.check_ties()


async def test_a_day_that_somebody_with_a_faster_clock_began_is_ended(bank: Bank) -> None:
    await bank.add_product()
    await lend_many(bank, 2)
    late = bank.now + timedelta(days=1, seconds=2)

    async def begin(uow: Any) -> None:
        await uow.execute(
            "INSERT INTO lending.closed_days (day, chunk_size, chunks, started_at) "
            "VALUES (:day, 3, 1, :at)",
            day=bank.today,
            at=late,
        )

    await bank.database.run(begin)
    closed = await close_today(bank)
    assert (closed.loans, closed.done_at) == (2, late)
    await bank.check_ties()


async def test_a_day_that_is_not_over_or_skips_one_is_refused(bank: Bank) -> None:
    await bank.add_product()
    await lend_many(bank, 1)
    with pytest.raises(lending.LendingDayRefused):
        await close_today(bank, now=bank.now)
    await close_today(bank)
    bank.now += timedelta(days=2)
    before = await fingerprint(bank)
    with pytest.raises(lending.LendingDayRefused, match="2026-10-02"):
        await close_today(bank)
    assert await fingerprint(bank) == before


async def test_nothing_is_lent_on_a_day_that_is_closed(bank: Bank) -> None:
    await bank.add_product()
    await close_today(bank)
    with pytest.raises(lending.DayNotOpen):
        await lend_many(bank, 1)


async def test_a_repayment_after_midnight_closes_the_loans_own_day_and_no_day_is_closed_twice(
    bank: Bank,
) -> None:
    await bank.add_product()
    first, second = await lend_many(bank, 2)
    await bank.close(30)
    bank.now += timedelta(days=1)
    # Nobody has closed 31 October yet; the first loan is repaid on 1 November all the same.
    await bank.repay(first, 1_066_19)
    assert (await bank.state(first)).owed_now == 0
    bank.now -= timedelta(days=1)
    closed = await close_today(bank)
    assert closed.loans == 1
    bank.now += timedelta(days=1)
    assert (await bank.state(second)).owed_now == 1_066_19
    await bank.check_ties()


async def test_a_loan_that_is_behind_catches_up_over_months(bank: Bank) -> None:
    await bank.add_product()
    usual, behind = await lend_many(bank, 2)
    step: dict[str, Any] = {"size": 1, "grade": GRADE, "now": NOW + timedelta(days=40)}
    days = [TODAY + timedelta(days=place) for place in range(40)]
    for day in days:
        async with bank.database.unit_of_work() as uow:
            await uow.execute(
                "INSERT INTO lending.closed_days VALUES (:day, 1, 2, :now, :now)", day=day, now=NOW
            )
            await close_chunk(uow, day=day, chunk=usual.number, **step)
    async with bank.database.unit_of_work() as uow:
        found = await close_chunk(uow, day=days[-1], chunk=behind.number, **step)
    assert found is not None
    assert found.loans == 1
    bank.now += timedelta(days=40)
    state = await bank.state(behind)
    assert state.overdue == 946_19
    assert asdict(state) == asdict(await bank.state(usual)) | {"loan": behind.number}
    await bank.check_ties()


KILLED = """
import asyncio, os, sys
from datetime import date, datetime, timedelta, UTC
from huitong import lending
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.rulebook import Rulebook
from huitong.lending.closing import days, rolling
from huitong.lending.portfolio import figures

url, role, on, place, count = sys.argv[1:]
day = date.fromisoformat(on)
module = next(each for each in (rolling, figures, days) if hasattr(each, place))
found = getattr(module, place)
left = int(count)

async def dying(*args, **named):
    global left
    result = await found(*args, **named)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), 9)
    return result

setattr(module, place, dying)

async def main():
    async with Database(url, role=role or None, size=2) as database:
        await lending.close_day(
            database, day, grade=lending.RulebookGrade.load(Rulebook.load(), day),
            now=datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC), chunk_size=3,
        )

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("place", "count"),
    [("write_rows", 2), ("take_figures", 2), ("close_chunk", 2), ("sum_up", 1), ("_end_day", 1)],
)
async def test_whoever_is_killed_leaves_nothing_half_done(
    bank: Bank, place: str, count: int
) -> None:
    await bank.add_product()
    await lend_many(bank, 8)
    url = bank.database._url.render_as_string(hide_password=False)
    role = bank.database._role or ""
    command = [sys.executable, "-c", KILLED, url, role, bank.today.isoformat(), place, str(count)]
    done = await asyncio.to_thread(
        subprocess.run, command, check=False, capture_output=True, env=dict(os.environ)
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-500:]
    await bank.check_ties()
    closed = await close_today(bank)
    assert (closed.loans, closed.interest) == (8, 8 * 3_87)
    async with bank.database.unit_of_work() as uow:
        rows = await uow.execute(
            "SELECT chunk, sum(loans) FROM lending.portfolio_figures GROUP BY 1"
        )
    assert [tuple(row) for row in rows] == [(-1, 8)]
    await bank.check_ties()


async def test_a_chunk_that_is_done_or_being_done_is_left_alone(bank: Bank) -> None:
    await bank.add_product()
    await lend_many(bank, 1)
    await close_today(bank)
    step: dict[str, Any] = {"day": TODAY, "chunk": 0, "size": 3, "grade": GRADE, "now": NOW}
    async with bank.database.unit_of_work() as one:
        assert await close_chunk(one, **step) is None
        async with bank.database.unit_of_work() as two:
            assert await close_chunk(two, **step) is None


async def test_classes_and_provisions_follow_the_rulebook_by_days_past_due(bank: Bank) -> None:
    await bank.add_product()
    (loan,) = await lend_many(bank, 1)
    await bank.close(31)
    assert (await bank.state(loan)).klass == 0
    await bank.close()
    state = await bank.state(loan)
    assert (state.days_past_due, state.klass) == (1, 1)
    assert (state.overdue, state.interest_overdue) == (946_19, 120_00)
    # 946.19 at 18 % by 360 is 0.47 a day, unpaid interest of 120.00 is 0.06.
    assert (state.penalty, state.compound) == (47, 6)
    owed = state.owed_principal + state.interest + state.penalty + state.compound
    # What is overdue defaults with 15 % at least, and all its life counts.
    assert (state.stage, state.provision) == (2, state.expected_loss)
    assert state.expected_loss > owed * 2 // 100
    assert ledger.TransferCode.LOAN_DAY == 711
    await bank.check_ties()
