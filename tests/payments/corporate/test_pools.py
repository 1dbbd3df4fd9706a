"""Pools: what a sweep moves, against a naive model; one entry each; positions are the journal."""

import asyncio
from datetime import date, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.payments.corporate.firm import Firm, at

from huitong import customers, ledger
from huitong.kernel.errors import InvalidField
from huitong.payments import corporate
from huitong.payments.corporate import Member, SweepRule, plan_sweep

DAY = date(2026, 11, 24)


def member(account_id: int, position: int = 1, **more: Any) -> Member:
    values = {"merchant_id": None, "rule": SweepRule.ZERO}
    return Member(position=position, account_id=account_id, **(values | more))


@pytest.mark.parametrize(
    ("rules", "available", "wanted"),
    [
        ({}, 500, 500),
        ({}, 0, 0),
        ({"least": 501}, 500, 0),
        ({"rule": SweepRule.TARGET, "keeps": 100, "above": 100}, 500, 400),
        ({"rule": SweepRule.TARGET, "keeps": 100, "above": 100}, 40, 0),
        ({"rule": SweepRule.TARGET, "keeps": 100, "above": 100, "is_funded": True}, 40, -60),
        ({"rule": SweepRule.ABOVE, "keeps": 100, "above": 300}, 300, 0),
        ({"rule": SweepRule.ABOVE, "keeps": 100, "above": 300}, 301, 201),
        ({"rule": SweepRule.SHARE, "keeps": 100, "above": 100, "share_bps": 3_333}, 200, 33),
    ],
)
def test_what_a_member_wants(rules: dict[str, Any], available: int, wanted: int) -> None:
    assert member(1, **rules).wants(available) == wanted


def test_members_are_funded_in_order_as_far_as_the_header_reaches() -> None:
    funded = {"rule": SweepRule.TARGET, "keeps": 100, "above": 100, "is_funded": True}
    members = [
        member(1, 1, **funded),
        member(2, 2),
        member(3, 3, **funded),
        member(4, 4, **funded, least=11),
    ]
    legs = plan_sweep(members, {1: 0, 2: 60, 3: 0, 4: 0}, 150)
    assert [(leg.amount, leg.reason) for leg in legs] == [
        (-100, None),
        (60, None),
        (-100, None),
        (0, "header_short"),
    ]


@st.composite
def pools(draw: st.DrawFn) -> tuple[list[Member], dict[int, int], int]:
    members, available = [], {}
    for at_ in range(1, draw(st.integers(1, 8)) + 1):
        rule = draw(st.sampled_from(SweepRule))
        keeps = 0 if rule is SweepRule.ZERO else draw(st.integers(0, 1_000))
        extra = draw(st.integers(0, 500)) if rule is SweepRule.ABOVE else 0
        bps = draw(st.integers(1, 10_000)) if rule is SweepRule.SHARE else 10_000
        members.append(
            member(
                at_,
                at_,
                rule=rule,
                keeps=keeps,
                above=keeps + extra,
                share_bps=bps,
                least=draw(st.integers(1, 300)),
                is_funded=draw(st.booleans()),
            )
        )
        if draw(st.integers(0, 9)):
            available[at_] = draw(st.integers(0, 2_000))
    return members, available, draw(st.integers(0, 3_000))


@given(pools())
def test_a_sweep_conserves_money_and_never_overdraws(
    drawn: tuple[list[Member], dict[int, int], int],
) -> None:
    members, available, header = drawn
    legs = plan_sweep(members, available, header)
    assert [leg.account_id for leg in legs] == [each.account_id for each in members]
    assert header + sum(leg.amount for leg in legs) >= 0
    for each, leg in zip(members, legs, strict=True):
        has = available.get(each.account_id)
        if has is None:
            assert (leg.amount, leg.reason) == (0, "account_not_open")
            continue
        after = has - leg.amount
        assert leg.amount == 0 or abs(leg.amount) >= each.least
        assert (leg.reason is None) == (leg.amount != 0)
        if leg.amount > 0:
            assert has > each.above
            assert after >= each.keeps
        if leg.amount < 0:
            assert each.is_funded
            assert after <= each.keeps


@given(pools())
def test_a_rich_header_fills_everybody_and_a_second_sweep_of_whole_rules_finds_nothing(
    drawn: tuple[list[Member], dict[int, int], int],
) -> None:
    members, available, _ = drawn
    whole = [each for each in members if each.rule is not SweepRule.SHARE]
    legs = plan_sweep(whole, available, 10**9)
    after = {leg.account_id: available.get(leg.account_id, 0) - leg.amount for leg in legs}
    left = {account: after[account] for account in after if account in available}
    assert all(leg.amount == 0 for leg in plan_sweep(whole, left, 10**9))


@pytest.fixture
async def group(firm: Firm) -> list[customers.Merchant]:
    """Three companies with 100, 200 and 5 yuan."""
    payer = await firm.town.add_customer("赵云", "1000.00")
    companies = []
    for name, amount in (("甲公司", "100.00"), ("乙公司", "200.00"), ("丙公司", "5.00")):
        company = await firm.town.add_merchant(name, fee_rate="0")
        await firm.town.buy(payer, company, amount)
        companies.append(company)
    return companies


def new_pool(firm: Firm, group: list[customers.Merchant], **more: Any) -> corporate.NewPool:
    rules: list[dict[str, Any]] = [
        {"rule": SweepRule.ZERO},
        {"rule": SweepRule.TARGET, "keeps": 50_00, "above": 50_00},
        {"rule": SweepRule.TARGET, "keeps": 30_00, "above": 30_00, "is_funded": True},
    ]
    members = tuple(
        Member(position=at_, merchant_id=company.id, account_id=company.account_id, **rule)
        for at_, (company, rule) in enumerate(zip(group, rules, strict=True), 1)
    )
    values = {
        "name": "集团资金池",
        "merchant_id": firm.merchant.id,
        "members": members,
        "sweeps_at": time(16, 0),
    }
    return corporate.NewPool(**(values | more))


async def open_pool(firm: Firm, group: list[customers.Merchant], **more: Any) -> corporate.Pool:
    new = new_pool(firm, group, **more)
    opened: corporate.Pool = await firm.town.database.run(
        lambda uow: corporate.open_pool(uow, new, pool_id=firm.new_id(), now=firm.now)
    )
    return opened


async def sweep(firm: Firm, day: date, hour: int) -> int:
    firm.now, swept = at(day, hour), 0
    while await corporate.sweep_next_pool(firm.town.database, now=firm.now):
        swept += 1
    return swept


async def balances(firm: Firm, group: list[customers.Merchant]) -> list[str]:
    accounts = [firm.merchant.account_id, *(company.account_id for company in group)]
    return [await firm.town.balance(account) for account in accounts]


async def test_a_pool_sweeps_at_its_time_in_one_entry(
    firm: Firm, group: list[customers.Merchant]
) -> None:
    pool = await open_pool(firm, group)
    firm.now = at(date(2026, 11, 23), 15)
    assert await sweep(firm, date(2026, 11, 23), 15) == 0
    assert await sweep(firm, date(2026, 11, 23), 16) == 1
    assert await balances(firm, group) == ["1225.00", "0.00", "50.00", "30.00"]
    (swept,) = await firm.town.read(
        corporate.list_sweeps, await firm.town.read(corporate.get_pool, pool.id), limit=9
    )
    assert [leg.amount for leg in swept.legs] == [100_00, 150_00, -25_00]
    assert (swept.up, swept.down) == (250_00, 25_00)
    entry = await firm.town.read(ledger.get_entry, swept.entry_id)
    assert len(entry) == 3
    positions = await firm.town.read(corporate.list_positions, pool)
    assert {each.member_account_id: each.lent for each in positions} == {
        company.account_id: leg.amount for company, leg in zip(group, swept.legs, strict=True)
    }
    assert await sweep(firm, date(2026, 11, 23), 23) == 0


async def test_after_days_of_being_down_one_sweep_is_made_and_the_schedule_goes_on(
    firm: Firm, group: list[customers.Merchant]
) -> None:
    pool = await open_pool(firm, group)
    assert await sweep(firm, date(2026, 11, 27), 10) == 1
    seen = await firm.town.read(corporate.get_pool, pool.id)
    assert (seen.number, seen.next_sweep_at) == (2, at(date(2026, 11, 27), 16))
    assert await sweep(firm, date(2026, 11, 27), 16) == 1
    assert await balances(firm, group) == ["1225.00", "0.00", "50.00", "30.00"]


async def test_an_interval_counts_from_its_first_time(
    firm: Firm, group: list[customers.Merchant]
) -> None:
    pool = await open_pool(firm, group, sweeps_at=None, interval_minutes=90)
    assert pool.next_sweep_at == at(date(2026, 11, 23), 13).replace(minute=30)
    assert await sweep(firm, date(2026, 11, 23), 17) == 1
    seen = await firm.town.read(corporate.get_pool, pool.id)
    assert seen.next_sweep_at == at(date(2026, 11, 23), 18)


async def test_a_frozen_member_is_left_out_and_a_frozen_header_stops_the_sweep(
    firm: Firm, group: list[customers.Merchant]
) -> None:
    await open_pool(firm, group)
    await firm.freeze(group[0].account_id, ledger.AccountState.FROZEN)
    assert await sweep(firm, date(2026, 11, 23), 16) == 1
    assert await balances(firm, group) == ["1125.00", "100.00", "50.00", "30.00"]
    await firm.freeze(group[0].account_id, ledger.AccountState.OPEN)
    await firm.freeze(firm.merchant.account_id, ledger.AccountState.FROZEN)
    assert await sweep(firm, DAY, 16) == 1
    assert await balances(firm, group) == ["1125.00", "100.00", "50.00", "30.00"]
    await firm.freeze(firm.merchant.account_id, ledger.AccountState.OPEN)


async def test_workers_and_payers_at_once_lose_no_money(
    firm: Firm, group: list[customers.Merchant]
) -> None:
    await open_pool(firm, group, sweeps_at=None, interval_minutes=5)
    now = at(date(2026, 11, 23), 13)
    shopper = await firm.town.add_customer("钱多", "500.00")

    async def work() -> None:
        for _ in range(6):
            await corporate.sweep_next_pool(firm.town.database, now=now)

    async def buy(company: customers.Merchant) -> None:
        for _ in range(5):
            await firm.town.buy(shopper, company, "7.00")

    await asyncio.gather(work(), work(), *(buy(company) for company in group))
    await sweep(firm, date(2026, 11, 23), 14)
    assert await balances(firm, group) == ["1330.00", "0.00", "50.00", "30.00"]


async def test_an_ended_pool_sweeps_no_more_and_frees_its_members(
    firm: Firm, group: list[customers.Merchant], refusing: Any
) -> None:
    pool = await open_pool(firm, group)
    async with refusing(firm.town):
        with pytest.raises(corporate.PoolMemberTaken):
            await open_pool(firm, group)
    await firm.town.run(corporate.end_pool, pool_id=pool.id)
    await firm.town.run(corporate.end_pool, pool_id=pool.id)
    assert await sweep(firm, DAY, 23) == 0
    await open_pool(firm, group)
    assert await sweep(firm, DAY, 23) == 0
    assert await sweep(firm, date(2026, 11, 25), 16) == 1


async def test_two_pools_opened_at_once_do_not_share_a_member(
    firm: Firm, group: list[customers.Merchant]
) -> None:
    results = await asyncio.gather(
        *(open_pool(firm, group) for _ in range(3)), return_exceptions=True
    )
    assert sum(isinstance(each, corporate.Pool) for each in results) == 1
    assert sum(isinstance(each, corporate.PoolMemberTaken) for each in results) == 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"members": ()}, "members"),
        ({"sweeps_at": None}, "sweeps_at"),
        ({"interval_minutes": 60}, "sweeps_at"),
        ({"sweeps_at": None, "interval_minutes": 4}, "interval_minutes"),
        ({"name": ""}, "name"),
    ],
)
async def test_pools_that_cannot_be_are_refused_by_field(
    firm: Firm,
    group: list[customers.Merchant],
    refusing: Any,
    changes: dict[str, Any],
    field: str,
) -> None:
    async with refusing(firm.town):
        with pytest.raises(InvalidField) as caught:
            await open_pool(firm, group, **changes)
    assert caught.value.field == field


@pytest.mark.parametrize(
    "rule",
    [
        {"rule": SweepRule.ZERO, "keeps": 1, "above": 1},
        {"rule": SweepRule.TARGET, "keeps": 1, "above": 2},
        {"rule": SweepRule.ABOVE, "keeps": 2, "above": 1},
        {"rule": SweepRule.ABOVE, "keeps": -1, "above": 1},
        {"rule": SweepRule.ZERO, "share_bps": 5_000},
        {"rule": SweepRule.SHARE, "share_bps": 0},
        {"rule": SweepRule.ZERO, "least": 0},
    ],
)
async def test_rules_that_cannot_be_are_refused(
    firm: Firm, group: list[customers.Merchant], refusing: Any, rule: dict[str, Any]
) -> None:
    one = Member(position=1, merchant_id=group[0].id, account_id=group[0].account_id, **rule)
    async with refusing(firm.town):
        with pytest.raises(corporate.PoolInvalid):
            await open_pool(firm, group, members=(one,))


async def test_a_header_is_no_member_of_its_own_pool(
    firm: Firm, group: list[customers.Merchant], refusing: Any
) -> None:
    own = Member(
        position=1,
        merchant_id=firm.merchant.id,
        account_id=firm.merchant.account_id,
        rule=SweepRule.ZERO,
    )
    async with refusing(firm.town):
        with pytest.raises(corporate.PoolInvalid):
            await open_pool(firm, group, members=(own,))
