"""Netting as arithmetic: sums, caps, order, gridlock, unwinding."""

import uuid
from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huitong.payments.clearing.netting import Book, Item, keep_payable, net_of
from huitong.payments.clearing.types import Bypass, Unwind

BANKS = ("A", "B", "C", "D")


def item(
    sequence: int, debtor: str, creditor: str, amount: int, *, is_urgent: bool = False
) -> Item:
    return Item(uuid.UUID(int=sequence), debtor, creditor, amount, is_urgent, sequence)


@st.composite
def items(draw: st.DrawFn, size: int = 24) -> list[Item]:
    drawn = draw(
        st.lists(
            st.tuples(
                st.permutations(BANKS).map(lambda order: order[:2]),
                st.integers(1, 50),
                st.booleans(),
            ),
            max_size=size,
        )
    )
    return [
        item(number, pair[0], pair[1], amount, is_urgent=urgent)
        for number, (pair, amount, urgent) in enumerate(drawn)
    ]


rooms = st.fixed_dictionaries({bank: st.integers(0, 60) for bank in BANKS})


def book_of(room: dict[str, int], bypass: Bypass = Bypass.URGENT) -> Book:
    return Book(net=dict.fromkeys(BANKS, 0), room=room, bypass=bypass)


def assert_within(book: Book) -> None:
    assert sum(book.net.values()) == 0
    assert all(book.net[bank] >= -book.room[bank] for bank in BANKS)


@given(items(), rooms, st.sampled_from(Bypass), st.data())
def test_positions_sum_to_zero_within_caps_and_are_the_naive_sum(
    new: list[Item], room: dict[str, int], bypass: Bypass, data: st.DataObject
) -> None:
    book = book_of(room, bypass)
    sent: list[Item] = []
    for each in data.draw(st.permutations(new)):
        sent += book.submit(each)
        assert_within(book)
    sent += book.resolve_gridlock()
    assert_within(book)
    assert book.net == net_of(sent, BANKS)
    waiting = [each for queue in book.queues.values() for each in queue]
    assert sorted(map(str, [*sent, *waiting])) == sorted(map(str, new))


@given(items(), rooms)
def test_nothing_overtakes_within_a_rank(new: list[Item], room: dict[str, int]) -> None:
    book = book_of(room)
    sent = [each for one in new for each in book.submit(one)]
    gone = {each.id for each in sent}
    for bank in BANKS:
        for urgent in (True, False):
            own = [each for each in new if each.debtor == bank and each.is_urgent is urgent]
            flags = [each.id in gone for each in own]
            assert flags == sorted(flags, reverse=True)


@given(items(), rooms)
def test_gridlock_resolution_never_sends_less_than_first_in_first_out(
    new: list[Item], room: dict[str, int]
) -> None:
    by_order, together = book_of(room), book_of(room)
    for each in new:
        by_order.enqueue(each)
        together.enqueue(each)
    fifo = {each.id for each in by_order.release(BANKS)}
    resolved = {each.id for each in together.resolve_gridlock()}
    assert fifo <= resolved
    assert by_order.resolve_gridlock() == [
        each for each in sorted(new, key=lambda one: one.sequence) if each.id in resolved - fifo
    ]


def fits(chosen: Sequence[Item], room: dict[str, int]) -> bool:
    net = net_of(chosen, BANKS)
    return all(net[bank] >= -room[bank] for bank in BANKS)


@given(items(size=8), rooms)
def test_gridlock_resolution_finds_the_largest_set_of_front_parts(
    new: list[Item], room: dict[str, int]
) -> None:
    book = book_of(room)
    for each in new:
        book.enqueue(each)
    queues = [list(book.queues.get(bank, [])) for bank in BANKS]
    best = max(
        len(chosen)
        for cuts in product(*(range(len(queue) + 1) for queue in queues))
        if fits(
            chosen := [one for queue, cut in zip(queues, cuts, strict=True) for one in queue[:cut]],
            room,
        )
    )
    assert len(book.resolve_gridlock()) == best


@given(items(), rooms, st.sampled_from(Unwind))
def test_what_is_kept_can_be_paid_and_nobody_else_is_touched(
    new: list[Item], funds: dict[str, int], unwind: Unwind
) -> None:
    kept = keep_payable(new, funds, unwind=unwind)
    assert fits(kept, funds)
    if fits(new, funds):
        assert kept == new


def test_a_ring_that_no_bank_can_start_goes_round_together() -> None:
    book = book_of(dict.fromkeys(BANKS, 0))
    ring = [item(0, "A", "B", 100), item(1, "B", "C", 100), item(2, "C", "A", 100)]
    assert [sent for each in ring for sent in book.submit(each)] == []
    assert book.resolve_gridlock() == ring
    assert book.net == dict.fromkeys(BANKS, 0)


def test_an_urgent_payment_overtakes_only_if_the_rule_says_so() -> None:
    large, urgent = item(0, "A", "B", 100), item(1, "A", "B", 10, is_urgent=True)
    free, strict = (book_of(dict.fromkeys(BANKS, 50), bypass) for bypass in Bypass)
    for book in (free, strict):
        assert book.submit(large) == []
    assert free.submit(urgent) == [urgent]
    assert strict.submit(urgent) == []


def test_only_urgent_payments_use_what_is_reserved() -> None:
    book = Book(net={"A": 100, "B": 0}, room={"A": 0, "B": 0}, reserved={"A": 40})
    assert book.submit(item(0, "A", "B", 61)) == []
    urgent = item(1, "A", "B", 40, is_urgent=True)
    assert book.submit(urgent) == [urgent]
    assert book.submit(item(2, "A", "B", 1)) == []


def test_money_that_arrives_releases_others_in_a_chain() -> None:
    book = book_of({"A": 10, "B": 0, "C": 0, "D": 0})
    waiting = [item(0, "C", "D", 10), item(1, "B", "C", 10)]
    assert [sent for each in waiting for sent in book.submit(each)] == []
    first = item(2, "A", "B", 10)
    assert book.submit(first) == [first, waiting[1], waiting[0]]


@pytest.mark.parametrize(("unwind", "kept"), [(Unwind.LAST_FIRST, [0, 1]), (Unwind.WHOLE, [1])])
def test_unwinding_takes_back_by_the_chosen_rule(unwind: Unwind, kept: list[int]) -> None:
    all_ = [item(0, "A", "B", 30), item(1, "C", "B", 5), item(2, "A", "C", 30)]
    funds = {"A": 30, "B": 0, "C": 5, "D": 0}
    assert [each.sequence for each in keep_payable(all_, funds, unwind=unwind)] == kept
