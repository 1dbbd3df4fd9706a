"""Contacts with debtors: hours, caps over all loans and agents, and what stops contact."""

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError
from tests.lending.loans.collecting import DUE, Desk
from tests.lending.loans.conftest import RULES, Bank

from huitong import lending
from huitong.kernel.ids import uuid7
from huitong.lending import collections
from huitong.lending.collections.rules import find_allowed

ZONE = ZoneInfo("Asia/Shanghai")
AGENT, OTHER = uuid7(), uuid7()


@pytest.fixture
def desk(bank: Bank) -> Desk:
    return Desk(bank)


async def calls(desk: Desk, loans: int = 1) -> list[Any]:
    """Return tasks to call a debtor about each of so many loans, taken by an agent."""
    await desk.agree(
        segments=(
            collections.Segment(
                code="calls",
                days_min=1,
                steps=(
                    collections.NewStep(
                        day=1,
                        channel=collections.Channel.CALL,
                        is_automatic=False,
                        text_zh="逾期 {days} 天，应还 {amount}。",
                        text_en="{days} days overdue, {amount}.",
                    ),
                ),
            ),
        )
    )
    await desk.late(1, loans)
    return [await desk.take(AGENT) for _ in range(loans)]


async def refused(desk: Desk, task: Any, staff: Any = AGENT) -> str:
    before = await contacts(desk)
    with pytest.raises(collections.ContactRefused) as caught:
        await desk.contact(task, staff)
    assert await contacts(desk) == before
    return str(caught.value.context["rule"])


async def contacts(desk: Desk) -> list[tuple[object, ...]]:
    return await desk.rows("SELECT count(*) FROM lending.collection_contacts")


async def test_calls_are_capped_for_the_debtor_over_loans_and_agents(desk: Desk) -> None:
    first, second = await calls(desk, 2)
    await desk.bank.database.run(
        lambda uow: collections.assign_task(uow, second.id, staff_id=AGENT, to=OTHER)
    )
    made = [await desk.contact(first, AGENT), await desk.contact(second, OTHER)]
    made.append(await desk.contact(first, AGENT))
    assert [(each.nth, each.most) for each in made] == [(1, 3), (2, 3), (3, 3)]
    for task, staff in ((first, AGENT), (second, OTHER)):
        assert await refused(desk, task, staff) == "collection.calls.day"
    # The next day of Shanghai's counts anew, from the minute on in which quiet hours end.
    desk.at(DUE + timedelta(days=2), "08:00")
    assert (await desk.contact(second, OTHER)).nth == 1


async def test_a_task_is_taken_for_a_day_and_its_call_may_end_after_it(desk: Desk) -> None:
    (task,) = await calls(desk)
    contact = await desk.contact(task, AGENT)
    await desk.close()
    with pytest.raises(collections.TaskTaken):
        await desk.contact(task, AGENT)
    assert (await desk.take(OTHER)).id == task.id
    await desk.bank.run(
        collections.end_contact, contact.id, collections.Outcome.REFUSES, staff_id=AGENT
    )
    assert await desk.take(OTHER) is None
    states = await desk.rows("SELECT state FROM lending.collection_tasks WHERE channel = 'call'")
    assert states == [("done",)]


@pytest.mark.parametrize(
    ("clock", "is_allowed"),
    [
        ("07:59:59.999999", False),
        ("08:00:00", True),
        ("21:59:59.999999", True),
        ("22:00:00", False),
        ("23:59:59", False),
        ("00:00:00", False),
    ],
)
def test_quiet_hours_begin_and_end_to_the_second_across_midnight(
    clock: str, is_allowed: bool
) -> None:
    at = datetime.combine(date(2026, 11, 2), time.fromisoformat(clock), ZONE).astimezone(UTC)
    window = find_allowed(at, time(22), time(8))
    assert (window is not None) is is_allowed
    if window is not None:
        assert window.first_at.isoformat() == "2026-11-02T08:00:00+08:00"
        assert window.until.isoformat() == "2026-11-02T22:00:00+08:00"


@given(
    st.integers(0, 365 * 86_400 * 1_000_000).map(
        lambda micros: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    ),
    st.times(),
    st.times(),
)
def test_allowed_hours_hold_the_instant_and_no_quiet_one(
    at: datetime, starts: time, ends: time
) -> None:
    window = find_allowed(at, starts, ends)
    clock = at.astimezone(ZONE).time()
    quiet = starts <= clock < ends if starts <= ends else clock >= starts or clock < ends
    assert (window is None) is quiet
    if window is not None:
        assert window.first_at <= at < window.until
        assert window.until - window.first_at <= timedelta(days=1)


async def test_nobody_is_contacted_in_quiet_hours_and_the_rule_is_named(desk: Desk) -> None:
    (task,) = await calls(desk)
    day = DUE + timedelta(days=1)
    for on, clock in ((day, "22:00"), (day + timedelta(days=1), "00:00")):
        desk.at(on, clock)
        assert await refused(desk, task) == "collection.quiet.starts"
    desk.at(day + timedelta(days=1), "08:00")
    assert (await desk.contact(task, AGENT)).nth == 1


async def test_nothing_is_sent_by_itself_in_or_just_before_quiet_hours(desk: Desk) -> None:
    await desk.agree()
    await desk.late(1)
    day = DUE + timedelta(days=1)
    for clock in ("07:59:59", "21:59:00", "22:00:00"):
        desk.at(day, clock)
        assert await desk.send() == 0
    desk.at(day, "21:58:59")
    assert await desk.send() == 1
    (message,) = desk.told
    assert message.lapses_at.astimezone(ZONE).time() == time(21, 59)


async def test_two_agents_at_once_never_pass_the_cap(desk: Desk) -> None:
    tasks = await calls(desk, 5)
    found = await asyncio.gather(
        *(desk.contact(task, AGENT) for task in tasks), return_exceptions=True
    )
    made = [each for each in found if isinstance(each, collections.Contact)]
    stopped = [each for each in found if isinstance(each, collections.ContactRefused)]
    assert (sorted(each.nth for each in made), len(stopped)) == ([1, 2, 3], 2)
    assert await contacts(desk) == [(3,)]


async def test_the_database_itself_keeps_the_cap_and_the_hours(desk: Desk) -> None:
    (task,) = await calls(desk)
    await desk.contact(task, AGENT)
    for change in ("nth = nth + 3", "made_at = allowed_until"):
        async with desk.bank.database.unit_of_work() as uow:
            await uow.execute("SET ROLE NONE")
            with pytest.raises(DBAPIError, match="check constraint"):
                await uow.execute(f"UPDATE lending.collection_contacts SET {change}")


async def test_two_who_ask_for_the_next_task_get_two_and_keep_them(desk: Desk) -> None:
    await calls(desk, 2)
    own = await desk.rows("SELECT DISTINCT customer_id FROM lending.collection_tasks")
    async with desk.bank.database.unit_of_work() as uow:
        tasks = await collections.list_tasks(
            uow, collections.TaskQueue.OWN, staff_id=AGENT, on=desk.bank.today
        )
    for task in tasks:
        await desk.bank.database.run(
            lambda uow, task=task: collections.release_task(uow, task.id, staff_id=AGENT)
        )
    customer_id: Any = own[0][0]
    # Nobody works on their own loan.
    assert await desk.take(AGENT, own=customer_id) is None
    one, two = await asyncio.gather(desk.take(AGENT), desk.take(OTHER))
    assert {one.id, two.id} == {each.id for each in tasks}
    assert await desk.take(AGENT) is None
    with pytest.raises(collections.TaskTaken):
        await desk.contact(one, OTHER)
    with pytest.raises(collections.TaskTaken):
        await desk.bank.database.run(
            lambda uow: collections.assign_task(uow, one.id, staff_id=OTHER, to=OTHER)
        )


async def test_an_attempt_is_counted_once_for_each_id_and_ends_once(desk: Desk) -> None:
    (task,) = await calls(desk)
    contact_id = uuid7()
    first = await desk.contact(task, AGENT, contact_id=contact_id)
    assert await desk.contact(task, AGENT, contact_id=contact_id) == first
    assert await contacts(desk) == [(1,)]
    assert first.text_en == "1 days overdue, CNY 1066.72."

    async def end(outcome: collections.Outcome, staff: Any = AGENT) -> collections.Contact:
        found: collections.Contact = await desk.bank.run(
            collections.end_contact, contact_id, outcome, staff_id=staff
        )
        return found

    with pytest.raises(collections.TaskTaken):
        await end(collections.Outcome.REACHED, OTHER)
    # Somebody else answered: nothing is told, and the task is open still.
    ended = await end(collections.Outcome.OTHER_PERSON)
    assert await end(collections.Outcome.OTHER_PERSON) == ended
    with pytest.raises(collections.AlreadyEnded):
        await end(collections.Outcome.REACHED)
    contact_id = (await desk.contact(task, AGENT)).id
    await end(collections.Outcome.PROMISED)
    with pytest.raises(collections.AlreadyEnded):
        await desk.contact(task, AGENT)


async def test_a_complaint_stops_contact_until_somebody_else_answers_it(desk: Desk) -> None:
    first, second = await calls(desk, 2)
    await desk.contact(first, AGENT)
    loan = await desk.bank.database.run(lambda uow: _loan(uow, first))
    complaint = await desk.complain(loan)
    assert complaint.due_on == desk.bank.today + timedelta(days=15)
    assert await refused(desk, first) == "collection.pause.complaint"
    assert await refused(desk, second) == "collection.pause.complaint"
    desk.bank.now += timedelta(minutes=1)
    answer: dict[str, Any] = {
        "is_upheld": True,
        "answer_zh": "已核实，抱歉打扰。",
        "answer_en": "You are right; we are sorry.",
    }

    async def answered(staff: Any) -> collections.Complaint:
        found: collections.Complaint = await desk.bank.run(
            collections.answer_complaint, complaint.id, staff_id=staff, **answer
        )
        return found

    with pytest.raises(collections.OwnContacts):
        await answered(AGENT)
    assert (await answered(OTHER)).is_upheld
    with pytest.raises(collections.AlreadyEnded):
        await answered(OTHER)
    assert (await desk.contact(second, AGENT)).nth == 2
    stored = await desk.rows("SELECT words FROM lending.collection_complaints")
    assert "请不要".encode() not in bytes(stored[0][0])  # type: ignore[arg-type]
    await desk.bank.check_ties()


async def test_a_complaint_and_a_call_at_once_stand_in_some_order(desk: Desk) -> None:
    (task,) = await calls(desk)
    loan = await desk.bank.database.run(lambda uow: _loan(uow, task))
    await asyncio.gather(desk.complain(loan), desk.contact(task, AGENT), return_exceptions=True)
    assert await refused(desk, task) == "collection.pause.complaint"


async def test_who_gets_the_lock_second_is_later_whatever_the_clock_said(desk: Desk) -> None:
    (task,) = await calls(desk)
    loan = await desk.bank.database.run(lambda uow: _loan(uow, task))
    earlier, later = desk.bank.now, desk.bank.now + timedelta(seconds=1)
    contact = await desk.contact(task, AGENT, now=later)
    complaint = await desk.complain(loan, now=earlier)
    assert complaint.made_at == later == contact.made_at
    answer = {"is_upheld": False, "answer_zh": "不成立", "answer_en": "No"}
    answered = await desk.bank.run(
        collections.answer_complaint,
        complaint.id,
        staff_id=OTHER,
        now=later + timedelta(seconds=1),
        **answer,
    )
    again = await desk.contact(task, AGENT, now=later)
    assert again.made_at == answered.answered_at
    await desk.bank.check_ties()


async def test_whoever_paid_meanwhile_is_not_called(desk: Desk) -> None:
    (task,) = await calls(desk)
    loan = await desk.bank.database.run(lambda uow: _loan(uow, task))
    await desk.bank.give(loan.borrower_account_id, 2_000_00)
    await desk.bank.repay(loan, (await desk.bank.state(loan)).owed_now)
    with pytest.raises(collections.NotOverdue):
        await desk.contact(task, AGENT)


async def test_who_has_no_login_is_not_counted_as_reached(desk: Desk) -> None:
    await desk.agree()
    await desk.late(1)
    desk.reachable = False
    assert await desk.send() == 1
    assert await contacts(desk) == [(0,)]
    states = await desk.rows(
        "SELECT state FROM lending.collection_tasks WHERE channel = 'sms' ORDER BY on_day DESC"
    )
    assert states[0] == ("unreachable",)


async def _loan(uow: Any, task: Any) -> Any:
    return await lending.get_loan(uow, task.loan_id)


def test_calls_and_hours_are_those_of_the_guideline() -> None:
    day = date(2026, 11, 23)
    assert RULES.integer("collection.calls.day", day) == 3
    assert RULES.text("collection.quiet.starts", day) == "22:00"
    assert RULES.text("collection.quiet.ends", day) == "08:00"
    assert not RULES.flag("collection.contacts.pressed.allowed", day)
