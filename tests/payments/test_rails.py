"""Through which system a withdrawal goes: by amount, urgency and hours, or as its channel says."""

from datetime import date, datetime
from typing import Any

import asyncpg
import pytest

from huitong import payments
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook

SHANGHAI = "+08:00"


async def withdraw(
    town: Any, person: Any, amount: str, at: str, **more: Any
) -> tuple[payments.Order, payments.OrderRail | None]:
    now = datetime.fromisoformat(at + SHANGHAI)
    order = await town.run(
        payments.request_withdrawal,
        order_id=uuid7(),
        account_id=person.account_id,
        amount=Money.parse(amount, "CNY"),
        now=now,
        **more,
    )
    return order, await town.read(payments.find_rail, order.id)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (("1000000.00", "2026-11-23T12:00", False), ("beps", None)),
        (("1000000.00", "2026-11-23T12:00", True), ("ibps", None)),
        (("1000000.01", "2026-11-23T12:00", False), ("hvps", None)),
        # Monday's HVPS closes at 17:15, and opens for Tuesday at 20:30.
        (("1000000.01", "2026-11-23T18:00", False), ("hvps", "2026-11-23T20:30")),
        (("1000000.01", "2026-11-23T18:00", True), ("ibps", None)),
        (("0.01", "2026-11-23T18:00", False), ("beps", None)),
    ],
)
async def test_amount_urgency_and_hours_choose_the_system(
    town: Any, asked: tuple[str, str, bool], expected: tuple[str, str | None]
) -> None:
    (amount, at, is_urgent), (rail, opens) = asked, expected
    wang = await town.add_customer("王芳", "2000000.00")
    _, found = await withdraw(town, wang, amount, at, is_urgent=is_urgent)
    assert found is not None
    opens_at = None if opens is None else datetime.fromisoformat(opens + SHANGHAI)
    assert (found.rail.value, found.is_urgent, found.opens_at) == (rail, is_urgent, opens_at)
    rules = {each.rule for each in found.reasons}
    assert all(Rulebook.load().rule(each, found.planned_at.date()) for each in rules if each)
    assert all(each.zh and each.en for each in found.reasons)


async def test_a_channel_that_says_its_system_is_believed(town: Any, owner_url: str) -> None:
    wang = await town.add_customer("王芳", "2000000.00")
    connection = await asyncpg.connect(owner_url)
    await connection.execute("UPDATE payments.channels SET rail = 'ibps' WHERE name = 'bank'")
    await connection.close()
    _, found = await withdraw(town, wang, "5.00", "2026-11-23T12:00")
    assert found is not None
    assert (found.rail.value, found.opens_at) == ("ibps", None)
    assert [each.en for each in found.reasons] == ["channel bank is reached through it"]


async def test_a_day_whose_calendar_is_not_known_stops_nothing(town: Any) -> None:
    wang = await town.add_customer("王芳", "2000000.00")
    await town.database.run(
        lambda uow: uow.execute("SELECT ledger.add_partition(:month)", month=date(2027, 6, 1))
    )
    order, found = await withdraw(town, wang, "1500000.00", "2027-06-01T12:00")
    assert (order.status, found) == (payments.OrderStatus.PENDING, None)
    _, small = await withdraw(town, wang, "1.00", "2027-06-01T12:00")
    assert small is not None
    assert small.rail.value == "beps"


async def test_money_that_comes_in_takes_no_system_of_ours(town: Any) -> None:
    wang = await town.add_customer("王芳")
    order = await town.run(
        payments.request_top_up,
        order_id=uuid7(),
        account_id=wang.account_id,
        amount=Money.parse("5.00", "CNY"),
    )
    assert await town.read(payments.find_rail, order.id) is None


async def test_a_refused_withdrawal_leaves_no_system(town: Any) -> None:
    wang = await town.add_customer("王芳", "1.00")
    with pytest.raises(payments.InsufficientFunds):
        await withdraw(town, wang, "5.00", "2026-11-23T12:00")
    count = await town.read(
        lambda uow: uow.fetch_value("SELECT count(*) FROM payments.channel_order_rails")
    )
    assert count == 0
