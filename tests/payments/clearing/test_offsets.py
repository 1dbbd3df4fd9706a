"""Queued gross payments that are set off against each other, and what moves then."""

import asyncio
import uuid
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.payments.clearing.conftest import NOW, RULES, A, B, C, D, House, pay

from huitong import ledger
from huitong.payments import clearing
from huitong.payments.clearing.netting import Book, Item
from huitong.payments.clearing.offsets import find_groups

HVPS = clearing.Rail.HVPS


def make_book(
    net: dict[str, int], *items: tuple[str, str, int], reserved: dict[str, int] | None = None
) -> Book:
    book = Book(net=dict(net), room=dict.fromkeys(net, 0), reserved=reserved or {})
    for at, (debtor, creditor, amount) in enumerate(items):
        book.enqueue(Item(uuid.UUID(int=at + 1), debtor, creditor, amount, False, at))
    return book


def amounts(groups: list[list[Item]]) -> list[list[int]]:
    return [[item.amount for item in group] for group in groups]


def test_a_ring_goes_as_one_group() -> None:
    book = make_book({"A": 10, "B": 0, "C": 0}, ("A", "B", 100), ("B", "C", 95), ("C", "A", 90))
    assert amounts(find_groups(book)) == [[100, 95, 90]]
    assert book.net == {"A": 0, "B": 5, "C": 5}


def test_two_banks_set_off_past_a_payment_that_has_no_money() -> None:
    items = (("A", "C", 500), ("A", "B", 30), ("B", "D", 700), ("B", "A", 30))
    book = make_book({"A": 20, "B": 0, "C": 0, "D": 0}, *items)
    assert amounts(find_groups(book)) == [[30, 30]]
    # Nobody has less than before, so the large ones wait for no less money.
    assert book.net == {"A": 20, "B": 0, "C": 0, "D": 0}


def test_nothing_overtakes_with_money_that_others_wait_for() -> None:
    items = (("A", "C", 500), ("A", "B", 35), ("B", "A", 30))
    assert find_groups(make_book({"A": 20, "B": 0, "C": 0}, *items)) == []
    at_front = (("A", "B", 35), ("B", "A", 30), ("A", "C", 500))
    assert amounts(find_groups(make_book({"A": 20, "B": 0, "C": 0}, *at_front))) == [[35, 30]]


def test_what_is_kept_for_urgent_payments_is_not_used() -> None:
    items = (("A", "B", 35), ("B", "A", 30))
    assert find_groups(make_book({"A": 20, "B": 0}, *items, reserved={"A": 16})) == []
    assert amounts(find_groups(make_book({"A": 20, "B": 0}, *items, reserved={"A": 15}))) == [
        [35, 30]
    ]


@given(
    st.lists(
        st.tuples(st.sampled_from("ABCD"), st.sampled_from("ABCD"), st.integers(1, 60)),
        max_size=14,
    ),
    st.dictionaries(st.sampled_from("ABCD"), st.integers(0, 40)),
)
def test_money_is_kept_and_nobody_owes(
    items: list[tuple[str, str, int]], money: dict[str, int]
) -> None:
    net = {bank: money.get(bank, 0) for bank in "ABCD"}
    book = make_book(net, *(each for each in items if each[0] != each[1]))
    book.release("ABCD")
    before = dict(book.net)
    groups = find_groups(book)
    for group in groups:
        for item in group:
            before[item.debtor] -= item.amount
            before[item.creditor] += item.amount
        assert min(before.values()) >= 0
        assert len({item.debtor for item in group}) > 1
    assert before == book.net
    assert sum(before.values()) == sum(net.values())
    ids = [item.id for group in groups for item in group]
    assert len(set(ids)) == len(ids)


async def offset(house: House, minutes: int = 0) -> clearing.OffsetRun | None:
    at = NOW + timedelta(minutes=minutes)
    return await house.run(lambda uow: clearing.offset_gross(uow, rulebook=RULES, now=at))


async def test_a_ring_of_queued_payments_is_settled_in_one_entry(house: House) -> None:
    await house.join(A, cap=0, money=10)
    for code in (B, C, D):
        await house.join(code, cap=0)
    new = [
        pay(A, B, 100, rail=HVPS),
        pay(B, C, 95, rail=HVPS),
        pay(C, A, 90, rail=HVPS),
        pay(D, A, 1, rail=HVPS),
    ]
    await house.submit(*new)
    assert await house.states(new) == ["queued"] * 4
    run = await offset(house)
    assert run is not None
    assert (run.groups, run.count, run.amount) == (1, 3, 285)
    assert await house.states(new) == ["settled"] * 3 + ["queued"]
    assert [await house.money(code) for code in (A, B, C, D)] == [0, 5, 5, 0]
    entries = await house.run(
        lambda uow: uow.fetch_value(
            "SELECT count(DISTINCT t.entry_id) FROM ledger.transfers t"
            " JOIN payments.clearing_payments p ON p.transfer_id = t.id"
        )
    )
    assert entries == 1
    await house.check()


async def test_it_runs_at_intervals_and_not_for_nothing(house: House) -> None:
    await house.join(A, cap=0)
    await house.join(B, cap=0)
    assert await offset(house) is None
    await house.submit(pay(A, B, 10, rail=HVPS))
    first = await offset(house)
    assert first is not None
    assert first.count == 0
    await house.submit(pay(B, A, 10, rail=HVPS))
    assert await offset(house, 1) is None
    later = await offset(house, 2)
    assert later is not None
    assert (later.groups, later.count, later.amount) == (1, 2, 20)
    async with house.database.reading() as uow:
        assert [run.count for run in await clearing.list_offsets(uow)] == [2, 0]
    await house.check()


async def test_the_schedule_sets_off_and_verify_sees_a_payment_that_moved_nothing(
    house: House,
) -> None:
    await house.join(A, cap=0)
    await house.join(B, cap=0)
    await house.submit(pay(A, B, 10, rail=HVPS), pay(B, A, 10, rail=HVPS))
    await clearing.run_schedule(house.database, rulebook=RULES, now=NOW)
    assert await house.count("payments.clearing_payments WHERE state = 'settled'") == 2
    await house.check()
    await house.forge("UPDATE payments.clearing_payments SET amount = 11 WHERE debtor = $1", A)
    with pytest.raises(AssertionError, match="clearing_gross_moved_money"):
        await house.check()


async def test_two_workers_at_once_set_off_once(house: House) -> None:
    await house.join(A, cap=0)
    await house.join(B, cap=0)
    await house.submit(pay(A, B, 10, rail=HVPS), pay(B, A, 10, rail=HVPS))
    runs = await asyncio.gather(offset(house), offset(house), offset(house))
    assert [run.count for run in runs if run is not None] == [2]
    await house.check()


async def test_a_bank_that_is_frozen_is_left_out(house: House) -> None:
    for code in (A, B):
        await house.join(code, cap=0)
    await house.submit(pay(A, B, 10, rail=HVPS), pay(B, A, 10, rail=HVPS))
    await house.run(
        lambda uow: ledger.set_account_state(
            uow,
            account_id=house.banks[B].account_id,
            state=ledger.AccountState.FROZEN,
            reason="a court order",
            now=NOW,
        )
    )
    run = await offset(house)
    assert run is not None
    assert run.count == 0
    await house.check()
