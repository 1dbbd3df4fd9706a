"""Payments of a business: one makes them, as many others as the mandate says approve them."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from tests.payments.corporate.firm import BANK, Firm, cny, name_user

from huitong import ledger, payments
from huitong.kernel.clock import FixedClock
from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money
from huitong.kernel.serving import serve_inside
from huitong.payments import bulk, corporate
from huitong.payments.corporate import InstructionState


async def test_a_small_payment_takes_one_approver_and_moves_the_money(firm: Firm) -> None:
    instruction = await firm.instruct("199.99")
    assert (instruction.approvers, instruction.state) == (1, InstructionState.WAITING)
    assert await firm.paid() == "0.00"
    approved = await firm.approve(instruction)
    assert approved.state is InstructionState.APPROVED
    assert (await firm.funds(), await firm.paid()) == ("800.01", "199.99")
    order = await firm.town.read(payments.get_order, approved.order_id)
    assert (order.status, order.kind, order.amount) == (
        payments.OrderStatus.SUCCEEDED,
        payments.OrderKind.TRANSFER,
        cny("199.99"),
    )


async def test_from_200_on_it_takes_two_who_are_not_the_same(firm: Firm) -> None:
    instruction = await firm.instruct("200.00")
    waiting = await firm.approve(instruction)
    assert (waiting.state, waiting.approved_by) == (
        InstructionState.WAITING,
        (firm.checkers[0].id,),
    )
    assert await firm.paid() == "0.00"
    with pytest.raises(corporate.CorporateNotAllowed, match="already"):
        await firm.approve(instruction)
    assert (await firm.approve(instruction, who=1)).state is InstructionState.APPROVED
    assert await firm.paid() == "200.00"


async def test_a_payment_to_a_bank_is_reserved_and_sent(firm: Firm) -> None:
    payee = corporate.NewPayee(name="江南茶厂", bank_code=BANK, number="6222021234567890123")
    approved = await firm.approve(await firm.instruct("150.00", payee=payee))
    order = await firm.town.read(payments.get_order, approved.order_id)
    assert (order.status, order.kind) == (
        payments.OrderStatus.PENDING,
        payments.OrderKind.WITHDRAWAL,
    )
    assert await firm.funds() == "850.00"
    await firm.town.answer(order, payments.ChannelVerdict.FAILED)
    assert await firm.funds() == "1000.00"
    shown = await firm.town.read(corporate.show_payee, firm.town.vault, approved.payee)
    assert shown == payee
    async with firm.town.database.unit_of_work() as uow:
        (row,) = await uow.execute(
            "SELECT CAST(p AS text) AS line FROM payments.corporate_payees p"
        )
    assert "江南茶厂" not in row.line
    assert "6222021234567890123" not in row.line


async def test_a_bank_is_told_whom_a_business_pays_and_checks_it(firm: Firm) -> None:
    bank, clock = payments.SimulatedChannel(result_seconds=0.0), FixedClock(firm.now)
    payee = corporate.NewPayee(name="江南茶厂", bank_code=BANK, number="6222021234567890123")
    holder = {"bank_code": BANK, "account": payee.number, "name": "江南茶廠"}
    ended = []
    async with (
        serve_inside(bank.application()) as url,
        payments.HttpBankChannel(url) as client,
        httpx.AsyncClient(base_url=url) as outside,
    ):
        for name in (holder["name"], payee.name):
            await outside.put("/accounts", json=holder | {"name": name})
            approved = await firm.approve(await firm.instruct("150.00", payee=payee))
            for _ in range(2):
                clock.advance(timedelta(seconds=400))
                await payments.settle_channel_orders(
                    firm.town.database,
                    payments.Channels({"bank": client}),
                    clock=clock,
                    vault=firm.town.vault,
                )
            order = await firm.town.read(payments.get_order, approved.order_id)
            ended.append((order.status.value, order.failure_code, await firm.funds()))
    assert ended == [
        ("failed", "payee_name_differs", "1000.00"),
        ("succeeded", None, "850.00"),
    ]


@pytest.mark.parametrize(
    ("who", "message"),
    [("maker", "no approver"), ("viewer", "no approver")],
)
async def test_who_has_not_the_role_does_not_approve(
    firm: Firm, refusing: Any, who: str, message: str
) -> None:
    instruction = await firm.instruct("10.00")
    async with refusing(firm.town):
        with pytest.raises(corporate.CorporateNotAllowed, match=message):
            await firm.approve(instruction, approved_by=getattr(firm, who).id)


async def test_a_maker_who_is_an_approver_too_does_not_approve_their_own(
    firm: Firm, refusing: Any, owner_url: str
) -> None:

    both = bulk.BusinessUser(
        merchant_id=firm.merchant.id,
        customer_id=firm.maker.id,
        role=bulk.Role.APPROVER,
        amount_max=cny("600.00"),
    )
    await name_user(firm.town, both, firm.now)
    instruction = await firm.instruct("10.00")
    async with refusing(firm.town):
        with pytest.raises(corporate.CorporateNotAllowed, match="whoever made"):
            await firm.approve(instruction, approved_by=firm.maker.id)
        with pytest.raises(corporate.CorporateNotAllowed, match="takes it back"):
            await firm.town.run(
                corporate.reject_instruction,
                instruction_id=instruction.id,
                rejected_by=firm.maker.id,
                digest=instruction.digest,
            )
    # Nor does the database take it.
    connection = await asyncpg.connect(owner_url)
    try:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(
                "INSERT INTO payments.corporate_approvals VALUES ($1, $2, $2, now())",
                instruction.id,
                firm.maker.id,
            )
    finally:
        await connection.close()


async def test_a_stranger_sees_nothing_of_the_business(firm: Firm, refusing: Any) -> None:
    instruction = await firm.instruct("10.00")
    async with refusing(firm.town):
        with pytest.raises(corporate.InstructionNotFound):
            await firm.approve(instruction, approved_by=firm.stranger.id)
        with pytest.raises(corporate.CorporateNotAllowed):
            await firm.instruct("10.00", made_by=firm.stranger.id)
        with pytest.raises(corporate.CorporateNotAllowed):
            await firm.instruct("10.00", made_by=firm.viewer.id)
        with pytest.raises(corporate.CorporateNotAllowed):
            await firm.town.read(
                corporate.list_instructions,
                merchant_id=firm.merchant.id,
                customer_id=firm.stranger.id,
                limit=10,
            )
    seen = await firm.town.read(
        corporate.list_instructions,
        merchant_id=firm.merchant.id,
        customer_id=firm.viewer.id,
        limit=10,
    )
    assert [each.id for each in seen] == [instruction.id]


@pytest.mark.parametrize(
    ("changes", "refusal", "field"),
    [
        ({"amount": cny("0.00")}, InvalidField, "amount.amount"),
        ({"amount": Money(-100, "CNY")}, InvalidField, "amount.amount"),
        ({"amount": cny("500.01")}, corporate.MandateExceeded, "amount"),
        ({"description": ""}, InvalidField, "description"),
        ({"description": "x" * 141}, InvalidField, "description"),
        ({"description": "a\nb"}, InvalidField, "description"),
        ({"payee": corporate.NewPayee(name="谁")}, InvalidField, "payee"),
        (
            {"payee": corporate.NewPayee(name="谁", bank_code="102100099997", number="1")},
            InvalidField,
            "payee.bank_code",
        ),
        (
            {"payee": corporate.NewPayee(name="谁", bank_code=BANK, number="62 22")},
            InvalidField,
            "payee.number",
        ),
        (
            {"payee": corporate.NewPayee(name="谁", account_id=190)},
            payments.AccountNotFound,
            "payee.account",
        ),
    ],
)
async def test_bad_input_is_refused_by_field_and_changes_nothing(
    firm: Firm, refusing: Any, changes: dict[str, Any], refusal: type, field: str
) -> None:
    async with refusing(firm.town):
        with pytest.raises(refusal) as caught:
            await firm.instruct(**changes)
    assert caught.value.field == field


async def test_the_payees_name_must_be_the_holders(firm: Firm, refusing: Any) -> None:
    wrong = corporate.NewPayee(name="茶楼", account_id=firm.supplier.account_id)
    own = corporate.NewPayee(name=firm.merchant.name, account_id=firm.merchant.account_id)
    async with refusing(firm.town):
        with pytest.raises(corporate.PayeeNameDiffers):
            await firm.instruct("10.00", payee=wrong)
        with pytest.raises(InvalidField, match="own account"):
            await firm.instruct("10.00", payee=own)


async def test_an_approver_approves_only_up_to_their_amount_and_only_what_was_seen(
    firm: Firm, refusing: Any
) -> None:
    large, small = await firm.instruct("460.00"), await firm.instruct("10.00")
    async with refusing(firm.town):
        with pytest.raises(corporate.CorporateNotAllowed, match=r"up to 450\.00 CNY"):
            await firm.approve(large, who=1)
        with pytest.raises(corporate.InstructionChanged):
            await firm.approve(small, digest=large.digest)


async def test_limits_of_the_day_and_in_all_hold_and_tomorrow_is_another_day(
    firm: Firm, refusing: Any
) -> None:
    await firm.set_mandate(
        payment_max=cny("150.00"), day_max=cny("200.00"), total_max=cny("300.00")
    )
    await firm.approve(await firm.instruct("120.00"))
    second = await firm.instruct("80.01")
    async with refusing(firm.town):
        with pytest.raises(payments.DayLimitExceeded):
            await firm.approve(second)
    await firm.approve(await firm.instruct("80.00"))
    firm.now += timedelta(days=1)
    await firm.approve(second)
    third = await firm.instruct("20.00")
    async with refusing(firm.town):
        with pytest.raises(payments.TotalLimitExceeded):
            await firm.approve(third)
    assert await firm.paid() == "280.01"


async def test_another_mandate_makes_what_waits_to_be_made_anew(firm: Firm, refusing: Any) -> None:
    instruction = await firm.instruct("10.00")
    await firm.set_mandate()
    async with refusing(firm.town):
        with pytest.raises(corporate.MandateChanged):
            await firm.approve(instruction)


async def test_without_a_mandate_nothing_is_paid(firm: Firm, refusing: Any) -> None:
    async with refusing(firm.town):
        with pytest.raises(corporate.CorporateNotAllowed):
            await firm.instruct("10.00", merchant_id=firm.supplier.id)


async def test_what_nobody_approves_in_time_expires(firm: Firm, refusing: Any) -> None:
    instruction = await firm.instruct("10.00")
    firm.now = instruction.expires_at
    async with refusing(firm.town):
        with pytest.raises(corporate.InstructionExpired):
            await firm.approve(instruction)
    assert await firm.town.run(corporate.expire_instructions, now=firm.now) == 1
    assert await firm.town.run(corporate.expire_instructions, now=firm.now) == 0
    async with refusing(firm.town):
        with pytest.raises(corporate.InstructionNotWaiting):
            await firm.approve(instruction)


async def test_rejected_and_withdrawn_are_for_ever(firm: Firm) -> None:
    rejected, withdrawn = await firm.instruct("10.00"), await firm.instruct("20.00")
    await firm.town.run(
        corporate.reject_instruction,
        instruction_id=rejected.id,
        rejected_by=firm.checkers[0].id,
        digest=rejected.digest,
    )
    await firm.town.run(
        corporate.withdraw_instruction, instruction_id=withdrawn.id, withdrawn_by=firm.maker.id
    )
    for each in (rejected, withdrawn):
        with pytest.raises(corporate.InstructionNotWaiting):
            await firm.approve(each)
    assert await firm.paid() == "0.00"


async def test_without_funds_the_last_approval_is_refused_and_can_be_given_again(
    firm: Firm, refusing: Any
) -> None:
    await firm.set_mandate(day_max=cny("5000.00"))
    first = [await firm.instruct("450.00") for _ in range(3)]
    for each in first[:2]:
        await firm.approve(each)
        await firm.approve(each, who=1)
    await firm.approve(first[2])
    async with refusing(firm.town):
        with pytest.raises(payments.InsufficientFunds):
            await firm.approve(first[2], who=1)
    await firm.town.buy(await firm.town.add_customer("李四", "600.00"), firm.merchant, "350.00")
    await firm.approve(first[2], who=1)
    assert (await firm.funds(), await firm.paid()) == ("0.00", "1350.00")


async def test_many_approvals_at_once_pay_once(firm: Firm) -> None:
    small, large = await firm.instruct("100.00"), await firm.instruct("300.00")
    tries = [firm.approve(each, who=who) for each in (small, large) for who in (0, 1) * 3]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(not isinstance(each, Exception) for each in results) == 3
    assert {type(each) for each in results if isinstance(each, Exception)} <= {
        corporate.CorporateNotAllowed,
        corporate.InstructionNotWaiting,
    }
    assert (await firm.funds(), await firm.paid()) == ("600.00", "400.00")


async def test_a_frozen_payer_pays_nothing(firm: Firm, refusing: Any) -> None:
    instruction = await firm.instruct("10.00")
    await firm.freeze(firm.merchant.account_id, ledger.AccountState.FROZEN)
    async with refusing(firm.town):
        with pytest.raises(payments.AccountFrozen):
            await firm.approve(instruction)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"payment_max": cny("0.00")}, "payment_max"),
        ({"day_max": cny("499.99")}, "day_max"),
        ({"total_max": cny("799.99")}, "total_max"),
        ({"bands": ()}, "bands"),
        ({"bands": (corporate.Band(amount_from=cny("0.01"), approvers=1),)}, "bands"),
        ({"bands": (corporate.Band(amount_from=cny("0.00"), approvers=0),)}, "bands"),
        ({"bands": (corporate.Band(amount_from=cny("0.00"), approvers=6),)}, "bands"),
        (
            {
                "bands": (
                    corporate.Band(amount_from=cny("0.00"), approvers=2),
                    corporate.Band(amount_from=cny("9.00"), approvers=1),
                )
            },
            "bands",
        ),
    ],
)
async def test_a_mandate_that_cannot_be_is_refused(
    firm: Firm, refusing: Any, changes: dict[str, Any], field: str
) -> None:
    async with refusing(firm.town):
        with pytest.raises(InvalidField) as caught:
            await firm.set_mandate(**changes)
    assert caught.value.field == field


async def test_two_mandates_at_once_and_a_payment_meanwhile(firm: Firm) -> None:
    results = await asyncio.gather(
        *(firm.set_mandate() for _ in range(4)),
        *(firm.instruct("1.00") for _ in range(4)),
        return_exceptions=True,
    )
    assert [each for each in results if isinstance(each, Exception)] == []
    in_force = await firm.town.read(corporate.get_mandate, firm.merchant.id)
    assert in_force.id in {each.id for each in results[:4] if not isinstance(each, BaseException)}
