"""Windows from opening to settlement, with real balances, races and processes that die."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy.exc import IntegrityError
from tests.payments.clearing.conftest import NOW, RULES, A, B, C, D, House, cny, pay

from huitong import ledger
from huitong.kernel.errors import InvalidField, Refusal
from huitong.kernel.ids import uuid7
from huitong.kernel.rulebook import Rulebook
from huitong.payments import clearing
from huitong.payments.clearing import jobs, store

HVPS = clearing.Rail.HVPS


def rules_with(**values: str) -> Rulebook:
    """Return the rulebook with other texts for rules of clearing: `queue_over_cap="refuse"`."""
    changed = {f"clearing.{name.replace('_', '.', 1)}": value for name, value in values.items()}
    today = NOW.date()
    rules = [
        replace(rule, value=changed.get(rule.key, rule.value)) for rule in RULES.list_rules(today)
    ]
    assert changed.keys() <= {rule.key for rule in rules}
    return Rulebook("CN", rules)


async def test_a_day_of_netting_from_payments_to_money(house: House) -> None:
    for code in (A, B, C):
        await house.join(code, cap=500, money=1_000)
    new = [pay(A, B, 300), pay(B, C, 200), pay(C, A, 50)]
    assert await house.states(new) == ["accepted"] * 3
    window_id = await house.close()
    positions = await house.positions(window_id)
    assert {code: each.net for code, each in positions.items()} == {A: -250, B: 100, C: 150}
    settled = await house.settle()
    assert settled.window.state is clearing.WindowState.SETTLED
    assert settled.window.entry_id is not None
    assert [await house.money(code) for code in (A, B, C)] == [750, 1_100, 1_150]
    async with house.database.reading() as uow:
        entry = await ledger.get_entry(uow, settled.window.entry_id)
        sides = await clearing.list_bilateral(uow, window_id)
    assert len(entry) == 3
    assert [(each.debtor, each.creditor, each.amount) for each in sides] == [
        (A, B, 300),
        (B, C, 200),
        (C, A, 50),
    ]
    assert await house.states(new) == ["settled"] * 3
    await house.check()


async def test_what_would_pass_the_cap_waits_and_goes_when_money_comes(house: House) -> None:
    await house.join(A, cap=100)
    await house.join(B, cap=100)
    first, second, small = pay(A, B, 80), pay(A, B, 50), pay(A, B, 5)
    assert await house.states([first, second, small]) == ["accepted", "queued", "queued"]
    assert await house.states([pay(B, A, 40)]) == ["accepted"]
    assert await house.states([second, small]) == ["accepted", "accepted"]
    await house.check()


async def test_it_is_refused_instead_if_the_rulebook_says_so(house: House) -> None:
    await house.join(A, cap=100)
    await house.join(B, cap=100)
    found = await house.submit(pay(A, B, 101), rulebook=rules_with(queue_over_cap="refuse"))
    assert (found[0].state.value, found[0].reason) == ("refused", "above_net_debit_cap")
    await house.check()


async def test_closing_resolves_a_gridlock_and_carries_the_rest(house: House) -> None:
    for code in (A, B, C):
        await house.join(code, cap=10, money=10)
    ring = [pay(A, B, 100), pay(B, C, 100), pay(C, A, 100), pay(A, C, 70)]
    assert await house.states(ring) == ["queued"] * 4
    await house.close()
    assert await house.states(ring) == ["accepted"] * 3 + ["queued"]
    settled = await house.settle()
    assert settled.window.entry_id is None
    assert await house.states(ring) == ["settled"] * 3 + ["queued"]
    await house.close(rules_with(queue_at_close="refuse"))
    assert (await house.submit(ring[3]))[0].reason == "window_closed"
    await house.check()


async def test_what_is_owed_of_a_closed_window_uses_the_cap_until_it_is_settled(
    house: House,
) -> None:
    await house.join(A, cap=100, money=100)
    await house.join(B, cap=100, money=100)
    await house.submit(pay(A, B, 60))
    await house.close()
    late = pay(A, B, 50)
    assert await house.states([late]) == ["queued"]
    await house.settle()
    await clearing.run_schedule(house.database, rulebook=RULES, now=NOW)
    window = await house.open_window()
    assert (await house.positions(window.id))[A].carried == 0
    await house.close()
    assert await house.states([late]) == ["accepted"]
    await house.check()


async def test_collateral_pays_what_the_account_cannot(house: House) -> None:
    await house.join(A, cap=100, money=30, collateral=70)
    await house.join(B, cap=100)
    await house.submit(pay(A, B, 90))
    await house.close()
    settled = await house.settle()
    assert settled.drawn == {A: 60}
    assert settled.unwound == ()
    assert [await house.money(A), await house.money(A, collateral=True), await house.money(B)] == [
        0,
        10,
        90,
    ]
    await house.check()


@pytest.mark.parametrize(
    ("unwind", "states", "money"),
    [("last_first", ["settled", "unwound"], [0, 50]), ("whole", ["unwound", "unwound"], [50, 0])],
)
async def test_a_bank_that_cannot_pay_has_payments_taken_back_by_the_rule(
    house: House, unwind: str, states: list[str], money: list[int]
) -> None:
    await house.join(A, cap=100, money=50)
    await house.join(B, cap=100)
    new = [pay(A, B, 50), pay(A, B, 40)]
    await house.submit(*new)
    window_id = await house.close()
    settled = await house.settle(rules_with(default_unwind=unwind))
    assert len(settled.unwound) == states.count("unwound")
    assert await house.states(new) == states
    assert [await house.money(A), await house.money(B)] == money
    assert (await house.positions(window_id))[A].sent == 90
    await house.check()


async def test_a_default_reaches_no_further_than_money_does(house: House) -> None:
    """A cannot pay B, which had sent on what it was to receive, and can pay by itself."""
    await house.join(A, cap=100)
    await house.join(B, cap=0, money=100)
    await house.join(C, cap=0)
    new = [pay(A, B, 100), pay(B, C, 100)]
    assert await house.states(new) == ["accepted", "accepted"]
    await house.close()
    await house.settle()
    assert await house.states(new) == ["unwound", "settled"]
    assert [await house.money(code) for code in (A, B, C)] == [0, 0, 100]
    await house.check()


async def test_gross_payments_settle_at_once_or_wait_for_liquidity(house: House) -> None:
    await house.join(A, cap=0, money=100)
    await house.join(B, cap=0)
    await house.run(
        lambda uow: clearing.set_reserved(uow, code=A, reserved=cny(40), rulebook=RULES, now=NOW)
    )
    normal, urgent = pay(A, B, 70, rail=HVPS), pay(A, B, 90, rail=HVPS, is_urgent=True)
    assert await house.states([normal, urgent]) == ["queued", "settled"]
    back = pay(B, A, 90, rail=HVPS)
    assert await house.states([back]) == ["settled"]
    # 100 are there, 40 are kept, 70 are more than 60.
    assert await house.states([normal]) == ["queued"]
    await house.deposit(A, 10)
    await clearing.run_schedule(house.database, rulebook=RULES, now=NOW)
    assert await house.states([normal]) == ["settled"]
    assert [await house.money(A), await house.money(B)] == [40, 70]
    await house.check()


async def test_a_frozen_bank_waits_and_stops_nobody_else(house: House) -> None:
    for code in (A, B, C):
        await house.join(code, cap=0, money=100)
    await house.run(
        lambda uow: ledger.set_account_state(
            uow,
            house.banks[A].account_id,
            state=ledger.AccountState.FROZEN,
            reason="court order",
            now=NOW,
        )
    )
    new = [pay(A, B, 10, rail=HVPS), pay(B, A, 10, rail=HVPS), pay(B, C, 10, rail=HVPS)]
    assert await house.states(new) == ["queued", "queued", "settled"]
    await house.check()


@pytest.mark.parametrize(
    ("new", "field"),
    [
        (pay(A, "102100099995", 1), "creditor"),
        (pay(A, D, 1), "creditor"),
        (pay(A, A, 1), "creditor"),
        (pay(A, B, 0), "amount"),
        (pay(A, B, -5), "amount"),
        (pay(A, B, 2**63), "amount"),
        (pay(A, B, 1_000_000_01), "amount"),
    ],
)
async def test_bad_payments_are_refused_by_field_and_change_nothing(
    house: House, new: clearing.NewPayment, field: str
) -> None:
    await house.join(A, cap=10**12)
    await house.join(B, cap=10**12)
    with pytest.raises(Refusal) as caught:
        await house.submit(pay(A, B, 1), new)
    assert caught.value.field == field
    assert await house.count("payments.clearing_payments") == 0


async def test_an_id_is_one_payment(house: House) -> None:
    await house.join(A, cap=10)
    await house.join(B, cap=10)
    one = pay(A, B, 5)
    assert await house.submit(one, one) == await house.submit(one, replace(one))
    assert await house.count("payments.clearing_payments") == 1
    with pytest.raises(clearing.ClearingPaymentIdReused):
        await house.submit(replace(one, amount=6))
    with pytest.raises(clearing.ParticipantExists):
        await house.join(A, cap=1)
    with pytest.raises(InvalidField):
        await house.join("102100099995", cap=1)


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb"])
async def test_a_name_that_nobody_can_read_is_refused(house: House, name: str) -> None:
    with pytest.raises(InvalidField) as caught:
        await house.run(
            lambda uow: clearing.join(
                uow, code=A, name_zh="银行", name_en=name, net_debit_cap=cny(1), now=NOW
            )
        )
    assert caught.value.field == "name_en"
    assert await house.count("payments.clearing_participants") == 0


async def test_a_deposit_with_the_same_id_is_booked_once(house: House) -> None:
    await house.join(A, cap=1)
    transfer_id = uuid7(int(NOW.timestamp() * 1_000))

    async def deposit(amount: int) -> None:
        await house.run(
            lambda uow: clearing.deposit(
                uow, transfer_id=transfer_id, code=A, amount=cny(amount), now=NOW
            )
        )

    await deposit(5)
    await deposit(5)
    with pytest.raises(clearing.DepositRefused, match="id_reused"):
        await deposit(6)
    assert await house.money(A) == 5


async def test_a_settlement_that_an_account_refuses_changes_nothing(house: House) -> None:
    """The one that receives takes nothing in: all waits, and goes when it is opened again."""
    await house.join(A, cap=50, money=50)
    await house.join(B, cap=50)
    new = [pay(A, B, 50)]
    await house.submit(*new)
    window_id = await house.close()

    async def set_state(state: ledger.AccountState) -> None:
        await house.run(
            lambda uow: ledger.set_account_state(
                uow, house.banks[B].account_id, state=state, reason="court order", now=NOW
            )
        )

    await set_state(ledger.AccountState.FROZEN)
    with pytest.raises(clearing.SettlementRaced):
        await house.settle()
    assert await house.states(new) == ["accepted"]
    assert await house.money(A) == 50
    await house.check()
    await set_state(ledger.AccountState.OPEN)
    assert (await house.settle()).window.id == window_id
    assert await house.states(new) == ["settled"]
    await house.check()


async def test_windows_are_settled_in_their_order(house: House) -> None:
    await house.join(A, cap=50, money=50)
    await house.join(B, cap=50)
    await house.submit(pay(A, B, 5))
    await house.close()
    await house.submit(pay(A, B, 5))
    second = await house.close()
    with pytest.raises(clearing.WindowStateRefused):
        await house.run(lambda uow: clearing.start_settling(uow, second))
    with pytest.raises(clearing.WindowStateRefused):
        await house.run(lambda uow: clearing.settle_window(uow, second, rulebook=RULES, now=NOW))
    assert (await house.positions((await house.open_window()).id))[A].carried == 10
    await house.settle()
    assert (await house.settle()).window.id == second
    assert (await house.positions((await house.open_window()).id))[A].carried == 0
    await house.check()


async def test_a_cap_never_falls_below_what_is_owed_and_frees_what_waits(house: House) -> None:
    await house.join(A, cap=10)
    await house.join(B, cap=10)
    new = [pay(A, B, 10), pay(A, B, 30)]
    await house.submit(*new)

    async def set_cap(amount: int) -> None:
        await house.run(
            lambda uow: clearing.set_net_debit_cap(
                uow, code=A, cap=cny(amount), reason="test", rulebook=RULES, now=NOW
            )
        )

    with pytest.raises(clearing.CapBelowUse):
        await set_cap(9)
    assert await house.states(new) == ["accepted", "queued"]
    await set_cap(40)
    assert await house.states(new) == ["accepted", "accepted"]
    await house.check()


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE payments.clearing_positions SET sent = sent + 1 WHERE participant = '{A}'",
        "UPDATE payments.clearing_positions SET cap = 0",
        "UPDATE payments.clearing_windows SET state = 'settling', closed_at = opened_at",
        "UPDATE payments.clearing_payments SET state = 'queued'",
    ],
)
async def test_the_database_refuses_what_breaks_an_invariant(house: House, tampering: str) -> None:
    await house.join(A, cap=10)
    await house.join(B, cap=10)
    await house.submit(pay(A, B, 10))
    with pytest.raises(IntegrityError):
        await house.run(lambda uow: uow.execute(tampering.format(A=A)))
    await house.check()


@pytest.mark.parametrize(
    ("tampering", "invariant"),
    [
        (
            "UPDATE payments.clearing_payments SET amount = amount + 1",
            "clearing_positions_are_payments",
        ),
        (
            "UPDATE payments.clearing_bilateral SET amount = amount + 1",
            "clearing_positions_are_payments",
        ),
        (
            "UPDATE payments.clearing_positions SET sent = 4, received = 4",
            "clearing_settled_as_positions",
        ),
    ],
)
async def test_verify_finds_what_was_changed_behind_our_back(
    house: House, tampering: str, invariant: str
) -> None:
    await house.join(A, cap=10, money=10)
    await house.join(B, cap=10)
    await house.submit(pay(A, B, 10))
    await house.close()
    await house.settle()
    owner = await asyncpg.connect(house.url)
    await owner.execute(tampering)
    await owner.close()
    report = await ledger.verify_ledger(house.database, more=clearing.INVARIANTS)
    assert invariant in {finding.invariant for finding in report.findings}


async def test_banks_that_pay_at_once_never_pass_a_cap(house: House) -> None:
    for code in (A, B, C):
        await house.join(code, cap=50, money=1_000)
    pairs = [(A, B), (B, C), (C, A), (A, C)]
    new = [pay(*pairs[number % 4], 7 + number % 5) for number in range(40)]

    async def submit(each: clearing.NewPayment) -> None:
        await house.submit(each)

    await house.submit(pay(A, B, 1))
    closing = asyncio.create_task(house.close())
    await asyncio.gather(*(submit(each) for each in new))
    await closing
    await asyncio.gather(*(_settle_all(house) for _ in range(3)))
    states = await house.states(new)
    assert set(states) <= {"settled", "accepted", "queued"}
    await house.check()


async def _settle_all(house: House) -> None:
    await clearing.settle_oldest(house.database, rulebook=RULES, now=NOW)


async def test_two_that_settle_the_same_window_move_money_once(house: House) -> None:
    await house.join(A, cap=50, money=50)
    await house.join(B, cap=50)
    await house.submit(pay(A, B, 50))
    window_id = await house.close()
    await house.run(lambda uow: clearing.start_settling(uow, window_id))

    async def settle() -> clearing.Settlement:
        return await house.run(
            lambda uow: clearing.settle_window(uow, window_id, rulebook=RULES, now=NOW)
        )

    found = await asyncio.gather(*(settle() for _ in range(5)))
    assert len({each.window.entry_id for each in found}) == 1
    assert [await house.money(A), await house.money(B)] == [0, 50]
    await house.check()


class Killed(Exception):
    """The worker died here."""


@pytest.mark.parametrize(
    "seam",
    ["open_window", "set_payments_state", "move_positions", "set_window_state", "free_caps"],
)
@pytest.mark.parametrize("place", [1, 2, 3])
async def test_a_worker_that_dies_anywhere_leaves_a_window_that_ends_once(
    house: House, monkeypatch: pytest.MonkeyPatch, seam: str, place: int
) -> None:
    for code in (A, B):
        await house.join(code, cap=10, money=100)
    new = [pay(A, B, 30), pay(B, A, 25)]
    await house.submit(*new)
    later = NOW + timedelta(minutes=30)
    real: Callable[..., Any] = getattr(store, seam)
    calls = 0

    async def die(*values: Any, **named: Any) -> None:
        nonlocal calls
        calls += 1
        await real(*values, **named)
        if calls == place:
            raise Killed

    monkeypatch.setattr(store, seam, die)
    try:
        await clearing.run_schedule(house.database, rulebook=RULES, now=later)
    except Killed:
        await house.check()
    monkeypatch.setattr(store, seam, real)
    while await clearing.run_schedule(house.database, rulebook=RULES, now=later):
        pass
    assert await house.states(new) == ["settled", "settled"]
    assert [await house.money(A), await house.money(B)] == [95, 105]
    assert await house.count("payments.clearing_windows WHERE state = 'settled'") == 1
    await house.check()


async def test_the_schedule_does_nothing_before_somebody_takes_part(house: House) -> None:
    assert not await jobs.run_schedule(house.database, rulebook=RULES, now=NOW)
    assert await house.count("payments.clearing_windows") == 0


async def test_windows_close_at_their_time_and_not_before(house: House) -> None:
    await house.join(A, cap=10)
    assert not await clearing.run_schedule(house.database, rulebook=RULES, now=NOW)
    window = await house.open_window()
    assert window.closes_at == NOW + timedelta(minutes=30)
    before = window.closes_at - timedelta(seconds=1)
    assert not await clearing.run_schedule(house.database, rulebook=RULES, now=before)
    assert await clearing.run_schedule(house.database, rulebook=RULES, now=window.closes_at)
    assert (await house.open_window()).number == window.number + 1
