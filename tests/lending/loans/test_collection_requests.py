"""Promises, requests for easier terms and complaints of debtors."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.lending.loans.collecting import Desk
from tests.lending.loans.conftest import RULES, Bank

from huitong import lending
from huitong.kernel.errors import InvalidField, LimitExceeded
from huitong.kernel.ids import uuid7
from huitong.lending import collections

AGENT, OTHER = uuid7(), uuid7()


@pytest.fixture
def desk(bank: Bank) -> Desk:
    return Desk(bank)


async def ask(desk: Desk, loan: lending.Loan, **named: Any) -> collections.Hardship:
    values: dict[str, Any] = {
        "hardship_id": uuid7(),
        "cause": collections.Cause.ILLNESS,
        "count": 24,
        "rulebook": RULES,
    }
    found: collections.Hardship = await desk.bank.run(
        collections.ask_for_hardship, loan, **(values | named)
    )
    return found


async def test_a_promise_is_kept_by_what_is_paid_until_its_day_ends(desk: Desk) -> None:
    await desk.agree()
    (loan,) = await desk.late(1, money=5_000_00)
    day = desk.bank.today + timedelta(days=2)
    await desk.promise(loan, 500_00, day)
    # Contact pauses meanwhile: what was to be sent today is not.
    assert await desk.send() == 1
    assert desk.told == []
    refused = await desk.rows("SELECT rule FROM lending.collection_tasks WHERE state = 'refused'")
    assert refused == [("collection.pause.promise",)]
    await desk.close()
    await desk.bank.repay(loan, 200_00)
    await desk.close()
    await desk.bank.repay(loan, 300_00)
    (closed,) = await desk.close()
    assert (closed.kept, closed.broken) == (1, 0)
    (promise,) = (await desk.history(loan)).promises
    assert (promise.state, promise.paid, promise.judged_on) == ("kept", 500_00, day)
    await desk.bank.check_ties()


async def test_a_promise_is_broken_by_what_is_paid_late_or_taken_back(desk: Desk) -> None:
    await desk.agree()
    (loan,) = await desk.late(1, money=5_000_00)
    await desk.bank.repay(loan, 100_00)
    desk.bank.now += timedelta(minutes=1)
    today = desk.bank.today
    await desk.promise(loan, 500_00, today)
    paid = await desk.bank.repay(loan, 500_00)
    await desk.bank.run(lending.reverse, loan.id, reversal_id=uuid7(), event_id=paid.id)
    await desk.bank.repay(loan, 499_99)
    await desk.bank.close()
    # After midnight, before anybody looked: a day too late.
    await desk.bank.repay(loan, 1_00)
    (closed,) = await desk.collect()
    assert (closed.kept, closed.broken) == (0, 1)
    history = await desk.history(loan)
    assert (history.promises[0].state, history.promises[0].paid) == ("broken", 499_99)
    assert history.cases[0].score == 80


async def test_who_pays_everything_has_kept_a_promise_for_later(desk: Desk) -> None:
    await desk.agree()
    (loan,) = await desk.late(1, money=5_000_00)
    owed = (await desk.bank.state(loan)).owed_now
    await desk.promise(loan, owed, desk.bank.today + timedelta(days=10))
    await desk.bank.repay(loan, owed)
    (closed,) = await desk.close()
    assert (closed.closed, closed.kept) == (1, 0)
    assert (await desk.history(loan)).promises[0].state == "kept"


async def test_promises_are_bounded_by_what_is_owed_by_days_and_by_number(desk: Desk) -> None:
    await desk.agree()
    (loan,) = await desk.late(1)
    today = desk.bank.today
    for amount, day, field in (
        (0, today, "amount"),
        (1_066_73, today, "amount"),
        (1_00, today - timedelta(days=1), "pay_by"),
    ):
        with pytest.raises(InvalidField) as caught:
            await desk.promise(loan, amount, day)
        assert caught.value.field == field
    with pytest.raises(collections.RequestRefused) as refused:
        await desk.promise(loan, 1_00, today + timedelta(days=15))
    assert refused.value.context == {"rule": "collection.promise.days.max"}
    promise_id = uuid7()
    first = await desk.promise(loan, 1_00, today, promise_id=promise_id)
    assert await desk.promise(loan, 1_00, today, promise_id=promise_id) == first
    with pytest.raises(collections.CollectionIdReused):
        await desk.promise(loan, 2_00, today, promise_id=promise_id)
    with pytest.raises(collections.AlreadyOpen):
        await desk.promise(loan, 1_00, today)
    for _ in range(2):
        await desk.close()
        await desk.promise(loan, 1_00, desk.bank.today)
    await desk.close()
    with pytest.raises(collections.RequestRefused) as refused:
        await desk.promise(loan, 1_00, desk.bank.today)
    assert refused.value.context == {"rule": "collection.promises.case.max"}


async def test_two_promises_at_once_are_one(desk: Desk) -> None:
    await desk.agree()
    (loan,) = await desk.late(1)
    found = await asyncio.gather(
        *(desk.promise(loan, 1_00, desk.bank.today) for _ in range(3)), return_exceptions=True
    )
    assert sum(isinstance(each, collections.Promise) for each in found) == 1
    assert sum(isinstance(each, collections.AlreadyOpen) for each in found) == 2


async def test_a_loan_that_is_not_late_has_nothing_to_promise(desk: Desk) -> None:
    await desk.bank.add_product()
    loan = await desk.bank.lend(await desk.bank.add_borrower())
    with pytest.raises(collections.NotOverdue):
        await desk.promise(loan, 1_00, desk.bank.today)


async def test_hardship_is_granted_by_a_change_of_the_loan_that_ends_its_case(desk: Desk) -> None:
    await desk.agree()
    (loan,) = await desk.late(1)
    asked = await ask(desk, loan)
    assert asked.due_on == desk.bank.today + timedelta(days=10)
    with pytest.raises(collections.AlreadyOpen):
        await ask(desk, loan)
    await desk.promise(loan, 1_00, desk.bank.today + timedelta(days=3))
    assert await desk.send() == 1
    assert desk.told == []
    grant = {"approval_id": uuid7(), "count": 24, "rate": None, "rulebook": RULES}
    granted = await desk.bank.run(collections.grant_hardship, asked.id, **grant)
    assert granted.state is collections.HardshipState.GRANTED
    assert (await desk.bank.state(loan)).days_past_due == 0
    assert sum(each.is_open for each in await desk.bank.schedule(loan)) == 24
    with pytest.raises(collections.AlreadyEnded):
        await desk.bank.run(collections.grant_hardship, asked.id, **grant)
    (closed,) = await desk.close()
    assert closed.closed == 1
    history = await desk.history(loan)
    assert (history.cases[0].outcome, history.promises[0].state) == ("eased", "void")
    await desk.bank.check_ties()


async def test_hardship_is_refused_with_reasons_and_asked_for_three_times_a_year(
    desk: Desk,
) -> None:
    await desk.bank.add_product()
    loan = await desk.bank.lend(await desk.bank.add_borrower())
    refusal: dict[str, Any] = {"staff_id": AGENT, "reason_zh": "收入充足", "reason_en": "Enough."}
    for _ in range(3):
        asked = await ask(desk, loan)
        with pytest.raises(InvalidField):
            await desk.bank.run(
                collections.refuse_hardship, asked.id, **(refusal | {"reason_en": " "})
            )
        found = await desk.bank.run(collections.refuse_hardship, asked.id, **refusal)
        assert (found.state, found.reason_zh) == ("refused", "收入充足")
    with pytest.raises(collections.RequestRefused) as caught:
        await ask(desk, loan)
    assert caught.value.context == {"rule": "collection.hardships.year.max"}


async def test_complaints_are_kept_sealed_once_for_each_id_and_three_at_a_time(desk: Desk) -> None:
    await desk.bank.add_product()
    loan = await desk.bank.lend(await desk.bank.add_borrower())
    complaint_id = uuid7()
    first = await desk.complain(loan, complaint_id=complaint_id)
    assert (await desk.complain(loan, complaint_id=complaint_id)).id == first.id
    words = await desk.bank.read(collections.open_words, desk.bank.vault, first)
    assert words == "请不要再打电话"
    for _ in range(2):
        await desk.complain(loan)
    with pytest.raises(LimitExceeded):
        await desk.complain(loan)
    for words in ("", " ", "x" * 1_001):
        with pytest.raises(InvalidField):
            await desk.complain(loan, words=words)


async def test_a_written_off_loan_ends_its_case_and_its_promise_is_void(desk: Desk) -> None:
    await desk.agree()
    (loan,) = await desk.late(1)
    await desk.promise(loan, 1_00, desk.bank.today + timedelta(days=14))
    await desk.rows("UPDATE lending.balances SET class = 4 RETURNING loan")
    await desk.bank.run(lending.write_off, loan.id, write_off_id=uuid7())
    await desk.close()
    history = await desk.history(loan)
    assert (history.cases[0].outcome, history.promises[0].state) == ("written_off", "void")


async def test_a_copy_of_ones_data_says_how_one_was_contacted(desk: Desk) -> None:
    await desk.agree()
    (loan,) = await desk.late(1)
    await desk.send()
    await desk.promise(loan, 1_00, desk.bank.today)
    await desk.complain(loan)
    await ask(desk, loan)
    found = await desk.bank.read(lending.LendingData(desk.bank.vault).export, loan.customer_id)
    (shown,) = found["loans"]
    assert [each["text"] for each in shown["contacts"]] == [desk.told[0].texts["zh"]]
    assert shown["promises"][0]["amount"] == {"amount": "1.00", "currency": "CNY"}
    assert shown["hardship_requests"][0]["state"] == "open"
    assert [each["about"] for each in found["loan_complaints"]] == ["too_often"]
