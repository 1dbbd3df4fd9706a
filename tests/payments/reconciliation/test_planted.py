"""Breaks of every kind among ten thousand orders: exactly those are found, and can be cured."""

from typing import TYPE_CHECKING

import pytest
from tests.payments.reconciliation.conftest import PlantedDay, plant_day

from huitong import ledger, payments
from huitong.payments.reconciliation import limits

if TYPE_CHECKING:
    from tests.payments.conftest import Town

Kind = payments.reconciliation.BreakKind
OF_LINES = {Kind.DOUBLED_IN_FILE, Kind.MISSING_WITH_US, Kind.UNKNOWN_REFERENCE}
OF_TRANSFERS = {Kind.DOUBLED_WITH_US, Kind.LEDGER_WITHOUT_ORDER}


async def reconcile(planted: PlantedDay) -> payments.reconciliation.ChannelFile:
    await planted.desk.compare()
    file = await planted.desk.take(planted.day.write())
    found: dict[Kind, set[object]] = {}
    for each in await planted.desk.breaks():
        about = (
            each.line
            if each.kind in OF_LINES
            else each.transfer_id
            if each.kind in OF_TRANSFERS
            else each.attempt_id
        )
        found.setdefault(each.kind, set()).add(about)
    assert found == planted.day.expected
    assert set(found) == set(Kind)
    assert all(len(each) == 1 for each in found.values())
    return file


async def test_one_break_of_each_kind_among_ten_thousand_orders_is_found_and_nothing_else(
    town: "Town", owner_url: str
) -> None:
    planted = await plant_day(town, owner_url, 10_000)
    file = await reconcile(planted)
    # Of 10,000 payments one is not in the file, three lines are nobody's; nine lines have a break,
    # one of them, which is late, is matched by its other day.
    assert (file.line_count, file.matched, file.tolerated) == (10_002, 9_993, 1)


async def test_books_that_disagree_much_are_compared_in_small_steps_and_all_is_found_once(
    town: "Town", owner_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "BOOKS_BATCH_SMALL", 1)
    await reconcile(await plant_day(town, owner_url, 40))


async def test_every_kind_is_cured_by_what_is_proposed_or_allowed_and_suspense_returns_to_zero(
    town: "Town", owner_url: str
) -> None:
    planted = await plant_day(town, owner_url, 100)
    desk = planted.desk
    await reconcile(planted)
    # What is asked again stays with the channel; here all is booked.
    instead = {Kind.MISSING_AT_CHANNEL: "reverse", Kind.STATE_DIFFERS: "reverse"}
    for found in await desk.breaks():
        cured = await desk.cure(found, instead.get(found.kind, found.proposed.value))
        assert cured.state is payments.reconciliation.BreakState.CURED
    assert await desk.breaks() == []
    for item in await desk.items():
        await desk.clear(item, "channel" if item.side == "payable" else "result")
    assert set((await desk.suspense()).values()) == {"0.00"}
    await desk.compare()
    assert await desk.breaks() == []
    await town.check_ties()
    balances = await town.read(ledger.get_trial_balances)
    assert all(each.is_tied for each in balances)
