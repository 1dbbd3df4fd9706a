"""Statements: newest first, with running balances, never behind and never twice."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huitong.kernel.errors import InvalidField, NotFound
from huitong.ledger.codes import TransferCode
from huitong.ledger.statements import Period, list_statement
from huitong.ledger.types import Side, TransferKind


async def read(books, account, **options):
    async with books.database.unit_of_work() as uow:
        return await list_statement(uow, account.id, **options)


async def read_all(books, account, limit=3, **options):
    lines, cursor = [], None
    while True:
        page = await read(books, account, limit=limit, cursor=cursor, **options)
        lines += page.items
        cursor = page.next_cursor
        if cursor is None:
            return lines


@pytest.mark.parametrize("is_projected", [False, True])
async def test_shows_the_newest_line_first_with_the_balance_after_it(books, is_projected):
    cash, customer = await books.open_pair()
    topped_up = await books.move(cash, customer, 1_000, code=TransferCode.TOP_UP)
    paid = await books.move(customer, cash, 250, code=TransferCode.PAYMENT)
    if is_projected:
        await books.project()

    page = await read(books, customer)

    newest, oldest = page.items
    assert page.next_cursor is None
    assert (newest.line, newest.transfer_id, newest.side) == (2, paid, Side.DEBIT)
    assert (newest.amount.format(), newest.balance_after.format()) == ("2.50", "7.50")
    assert (newest.other_account_id, newest.code) == (cash.id, TransferCode.PAYMENT)
    assert newest.effective_on == date(2026, 3, 2)
    assert (oldest.line, oldest.transfer_id, oldest.side) == (1, topped_up, Side.CREDIT)
    assert oldest.balance_after.format() == "10.00"
    assert oldest.recorded_at < newest.recorded_at


async def test_shows_an_asset_growing_by_its_debits(books):
    cash, customer = await books.open_pair()
    await books.move(cash, customer, 1_000)
    (line,) = (await read(books, cash)).items
    assert (line.side, line.balance_after.format()) == (Side.DEBIT, "10.00")


async def test_is_the_same_before_between_and_after_projections(books):
    cash, customer = await books.open_pair()
    for amount in range(1, 6):
        await books.move(cash, customer, amount)
    before = await read_all(books, customer)
    await books.project()
    assert await read_all(books, customer) == before
    await books.move(customer, cash, 15)
    between = await read_all(books, customer)
    assert [line.line for line in between] == [6, 5, 4, 3, 2, 1]
    assert between[1:] == before
    await books.project()
    assert await read_all(books, customer) == between


async def test_a_cursor_shows_each_line_once_while_lines_are_added(books):
    cash, customer = await books.open_pair()
    for amount in range(1, 6):
        await books.move(cash, customer, amount)
    first = await read(books, customer, limit=2)
    await books.move(cash, customer, 99)
    await books.project()
    second = await read(books, customer, limit=2, cursor=first.next_cursor)
    await books.move(cash, customer, 98)
    third = await read(books, customer, limit=2, cursor=second.next_cursor)
    amounts = [line.amount.minor for page in (first, second, third) for line in page.items]
    assert amounts == [5, 4, 3, 2, 1]
    assert third.next_cursor is None


async def test_leaves_out_holds_until_they_are_posted(books):
    cash, customer = await books.open_pair()
    await books.move(cash, customer, 1_000)
    hold = await books.hold(customer, cash, 400)
    assert len((await read(books, customer)).items) == 1
    posted = await books.resolve(hold, TransferKind.POST_PENDING, 300)
    newest = (await read(books, customer)).items[0]
    assert (newest.transfer_id, newest.amount.minor) == (posted, 300)
    assert newest.balance_after.minor == 700


@pytest.mark.parametrize("is_projected", [False, True])
async def test_covers_a_half_open_period_of_recording(books, is_projected):
    cash, customer = await books.open_pair()
    recorded = []
    for amount in range(1, 6):
        transfer = books.transfer(cash, customer, amount)
        recorded.append((await books.post(transfer))[0].recorded_at)
    if is_projected:
        await books.project()

    lines = await read_all(books, customer, 2, period=Period(recorded[1], recorded[3]))
    assert [line.amount.minor for line in lines] == [3, 2]
    assert lines[0].balance_after.minor == 6
    until = await read_all(books, customer, period=Period(end_at=recorded[1]))
    assert [line.amount.minor for line in until] == [1]
    since = await read_all(books, customer, period=Period(start_at=recorded[3]))
    assert [line.amount.minor for line in since] == [5, 4]
    later = recorded[-1] + timedelta(seconds=1)
    assert await read_all(books, customer, period=Period(start_at=later)) == []


def test_days_are_those_of_shanghai():
    period = Period.of_days(date(2026, 3, 2), date(2026, 3, 2))
    assert period.start_at == datetime(2026, 3, 1, 16, tzinfo=UTC)
    assert period.end_at == datetime(2026, 3, 2, 16, tzinfo=UTC)
    assert Period.of_days(None, None) == Period()


@pytest.mark.parametrize(
    ("first_on", "last_on"),
    [(date(2026, 3, 2), date(2026, 3, 1)), (date(2025, 1, 1), date(2026, 1, 2))],
)
def test_refuses_days_that_are_reversed_or_too_many(first_on, last_on):
    with pytest.raises(InvalidField) as refusal:
        Period.of_days(first_on, last_on)
    assert refusal.value.field == "last_on"


def test_refuses_a_period_that_ends_before_it_starts():
    at = datetime(2026, 3, 2, tzinfo=UTC)
    with pytest.raises(InvalidField):
        Period(at, at - timedelta(microseconds=1))
    with pytest.raises(ValueError, match="no time zone"):
        Period(datetime(2026, 3, 2))  # noqa: DTZ001


async def test_is_empty_for_a_new_account_and_unknown_for_none(books):
    (account,) = await books.open()
    assert (await read(books, account)).items == ()
    async with books.database.unit_of_work() as uow:
        with pytest.raises(NotFound):
            await list_statement(uow, 100_000_000_287)


@pytest.mark.parametrize("cursor", ["", "0", "-1", "1.5", "abc", "１", "9" * 19])
async def test_refuses_a_cursor_that_no_page_gave(books, cursor):
    (account,) = await books.open()
    with pytest.raises(InvalidField) as refusal:
        await read(books, account, cursor=cursor)
    assert refusal.value.field == "cursor"


POSTINGS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.integers(0, 3),
        st.integers(1, 10**6),
        st.sampled_from(["post", "hold", "capture", "void", "project"]),
    ).filter(lambda step: step[0] != step[1]),
    min_size=1,
    max_size=25,
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=POSTINGS)
async def test_equals_a_model_after_any_postings(books, steps):
    accounts = await books.open(4, chart_code="1011")
    model = {account.id: [] for account in accounts}
    balances = dict.fromkeys(model, 0)
    holds = []

    def record(debit, credit, amount):
        balances[debit.id] += amount
        balances[credit.id] -= amount
        model[debit.id].append((Side.DEBIT, amount, credit.id, balances[debit.id]))
        model[credit.id].append((Side.CREDIT, amount, debit.id, balances[credit.id]))

    for from_index, to_index, amount, action in steps:
        debit, credit = accounts[from_index], accounts[to_index]
        if action == "project":
            await books.project()
        elif action == "post":
            await books.move(debit, credit, amount)
            record(debit, credit, amount)
        elif action == "hold":
            hold_id = await books.hold(debit, credit, amount)
            holds.append((hold_id, debit, credit, amount))
        elif holds:
            hold_id, debit, credit, held = holds.pop()
            if action == "void":
                await books.resolve(hold_id, TransferKind.VOID_PENDING)
            else:
                await books.resolve(hold_id, TransferKind.POST_PENDING, min(amount, held))
                record(debit, credit, min(amount, held))

    for account in accounts:
        lines = await read_all(books, account, limit=4)
        assert [line.line for line in lines] == list(range(len(lines), 0, -1))
        shown = [
            (line.side, line.amount.minor, line.other_account_id, line.balance_after.minor)
            for line in reversed(lines)
        ]
        assert shown == model[account.id]
