"""What is what when a channel's file and our payments do not agree: worked examples."""

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.payments.reconciliation.conftest import Desk, line, write_file

from huitong import payments
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.payments.reconciliation.calculations import (
    Tolerance,
    effects,
    list_differences,
    match_by_amount,
)
from huitong.payments.reconciliation.types import FileLine, OurPayment, Side
from huitong.payments.types import ChannelDirection

if TYPE_CHECKING:
    from tests.payments.conftest import Town

reconciliation = payments.reconciliation
#: 23:50 and 12:00 in Shanghai on 23 November, 00:10 and 12:00 on the day after.
NIGHT = datetime(2026, 11, 23, 15, 50, tzinfo=UTC)
NEXT_NIGHT = datetime(2026, 11, 23, 16, 10, tzinfo=UTC)
NEXT_NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
NEXT = date(2026, 11, 24)


def show(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


async def top_up(town: "Town", account_id: int, amount: str, at: datetime) -> payments.Order:
    """Return a top-up that the bank carried at an instant."""
    order = await town.run(
        payments.request_top_up,
        order_id=uuid7(int(at.timestamp() * 1_000)),
        account_id=account_id,
        amount=Money.parse(amount, "CNY"),
        now=at,
    )
    return await town.answer(order, payments.ChannelVerdict.SUCCEEDED, at)


async def kinds(desk: Desk, **more: Any) -> list[tuple[str, str]]:
    return [(each.kind.value, each.state.value) for each in await desk.breaks(**more)]


async def test_a_payment_near_midnight_is_a_matter_of_time_and_matches_the_next_day(
    town: "Town", desk: Desk
) -> None:
    wang = await town.add_customer("王芳")
    order = await top_up(town, wang.account_id, "100.00", NIGHT)
    await desk.take(write_file([]))
    assert await kinds(desk) == [("missing_at_channel", "timing")]
    file = await desk.take(write_file([line(order, at=show(NEXT_NIGHT))], NEXT))
    assert (file.matched, file.tolerated) == (0, 1)
    assert await kinds(desk) == []
    assert await kinds(desk, is_ended=True) == [("missing_at_channel", "matched")]


async def test_what_was_a_matter_of_time_becomes_a_break_when_its_day_is_over(
    town: "Town", desk: Desk
) -> None:
    wang = await town.add_customer("王芳")
    await top_up(town, wang.account_id, "100.00", NIGHT)
    await desk.take(write_file([]))
    assert await kinds(desk) == [("missing_at_channel", "timing")]
    for hours, state in ((20, "timing"), (33, "open")):
        while await reconciliation.reconcile_always(
            town.database, rulebook=Rulebook.load(), now=NIGHT + timedelta(hours=hours)
        ):
            pass
        assert await kinds(desk) == [("missing_at_channel", state)]


async def test_a_payment_of_noon_that_is_booked_a_day_later_is_late(
    town: "Town", desk: Desk
) -> None:
    wang = await town.add_customer("王芳")
    order = await town.top_up(wang.account_id, "100.00")
    await desk.take(write_file([]))
    assert await kinds(desk) == [("missing_at_channel", "open")]
    await desk.take(write_file([line(order, at=show(NEXT_NOON))], NEXT))
    assert await kinds(desk) == [("late", "open")]


async def test_a_line_of_yesterday_that_comes_again_today_is_doubled(
    town: "Town", desk: Desk
) -> None:
    wang = await town.add_customer("王芳")
    order = await town.top_up(wang.account_id, "100.00")
    await desk.take(write_file([line(order)]))
    await desk.take(write_file([line(order, at=show(NEXT_NOON))], NEXT))
    assert await kinds(desk) == [("doubled_in_file", "open")]


async def test_a_line_without_an_id_that_comes_twice_is_doubled(town: "Town", desk: Desk) -> None:
    wang = await town.add_customer("王芳")
    order = await town.top_up(wang.account_id, "10.00")
    twice = line(order, attempt="", reference="B1")
    file = await desk.take(write_file([twice, twice]))
    assert (file.matched, file.tolerated) == (0, 1)
    assert await kinds(desk) == [("doubled_in_file", "open")]


async def test_a_line_that_came_a_day_early_is_not_missing_on_its_own_day(
    town: "Town", desk: Desk
) -> None:
    wang = await town.add_customer("王芳")
    order = await top_up(town, wang.account_id, "100.00", NEXT_NIGHT)
    file = await desk.take(write_file([line(order, at=show(NIGHT))]))
    assert (file.matched, file.tolerated) == (0, 1)
    await desk.take(write_file([], NEXT))
    assert await kinds(desk) == []


async def test_a_line_without_an_id_is_matched_by_its_reference_or_by_amount_and_time(
    town: "Town", desk: Desk
) -> None:
    wang = await town.add_customer("王芳")
    orders = [await town.top_up(wang.account_id, each) for each in ("10.00", "20.00", "30.00")]
    pay = f"pay_{orders[0].id.hex}"
    lines = [
        line(orders[0], attempt="", reference=pay),
        line(orders[1], attempt="", reference="B2"),
        # Two payments of one amount would fit: of these nothing is guessed.
        line(orders[2], attempt="", reference="B3"),
    ]
    twin = await town.top_up(wang.account_id, "30.00")
    file = await desk.take(write_file(lines))
    assert file.tolerated == 2
    assert sorted(await kinds(desk)) == [
        ("missing_at_channel", "open"),
        ("missing_at_channel", "open"),
        ("unknown_reference", "open"),
    ]
    missing = {each.order_id for each in await desk.breaks()} - {None}
    assert missing == {orders[2].id, twin.id}


@pytest.mark.parametrize(
    ("changes", "kind", "stake"),
    [
        ({"amount": "90.00"}, "amount_differs", "10.00"),
        ({"currency": "USD"}, "currency_differs", "100.00"),
        ({"direction": "out"}, "direction_differs", "200.00"),
        ({"state": "failed"}, "state_differs", "100.00"),
        ({"fee": "0.35"}, "fee_differs", "0.35"),
        ({"amount": "90.00", "fee": "0.35"}, "amount_differs", "10.00"),
        ({"amount": "90.00", "direction": "out"}, "direction_differs", "190.00"),
    ],
)
async def test_the_gravest_difference_names_the_break_and_all_are_told(
    town: "Town", desk: Desk, changes: dict[str, str], kind: str, stake: str
) -> None:
    wang = await town.add_customer("王芳")
    order = await town.top_up(wang.account_id, "100.00")
    await desk.take(write_file([line(order, **changes)]))
    (found,) = await desk.breaks()
    assert (found.kind.value, found.amount.format()) == (kind, stake)
    assert set(found.differs) >= set(changes) - {"direction", "state"}
    assert found.order_id == order.id


async def test_a_payment_that_the_channel_still_works_on_with_us_differs_in_state(
    town: "Town", desk: Desk, new_id: Any, cny: Any
) -> None:
    wang = await town.add_customer("王芳")
    order = await town.run(
        payments.request_top_up,
        order_id=new_id(),
        account_id=wang.account_id,
        amount=cny("100.00"),
    )
    await desk.take(write_file([line(order)]))
    assert await kinds(desk) == [("state_differs", "open")]


async def test_what_both_say_failed_and_what_nobody_carried_is_no_break(
    town: "Town", desk: Desk, new_id: Any, cny: Any
) -> None:
    wang = await town.add_customer("王芳")
    orders = []
    for _ in range(2):
        order = await town.run(
            payments.request_top_up,
            order_id=new_id(),
            account_id=wang.account_id,
            amount=cny("5.00"),
        )
        orders.append(await town.answer(order, payments.ChannelVerdict.FAILED))
    file = await desk.take(write_file([line(orders[0], state="failed")]))
    assert (file.matched, await kinds(desk)) == (1, [])


SIDES = st.builds(
    Side,
    amount=st.integers(1, 10**12),
    currency=st.sampled_from(["CNY", "USD"]),
    direction=st.sampled_from(list(ChannelDirection)),
    is_moved=st.booleans(),
    state=st.just("succeeded"),
    at=st.datetimes(timezones=st.just(UTC)),
    fee=st.none() | st.integers(0, 100),
)


@given(ours=st.none() | SIDES, theirs=SIDES)
def test_after_its_effects_our_account_is_as_the_channel_says(
    ours: Side | None, theirs: Side
) -> None:
    due = effects(ours, theirs)
    for currency in ("CNY", "USD"):
        before = ours.effect if ours is not None and ours.currency == currency else 0
        wanted = theirs.effect if theirs.currency == currency else 0
        assert before + due.get(currency, 0) == wanted


@given(SIDES, SIDES)
def test_sides_without_a_difference_have_no_effect(ours: Side, theirs: Side) -> None:
    assert list_differences(ours, ours) == ()
    if not list_differences(ours, theirs):
        assert effects(ours, theirs) == {}


@given(st.lists(st.integers(1, 5), max_size=12), st.lists(st.integers(1, 5), max_size=12))
def test_amount_and_time_match_only_what_fits_nothing_else(
    ours: list[int], theirs: list[int]
) -> None:
    def side(amount: int) -> Side:
        return Side(
            amount=amount,
            currency="CNY",
            direction=ChannelDirection.IN,
            is_moved=True,
            state="succeeded",
            at=NIGHT,
        )

    missing = [
        OurPayment(
            attempt_id=uuid.UUID(int=at),
            order_id=uuid.UUID(int=at),
            channel="bank",
            side=side(each),
        )
        for at, each in enumerate(ours, 1)
    ]
    lines = [
        FileLine(number=at, attempt_id=None, reference=f"B{at}", side=side(each))
        for at, each in enumerate(theirs, 1)
    ]
    hour = timedelta(hours=1)
    tolerance = Tolerance(timing=hour, window=hour, amount=0)
    pairs = match_by_amount(lines, missing, tolerance)
    expected = {each for each in ours if ours.count(each) == 1 and theirs.count(each) == 1}
    assert {found.side.amount for _, found, _ in pairs} == expected
    assert all(row.side.amount == found.side.amount for row, found, _ in pairs)
