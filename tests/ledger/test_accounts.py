"""Opening accounts, freezing and closing them, and reading them back."""

import asyncio
import uuid
from datetime import UTC, datetime

import pytest

from huitong.kernel import audit
from huitong.kernel.errors import InvalidField, LimitExceeded, NotFound
from huitong.kernel.ids import uuid7
from huitong.ledger.accounts import (
    AccountIsClosed,
    AccountNotEmpty,
    BalanceAboveMaximum,
    NewAccount,
    SystemKeyTaken,
    ensure_system_account,
    open_account,
    open_accounts,
    set_account_state,
    set_balance_max,
)
from huitong.ledger.chart import ChartKind, install_chart, list_chart, load_chart
from huitong.ledger.codes import TransferCode, find_code
from huitong.ledger.numbers import show_account
from huitong.ledger.posting import post_entries
from huitong.ledger.queries import (
    find_system_account,
    get_account,
    get_balance,
    get_balances,
    get_entry,
    get_hold,
    get_transfer,
    list_accounts,
    list_corrections,
    list_holds,
)
from huitong.ledger.types import (
    AccountState,
    BalanceLimit,
    Entry,
    Reason,
    Request,
    Side,
    TransferKind,
)

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


async def test_opens_an_account_that_is_empty_and_cannot_be_overdrawn(books):
    owner = uuid7()
    async with books.database.unit_of_work() as uow:
        account = await open_account(
            uow,
            chart_code="2011.01",
            currency="CNY",
            name="王小明",
            owner_id=owner,
            balance_max=500_000,
        )
    async with books.database.unit_of_work() as uow:
        assert await get_account(uow, account.id) == account
        balance = await get_balance(uow, account.id)
        records = await audit.list_records(uow, subject=show_account(account.id))
    assert account.id % 97 == 1
    assert (account.owner_id, account.normal_side, account.closed_at) == (owner, Side.CREDIT, None)
    assert balance.limits is BalanceLimit.DEBITS_MUST_NOT_EXCEED_CREDITS
    assert (balance.state, balance.balance_max) == (AccountState.OPEN, 500_000)
    assert (balance.posted.format(), balance.available.format()) == ("0.00", "0.00")
    assert [(record.action, record.actor) for record in records] == [
        ("ledger.open_account", "system")
    ]


async def test_lets_an_asset_go_both_ways(books):
    (cash,) = await books.open(chart_code="1011")
    async with books.database.unit_of_work() as uow:
        balance = await get_balance(uow, cash.id)
    assert (balance.limits, balance.normal_side) == (BalanceLimit.NONE, Side.DEBIT)


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("chart_code", {"chart_code": "9999"}),
        ("currency", {"currency": "XYZ"}),
        ("name", {"name": " "}),
        ("name", {"name": "n" * 129}),
        ("name", {"name": "n\0"}),
        ("system_key", {"system_key": ""}),
        ("balance_max", {"balance_max": 0}),
        ("balance_max", {"balance_max": 2**63}),
        ("balance_max", {"balance_max": 1, "chart_code": "1011"}),
    ],
)
async def test_refuses_to_open_with_a_bad_field(books, field, changed):
    good = {"chart_code": "2011.01", "currency": "CNY", "name": "Name"}
    with pytest.raises(InvalidField) as refusal:
        async with books.database.unit_of_work() as uow:
            await open_accounts(uow, [NewAccount(**good), NewAccount(**{**good, **changed})])
    assert refusal.value.field == field
    assert await books.fetch("SELECT count(*) FROM ledger.accounts") == [(0,)]


async def test_refuses_a_thousand_and_one_accounts_at_a_time(books):
    new = NewAccount(chart_code="2011.01", currency="CNY", name="Name")
    with pytest.raises(LimitExceeded):
        async with books.database.unit_of_work() as uow:
            await open_accounts(uow, [new] * 1_001)


async def test_opens_a_system_account_once_for_all_who_ask_at_the_same_time(books):
    async def ensure(uow):
        return await ensure_system_account(
            uow, "fees.CNY", chart_code="6021.01", currency="CNY", name="Fees"
        )

    accounts = await asyncio.gather(*(books.database.run(ensure) for _ in range(6)))

    assert len({account.id for account in accounts}) == 1
    assert await books.fetch(
        "SELECT count(*), (SELECT count(*) FROM kernel.audit) FROM ledger.balances"
    ) == [(1, 1)]
    async with books.database.unit_of_work() as uow:
        assert await find_system_account(uow, "fees.CNY") == accounts[0]
        assert await find_system_account(uow, "fees.USD") is None


async def test_refuses_a_system_key_that_is_something_else(books):
    async with books.database.unit_of_work() as uow:
        await ensure_system_account(uow, "fees", chart_code="6021", currency="CNY", name="Fees")
        with pytest.raises(SystemKeyTaken):
            await ensure_system_account(uow, "fees", chart_code="6021", currency="USD", name="Fees")
        with pytest.raises(SystemKeyTaken):
            await open_account(
                uow, chart_code="6021", currency="CNY", name="Fees", system_key="fees"
            )


@pytest.mark.parametrize(
    ("state", "may_pay", "may_receive"),
    [
        (AccountState.OPEN, None, None),
        (AccountState.DEBITS_FROZEN, Reason.ACCOUNT_FROZEN, None),
        (AccountState.FROZEN, Reason.ACCOUNT_FROZEN, Reason.ACCOUNT_FROZEN),
    ],
)
async def test_freezes_what_its_state_says(books, state, may_pay, may_receive):
    cash, customer = await books.open_pair()
    await books.move(cash, customer, 1_000)
    await _set_state(books, customer, state)

    assert await _try(books, customer, cash) is may_pay
    assert await _try(books, cash, customer) is may_receive

    opened = await _set_state(books, customer, AccountState.OPEN)
    assert opened.state is AccountState.OPEN
    assert await _try(books, customer, cash) is None


async def test_records_who_changed_a_state_and_why_but_not_what_changed_nothing(books):
    (account,) = await books.open()
    await _set_state(books, account, AccountState.FROZEN)
    await _set_state(books, account, AccountState.FROZEN)
    async with books.database.unit_of_work() as uow:
        newest, opening = await audit.list_records(uow, subject=show_account(account.id))
    assert opening.action == "ledger.open_account"
    assert newest.action == "ledger.set_account_state"
    assert newest.details == {"from": "OPEN", "to": "FROZEN", "reason": "court order"}


async def test_closes_an_empty_account_for_ever(books):
    cash, customer = await books.open_pair()
    await books.move(cash, customer, 1_000)
    await books.move(customer, cash, 1_000)

    closed = await _set_state(books, customer, AccountState.CLOSED)

    assert closed.state is AccountState.CLOSED
    assert await _try(books, cash, customer) is Reason.ACCOUNT_CLOSED
    async with books.database.unit_of_work() as uow:
        assert (await get_account(uow, customer.id)).closed_at == NOW
    with pytest.raises(AccountIsClosed):
        await _set_state(books, customer, AccountState.OPEN)
    with pytest.raises(AccountIsClosed):
        await _set_max(books, customer, 5)


async def test_refuses_to_close_an_account_with_a_balance(books):
    cash, customer = await books.open_pair()
    await books.move(cash, customer, 1)
    with pytest.raises(AccountNotEmpty):
        await _set_state(books, customer, AccountState.CLOSED)
    async with books.database.unit_of_work() as uow:
        assert (await get_balance(uow, customer.id)).state is AccountState.OPEN
        assert (await get_account(uow, customer.id)).closed_at is None


async def test_refuses_to_close_an_account_with_a_hold_to_come_in(books):
    cash, customer = await books.open_pair()
    hold = await books.hold(cash, customer, 1)
    with pytest.raises(AccountNotEmpty):
        await _set_state(books, customer, AccountState.CLOSED)
    await books.resolve(hold, TransferKind.VOID_PENDING)
    assert (await _set_state(books, customer, AccountState.CLOSED)).state is AccountState.CLOSED


async def test_closing_waits_for_a_posting_under_way_and_then_sees_it(books):
    cash, customer = await books.open_pair()
    async with books.database.unit_of_work() as uow:
        await books.post_within(uow, books.transfer(cash, customer, 1))
        closing = asyncio.create_task(_set_state(books, customer, AccountState.CLOSED))
        await _wait_until_blocked(books)
    with pytest.raises(AccountNotEmpty):
        await closing


async def test_a_posting_waits_for_closing_under_way_and_is_then_refused(books):
    cash, customer = await books.open_pair()
    async with books.database.unit_of_work() as uow:
        await set_account_state(uow, customer.id, state=AccountState.CLOSED, reason="wish", now=NOW)
        posting = asyncio.create_task(_try(books, cash, customer))
        await _wait_until_blocked(books)
    assert await posting is Reason.ACCOUNT_CLOSED


async def test_sets_and_lifts_the_most_that_an_account_may_hold(books):
    cash, customer = await books.open_pair()
    await books.move(cash, customer, 600)
    await books.hold(cash, customer, 300)

    with pytest.raises(BalanceAboveMaximum):
        await _set_max(books, customer, 899)
    assert (await _set_max(books, customer, 900)).balance_max == 900
    assert await _try(books, cash, customer) is Reason.BALANCE_TOO_LARGE
    assert (await _set_max(books, customer, None)).balance_max is None
    assert await _try(books, cash, customer) is None
    with pytest.raises(InvalidField):
        await _set_max(books, cash, 900)
    with pytest.raises(InvalidField):
        await _set_max(books, customer, -1)


@pytest.mark.parametrize("reason", ["", "  ", "r" * 257])
async def test_refuses_a_change_without_a_reason(books, reason):
    (account,) = await books.open()
    with pytest.raises(InvalidField):
        async with books.database.unit_of_work() as uow:
            await set_account_state(
                uow, account.id, state=AccountState.FROZEN, reason=reason, now=NOW
            )


async def test_does_not_find_what_is_not_there(books):
    missing, nobody = uuid.uuid4(), 100_000_000_190
    async with books.database.unit_of_work() as uow:
        for reading in (
            get_account(uow, nobody),
            get_balance(uow, nobody),
            get_balances(uow, [nobody]),
            get_transfer(uow, missing),
            get_entry(uow, missing),
            get_hold(uow, missing),
            set_account_state(uow, nobody, state=AccountState.FROZEN, reason="why", now=NOW),
            set_balance_max(uow, nobody, balance_max=1, reason="why"),
        ):
            with pytest.raises(NotFound):
                await reading


async def test_reads_a_transfer_and_an_entry_as_they_were_posted(books):
    cash, customer = await books.open_pair()
    fee = books.transfer(customer, cash, 3, code=TransferCode.FEE)
    pay = books.transfer(cash, customer, 1_000)
    outcomes = await books.post(pay, fee, linked=True)
    correction = await books.move(cash, customer, 3, corrects_id=fee.id)
    async with books.database.unit_of_work() as uow:
        first = await get_transfer(uow, pay.id)
        assert first.entry_id is not None
        entry = await get_entry(uow, first.entry_id)
        corrections = await list_corrections(uow, fee.id)
    assert [transfer.id for transfer in entry] == [pay.id, fee.id]
    assert first.amount.to_json() == {"amount": "10.00", "currency": "CNY"}
    assert first.recorded_at == outcomes[0].recorded_at
    assert (first.debit_account_id, first.credit_account_id) == (cash.id, customer.id)
    assert find_code(entry[1].code) is TransferCode.FEE
    assert [transfer.id for transfer in corrections] == [correction]


async def test_lists_open_holds_of_both_sides_page_by_page(books):
    cash, customer = await books.open_pair()
    await books.move(cash, customer, 1_000)
    outgoing = await books.hold(customer, cash, 100)
    incoming = await books.hold(cash, customer, 200)
    over = await books.hold(customer, cash, 50)
    await books.resolve(over, TransferKind.POST_PENDING, 20)
    async with books.database.unit_of_work() as uow:
        first = await list_holds(uow, customer.id, limit=1)
        second = await list_holds(uow, customer.id, limit=1, cursor=first.next_cursor)
        resolved = await get_hold(uow, over)
        with pytest.raises(InvalidField):
            await list_holds(uow, customer.id, cursor="page 2")
    assert [hold.id for hold in first.items + second.items] == [outgoing, incoming]
    assert second.next_cursor is None
    assert resolved.resolution is TransferKind.POST_PENDING
    assert (resolved.amount.minor, resolved.posted.minor) == (50, 20)


async def test_lists_accounts_page_by_page(books):
    owner = uuid7()
    async with books.database.unit_of_work() as uow:
        new = NewAccount(chart_code="2011.01", currency="CNY", name="One", owner_id=owner)
        own = await open_accounts(uow, [new, new, new])
    cash, _ = await books.open_pair()
    async with books.database.unit_of_work() as uow:
        first = await list_accounts(uow, owner_id=owner, limit=2)
        second = await list_accounts(uow, owner_id=owner, limit=2, cursor=first.next_cursor)
        banks = await list_accounts(uow, chart_code="1011")
        everything = await list_accounts(uow)
        for limit in (0, 201):
            with pytest.raises(InvalidField):
                await list_accounts(uow, limit=limit)
    assert list(first.items + second.items) == own
    assert second.next_cursor is None
    assert banks.items == (cash,)
    assert len(everything.items) == 5


async def test_installs_the_chart_once_and_mends_its_names(books):
    async with books.database.unit_of_work() as uow:
        assert await install_chart(uow) == 0
        assert await list_chart(uow) == load_chart()
        await uow.execute("UPDATE ledger.chart SET name_en = 'Wrong' WHERE code = '1003'")
        assert await install_chart(uow) == 1
        assert await list_chart(uow) == load_chart()


async def test_refuses_a_chart_whose_code_changed_its_kind(books):
    await books.tamper(
        "UPDATE ledger.chart SET kind = 'asset', normal_side = 'debit' WHERE code = '6021'"
    )
    async with books.database.unit_of_work() as uow:
        with pytest.raises(ValueError, match="6021 is asset in this database"):
            await install_chart(uow)


def test_the_chart_knows_on_which_side_accounts_grow():
    chart = {each.code: each for each in load_chart()}
    assert (chart["1003"].name_zh, chart["1003"].normal_side) == ("存放中央银行款项", Side.DEBIT)
    assert (chart["2011.01"].kind, chart["2011.01"].normal_side) == (
        ChartKind.LIABILITY,
        Side.CREDIT,
    )
    assert chart["6021"].normal_side is Side.CREDIT
    assert chart["6421"].normal_side is Side.DEBIT


def test_every_transfer_code_has_a_name_of_its_own_in_both_languages():
    assert len({code.name_en for code in TransferCode}) == len(TransferCode)
    assert len({code.name_zh for code in TransferCode}) == len(TransferCode)
    assert all(0 < int(code) < 2**15 for code in TransferCode)
    assert find_code(-1) is None


async def _set_state(books, account, state):
    async with books.database.unit_of_work() as uow:
        return await set_account_state(uow, account.id, state=state, reason="court order", now=NOW)


async def _set_max(books, account, balance_max):
    async with books.database.unit_of_work() as uow:
        return await set_balance_max(
            uow, account.id, balance_max=balance_max, reason="class of account"
        )


async def _try(books, debit, credit):
    request = Request(Entry((books.transfer(debit, credit, 1),)))
    async with books.database.unit_of_work() as uow:
        (outcome,) = await post_entries(uow, [request], now=datetime.now(UTC))
    return outcome.reason


async def _wait_until_blocked(books):
    """Until some session waits for a lock that another one holds."""
    while await books.fetch(  # noqa: ASYNC110 - another process's lock has no event
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    ) == [(0,)]:
        await asyncio.sleep(0.01)
