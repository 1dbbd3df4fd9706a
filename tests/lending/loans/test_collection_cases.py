"""Cases of late loans: opened, placed, planned and closed by the close of business."""

import asyncio
import os
import signal
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event
from tests.lending.loans.collecting import DUE, Desk
from tests.lending.loans.conftest import Bank

from huitong import customers
from huitong.lending import collections


@pytest.fixture
def desk(bank: Bank) -> Desk:
    return Desk(bank)


async def test_a_loan_is_reminded_before_and_on_its_due_day_and_after_it(desk: Desk) -> None:
    await desk.agree()
    (loan,) = await desk.lend()
    await desk.bank.close()
    await desk.collect()
    assert await desk.send() == 0
    sent = []
    for _ in range(5):
        (day,) = await desk.close()
        sent.append((desk.bank.today.isoformat(), day.planned, await desk.send()))
    assert sent == [
        ("2026-10-03", 1, 1),
        ("2026-10-04", 0, 0),
        ("2026-10-05", 0, 0),
        ("2026-10-06", 1, 1),
        ("2026-10-07", 1, 1),
    ]
    history = await desk.history(loan)
    told = [(each.channel.value, each.text_en) for each in reversed(history.contacts)]
    assert told == [
        (
            "sms",
            (
                "A payment of CNY 1066.19 on your loan is due on 6 Oct 2026. Please have it on "
                "your account by then."
            ),
        ),
        ("app", "A payment of CNY 1066.19 on your loan is due today."),
        (
            "sms",
            "A payment on your loan due on 6 Oct 2026 is missing; please pay CNY 1066.72 soon.",
        ),
    ]
    assert [each.customer_id for each in desk.told] == [loan.customer_id] * 2
    (case,) = history.cases
    assert (case.days, case.since_day, case.segment, case.score) == (1, DUE, "late_early", 100)
    assert case.outcome is None
    await desk.bank.check_ties()
    assert collections.Outcome.SENT is history.contacts[0].outcome


async def test_a_case_ends_when_all_that_is_overdue_is_paid(desk: Desk) -> None:
    await desk.agree()
    (loan,) = await desk.late(1, money=20_000_00)
    state = await desk.bank.state(loan)
    await desk.bank.repay(loan, state.owed_now)
    assert await desk.send() == 1
    assert desk.told == []
    (day,) = await desk.close()
    assert (day.opened, day.closed) == (0, 1)
    history = await desk.history(loan)
    assert (history.cases[0].outcome, history.contacts) == ("paid", ())
    # The reminder of the due day was planned and never sent; that of the day after is needless.
    states = await desk.rows("SELECT state FROM lending.collection_tasks ORDER BY on_day")
    assert states == [("lapsed",), ("needless",)]
    await desk.close(29)
    (again,) = await desk.close()
    assert again.opened == 1
    case = (await desk.history(loan)).cases[0]
    # Fifteen points less for having been late before: but not in another segment yet.
    assert (case.score, case.segment, case.days) == (85, "late_early", 1)
    assert case.opened_on == desk.bank.today == DUE + timedelta(days=32)


async def test_worse_behaviour_and_longer_delay_lead_to_other_segments(desk: Desk) -> None:
    step = collections.NewStep(
        day=2,
        channel=collections.Channel.CALL,
        is_automatic=False,
        text_zh="逾期 {days} 天，应还 {amount}。",
        text_en="{days} days, {amount}.",
    )
    large = collections.Segment(code="large", days_min=1, amount_min=1_066_73)
    bad = collections.Segment(code="bad", days_min=1, score_max=99)
    rest = collections.Segment(code="rest", days_min=2, steps=(step,))
    await desk.agree(segments=(large, bad, rest))
    (loan,) = await desk.late(1)
    # Of 1066.72 that is owed on the first day nobody takes care.
    assert (await desk.history(loan)).cases[0].segment is None
    await desk.close()
    assert (await desk.history(loan)).cases[0].segment == "large"
    first = await desk.rows("SELECT count(*) FROM lending.collection_tasks WHERE day = 2")
    assert first == [(0,)]


async def test_two_workers_and_a_second_run_open_each_case_once(desk: Desk) -> None:
    await desk.agree()
    await desk.late(1, 5)
    before = await counts(desk)
    assert before == [(5, 10, 4)]
    await desk.bank.close()
    one, two = await asyncio.gather(desk.collect(), desk.collect())
    assert sum(len(each) for each in (one, two)) in (1, 2)
    assert await desk.collect() == []
    assert await counts(desk) == [(5, 10, 6)]


KILLED = """
import asyncio, os, sys
from datetime import datetime
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.rulebook import Rulebook
from huitong.lending.collections import judging

url, role, now, place, count = sys.argv[1:]
found = getattr(judging, place)
left = int(count)

async def dying(*args, **named):
    global left
    result = await found(*args, **named)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), 9)
    return result

setattr(judging, place, dying)

async def main():
    async with Database(url, role=role or None, size=2) as database:
        await judging.collect_days(database, rulebook=Rulebook.load(),
                                   now=datetime.fromisoformat(now), chunk_size=3)

asyncio.run(main())
"""


@pytest.mark.parametrize(("place", "count"), [("_open_day", 1), ("_plan", 1), ("collect_chunk", 1)])
async def test_killed_at_any_point_a_case_is_opened_once(
    desk: Desk, place: str, count: int
) -> None:
    await desk.agree()
    await desk.lend(5)
    await desk.bank.close(6)
    url = desk.bank.database.engine.url.set(drivername="postgresql").render_as_string(
        hide_password=False
    )
    arguments = [url, "huitong_app", desk.bank.now.isoformat(), place, str(count)]
    killed = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", KILLED, *arguments],
        env=dict(os.environ),
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()[-2_000:]
    (day,) = await desk.collect()
    assert (day.opened, day.planned) == (5, 5)
    assert await counts(desk) == [(5, 5, 2)]
    assert await desk.send() == 5
    # Of five loans of one debtor two are written about on a day.
    assert len(desk.told) == 2
    assert await desk.send() == 0
    rules = await desk.rows(
        "SELECT rule, count(*) FROM lending.collection_tasks WHERE state = 'refused' GROUP BY 1"
    )
    assert rules == [("collection.messages.day", 3)]
    await desk.bank.check_ties()


async def counts(desk: Desk) -> list[tuple[object, ...]]:
    return await desk.rows(
        """SELECT (SELECT count(*) FROM lending.collection_cases),
                  (SELECT count(*) FROM lending.collection_tasks),
                  (SELECT count(*) FROM lending.collection_chunks)"""
    )


async def test_more_loans_take_no_more_statements(desk: Desk) -> None:
    await desk.agree()
    counted = []
    (loan,) = await desk.lend()
    for _ in range(2):
        await desk.bank.close(5)
        await desk.collect(chunk_size=100)
        await desk.bank.close()
        made: list[str] = []
        engine = desk.bank.database.engine.sync_engine

        def count(*arguments: Any, into: list[str] = made) -> None:
            into.append(str(arguments[2]))

        event.listen(engine, "before_cursor_execute", count)
        (day,) = await desk.collect(chunk_size=100)
        event.remove(engine, "before_cursor_execute", count)
        counted.append((day.opened, len(made)))
        debtor = await desk.bank.read(customers.get_customer, loan.customer_id)
        first_due = desk.bank.today + timedelta(days=5)
        for _ in range(7):
            await desk.bank.lend(debtor, auto_debit=False, first_due=first_due)
    assert [opened for opened, _ in counted] == [1, 7]
    assert counted[0][1] == counted[1][1]
