"""Cures: each once, through the ledger, and money in suspense until its item is cleared."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.payments.reconciliation.conftest import Desk, line, write_file

from huitong import payments
from huitong.kernel.errors import InvalidField, Refusal
from huitong.payments.channels import BreakKind as ChannelBreakKind
from huitong.payments.channels import ChannelBreak, add_break
from huitong.payments.reconciliation.calculations import CURES
from huitong.payments.types import ChannelDirection
from huitong.wiring.watching import verify_books

if TYPE_CHECKING:
    from tests.payments.conftest import Town

reconciliation = payments.reconciliation
Cure = reconciliation.Cure
NotPossible = reconciliation.CureNotPossible


async def paid_in(town: "Town", amount: str = "100.00") -> tuple[Any, payments.Order]:
    """Return a customer, and the top-up of all that they have."""
    wang = await town.add_customer("王芳")
    return wang, await town.top_up(wang.account_id, amount)


async def paid_out(town: "Town", cny: Any, new_id: Any) -> tuple[Any, payments.Order]:
    """Return a customer with 40.00 left, and a withdrawal of 60.00 that the bank carried."""
    wang = await town.add_customer("王芳", "100.00")
    order = await town.run(
        payments.request_withdrawal,
        order_id=new_id(),
        account_id=wang.account_id,
        amount=cny("60.00"),
    )
    return wang, await town.answer(order, payments.ChannelVerdict.SUCCEEDED)


async def only_break(desk: Desk, *lines: str) -> payments.reconciliation.Break:
    """Match a file of these lines, and return the one break that it brings."""
    await desk.take(write_file(list(lines)))
    found = [each for each in await desk.breaks() if each.kind.value != "missing_at_channel"]
    found = found or await desk.breaks()
    assert len(found) == 1
    return found[0]


async def test_less_at_the_channel_is_owed_to_us_until_the_channel_pays(
    town: "Town", desk: Desk
) -> None:
    wang, order = await paid_in(town)
    found = await only_break(desk, line(order, amount="90.00"))
    await desk.cure(found, "suspense")
    assert await town.own("channel") == "90.00"
    assert await desk.suspense() == {"receivable.CNY": "10.00"}
    (item,) = await desk.items()
    await desk.verify()
    await desk.clear(item, "channel")
    assert await desk.suspense() == {"receivable.CNY": "0.00"}
    assert (await town.own("channel"), await town.balance(wang.account_id)) == ("100.00", "100.00")
    await desk.verify()


async def test_more_at_the_channel_is_owed_by_us_until_its_owner_has_it(
    town: "Town", desk: Desk
) -> None:
    wang, order = await paid_in(town)
    found = await only_break(desk, line(order, amount="130.00"))
    await desk.cure(found, "suspense")
    (item,) = await desk.items()
    await desk.clear(item, "customer", wang.account_id)
    assert await desk.suspense() == {"payable.CNY": "0.00"}
    assert (await town.own("channel"), await town.balance(wang.account_id)) == ("130.00", "130.00")
    await desk.verify()
    await town.check_ties()


async def test_another_currency_opens_an_item_in_each(town: "Town", desk: Desk) -> None:
    _, order = await paid_in(town)
    found = await only_break(desk, line(order, currency="USD"))
    await desk.cure(found, "suspense")
    assert await desk.suspense() == {"payable.USD": "100.00", "receivable.CNY": "100.00"}
    for item in await desk.items():
        await desk.clear(item, "result")
    assert set((await desk.suspense()).values()) == {"0.00"}
    await desk.verify()
    await town.check_ties()


async def test_a_top_up_that_never_came_is_reversed_if_the_customer_still_has_it(
    town: "Town", desk: Desk
) -> None:
    wang, _ = await paid_in(town)
    found = await only_break(desk)
    await desk.cure(found, "reverse")
    assert (await town.balance(wang.account_id), await town.own("channel")) == ("0.00", "0.00")
    await desk.verify()


async def test_a_top_up_that_was_spent_cannot_be_reversed_and_nothing_changes(
    town: "Town", desk: Desk, refusing: Any
) -> None:
    wang, _ = await paid_in(town)
    shop = await town.add_merchant("茶楼")
    await town.buy(wang, shop, "50.00")
    found = await only_break(desk)
    async with refusing(town):
        with pytest.raises(NotPossible, match="insufficient_funds"):
            await desk.cure(found, "reverse")
    assert (await desk.breaks())[0].state is reconciliation.BreakState.OPEN
    await desk.cure(found, "suspense")
    assert await desk.suspense() == {"receivable.CNY": "100.00"}


async def test_a_withdrawal_that_the_channel_did_not_carry_goes_back_to_its_owner(
    town: "Town", desk: Desk, cny: Any, new_id: Any
) -> None:
    wang, order = await paid_out(town, cny, new_id)
    found = await only_break(desk, line(order, state="failed"))
    assert found.kind is reconciliation.BreakKind.STATE_DIFFERS
    await desk.cure(found, "reverse")
    assert (await town.balance(wang.account_id), await town.own("channel")) == ("100.00", "100.00")
    await desk.verify()


async def test_what_channels_took_back_before_is_not_booked_a_second_time_here(
    town: "Town", desk: Desk, cny: Any, new_id: Any
) -> None:
    _, order = await paid_out(town, cny, new_id)
    found = await only_break(desk, line(order, state="failed"))
    assert found.attempt_id is not None
    word = ChannelBreak(
        channel_order_id=found.attempt_id,
        order_id=order.id,
        channel="bank",
        direction=ChannelDirection.OUT,
        kind=ChannelBreakKind.FAILURE_AFTER_SUCCESS,
        amount=order.amount,
        transfer_id=None,
        found_at=desk.now,
    )
    async with town.database.unit_of_work() as uow:
        await add_break(uow, word)
    (other,) = await town.read(reconciliation.list_contradictions)
    assert other.order_id == order.id
    for cure in ("reverse", "suspense"):
        with pytest.raises(NotPossible, match="took its word back"):
            await desk.cure(found, cure)
    await desk.cure(found, "accept")


async def test_a_late_success_that_lies_in_suspense_is_not_reversed_here(
    town: "Town", desk: Desk, cny: Any, new_id: Any
) -> None:
    wang = await town.add_customer("王芳", "100.00")
    order = await town.run(
        payments.request_withdrawal,
        order_id=new_id(),
        account_id=wang.account_id,
        amount=cny("60.00"),
    )
    await town.answer(order, payments.ChannelVerdict.FAILED)
    late = ChannelBreak(
        channel_order_id=payments.derive_id(order.id, 1),
        order_id=order.id,
        channel="bank",
        direction=ChannelDirection.OUT,
        kind=ChannelBreakKind.SUCCESS_AFTER_FAILURE,
        amount=order.amount,
        transfer_id=new_id(),
        found_at=desk.now,
    )
    async with town.database.unit_of_work() as uow:
        await add_break(uow, late)
    await desk.take(write_file([]))
    missing = [each for each in await desk.breaks() if each.order_id == order.id]
    assert [each.kind.value for each in missing] == ["missing_at_channel"]
    for cure in ("reverse", "suspense"):
        with pytest.raises(NotPossible, match="took its word back"):
            await desk.cure(missing[0], cure)
    assert await town.balance(wang.account_id) == "100.00"


async def test_a_pending_payment_that_the_file_has_is_booked_by_replay_once(
    town: "Town", desk: Desk, cny: Any, new_id: Any
) -> None:
    wang = await town.add_customer("王芳")
    order = await town.run(
        payments.request_top_up,
        order_id=new_id(),
        account_id=wang.account_id,
        amount=cny("100.00"),
    )
    found = await only_break(desk, line(order))
    with pytest.raises(NotPossible, match="nothing of it was sent"):
        await desk.cure(found, "replay")
    async with town.database.unit_of_work() as uow:
        await uow.execute("UPDATE payments.channel_orders SET state = 'sent', attempts = 1")
    await desk.cure(found, "replay")
    assert await town.balance(wang.account_id) == "100.00"
    with pytest.raises(reconciliation.BreakEnded):
        await desk.cure(found, "replay")
    await desk.verify()


async def test_a_payment_that_is_missing_is_asked_about_again_by_replay(
    town: "Town", desk: Desk
) -> None:
    _, order = await paid_in(town)
    found = await only_break(desk)
    await desk.cure(found, "replay")
    (attempt,) = await town.read(payments.list_attempts, order.id)
    assert attempt.order.recheck_at == desk.now


async def test_fees_that_agree_are_booked_with_the_file_and_others_when_they_are_accepted(
    town: "Town", desk: Desk
) -> None:
    async with town.database.unit_of_work() as uow:
        await uow.execute(
            "INSERT INTO payments.channel_fees (channel, currency, amount_from, fixed, rate) "
            "VALUES ('bank', 'CNY', 0, 10, 0)"
        )
    wang, first = await paid_in(town)
    second = await town.top_up(wang.account_id, "50.00")
    found = await only_break(desk, line(first, fee="0.10"), line(second, fee="0.35"))
    assert found.kind is reconciliation.BreakKind.FEE_DIFFERS
    assert await fees(town) == "0.10"
    await desk.cure(found, "accept_fee")
    assert await fees(town) == "0.45"
    await town.check_ties()


async def fees(town: "Town") -> str:
    async with town.database.unit_of_work() as uow:
        return await uow.fetch_value(
            "SELECT trim(to_char((b.debits_posted - b.credits_posted) / 100.0, '990.00')) "
            "FROM ledger.accounts a JOIN ledger.balances b ON b.account_id = a.id "
            "WHERE a.system_key = 'payments.reconciliation.fees_expense.CNY'"
        )


async def test_a_break_that_waits_is_open_again_after_the_rules_days(
    town: "Town", desk: Desk
) -> None:
    await paid_in(town)
    found = await desk.cure(await only_break(desk), "wait")
    assert found.state is reconciliation.BreakState.TIMING
    assert found.due_at is not None
    assert (found.due_at - desk.now).days == 2


async def test_of_many_who_cure_a_break_at_once_one_does(town: "Town", desk: Desk) -> None:
    _, order = await paid_in(town)
    found = await only_break(desk, line(order, amount="130.00"))
    done = await asyncio.gather(
        *(desk.cure(found, "suspense") for _ in range(5)), return_exceptions=True
    )
    refused = [each for each in done if isinstance(each, BaseException)]
    assert len(refused) == 4
    assert all(isinstance(each, reconciliation.BreakEnded) for each in refused)
    assert await desk.suspense() == {"payable.CNY": "30.00"}
    (item,) = await desk.items()
    cleared = await asyncio.gather(
        *(desk.clear(item, "channel") for _ in range(5)), return_exceptions=True
    )
    refused = [each for each in cleared if isinstance(each, BaseException)]
    assert len(refused) == 4
    assert all(isinstance(each, reconciliation.SuspenseCleared) for each in refused)
    assert await desk.suspense() == {"payable.CNY": "0.00"}
    await desk.verify()


async def test_an_item_goes_only_to_an_account_of_somebody_in_its_currency(
    town: "Town", desk: Desk
) -> None:
    _, order = await paid_in(town)
    await desk.cure(await only_break(desk, line(order, amount="130.00")), "suspense")
    (item,) = await desk.items()
    own = await town.read(payments.find_own_accounts, "CNY")
    for to, account in (("customer", None), ("channel", own.channel), ("customer", own.channel)):
        with pytest.raises(Refusal) as refused:
            await desk.clear(item, to, account)
        assert refused.value.field == "account"
        assert isinstance(refused.value, InvalidField | payments.AccountNotFound)
    assert await desk.suspense() == {"payable.CNY": "30.00"}


async def test_a_cure_that_does_not_fit_is_refused_with_those_that_do(
    town: "Town", desk: Desk
) -> None:
    _, order = await paid_in(town)
    found = await only_break(desk, line(order, fee="0.10"))
    with pytest.raises(NotPossible) as refused:
        await desk.cure(found, "reverse")
    assert refused.value.context == {"cures": ["accept_fee", "wait", "accept"]}


async def test_the_invariant_finds_money_in_suspense_without_an_item(
    town: "Town", desk: Desk, owner_url: str
) -> None:
    _, order = await paid_in(town)
    await desk.cure(await only_break(desk, line(order, amount="130.00")), "suspense")
    owner = await asyncpg.connect(owner_url)
    await owner.execute("DELETE FROM payments.recon_suspense")
    await owner.close()
    with pytest.raises(AssertionError, match="reconciliation_suspense_is_items"):
        await desk.verify()


@given(st.sampled_from(list(reconciliation.BreakKind)))
def test_every_kind_has_a_cure_and_words_for_it(kind: payments.reconciliation.BreakKind) -> None:
    assert CURES[kind]
    assert all(reconciliation.name_kind(kind))
    assert all(all(reconciliation.name_cure(each)) for each in CURES[kind])


async def test_a_break_that_is_overdue_is_an_incident_of_operations(
    town: "Town", desk: Desk
) -> None:
    await paid_in(town)
    await only_break(desk)
    for days, expected in ((2, []), (3, [1])):
        await verify_books(town.database, desk.now + timedelta(days=days))
        async with town.database.unit_of_work() as uow:
            rows = await uow.execute(
                "SELECT CAST(evidence ->> 'reconciliation_breaks_overdue' AS integer) AS overdue "
                "FROM operations.incidents WHERE kind = 'books_differ'"
            )
        assert [row.overdue for row in rows] == expected
