"""Files of payments count against the mandate, whole, with the money that they reserve."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.payments.corporate.firm import Firm, cny

from huitong import customers, payments
from huitong.kernel.errors import Refusal
from huitong.kernel.money import Money
from huitong.ledger import AccountState, set_account_state, show_account
from huitong.payments import bulk, corporate

TITLES = "reference,account,name,amount,currency,note"


class Desk:
    """Where the firm's files are handed in and approved: as many people are paid as lines say."""

    def __init__(self, firm: Firm, people: list[customers.Customer]) -> None:
        self.firm, self.people = firm, people

    async def submit(self, *amounts: str) -> bulk.BulkFile:
        firm = self.firm
        rows = [
            f"R{at},{show_account(person.account_id)},员工{at},{amount},CNY,"
            for at, (person, amount) in enumerate(zip(self.people, amounts, strict=False))
        ]
        total = Money.total([cny(amount) for amount in amounts], "CNY").format()
        head = f"huitong-bulk,1,payroll,CNY,{len(amounts)},{total}"
        content = "\n".join([head, TITLES, *rows]).encode()
        file: bulk.BulkFile = await firm.town.database.run(
            lambda uow: bulk.submit_bulk_file(
                uow,
                firm.town.vault,
                bulk.CsvReader(),
                file_id=firm.new_id(firm.now),
                merchant_id=firm.merchant.id,
                submitted_by=firm.maker.id,
                content=content,
                repeat_reason="another month",
                now=firm.now,
            )
        )
        assert file.state is bulk.FileState.SUBMITTED
        return file

    async def approve(self, file: bulk.BulkFile) -> bulk.BulkFile:
        approved: bulk.BulkFile = await self.firm.town.database.run(
            lambda uow: bulk.approve_bulk_file(
                uow,
                corporate.count_file,
                file_id=file.id,
                approved_by=self.firm.checkers[0].id,
                digest=file.digest,
                now=self.firm.now,
            )
        )
        return approved

    async def pay_all(self) -> None:
        database, now = self.firm.town.database, self.firm.now
        while await database.run(lambda uow: bulk.pay_next_batch(uow, None, now=now)):
            pass

    async def seen(self, file: bulk.BulkFile) -> tuple[bulk.FileState, str]:
        """Return the file's state, and what of the firm's money is free."""
        found = await self.firm.town.read(
            bulk.get_bulk_file, file.id, customer_id=self.firm.maker.id
        )
        return found.state, await self.firm.town.available(self.firm.merchant.account_id)


@pytest.fixture
async def desk(firm: Firm) -> Desk:
    return Desk(firm, [await firm.town.add_customer(f"员工{at}") for at in range(2)])


async def instruct_and_pay(firm: Firm, money: str) -> None:
    instruction = await firm.instruct(money)
    await firm.approve(instruction)
    if instruction.approvers > 1:
        await firm.approve(instruction, who=1)


async def test_a_line_above_one_payment_refuses_the_file_whole(desk: Desk) -> None:
    file = await desk.submit("1.00", "500.01")
    with pytest.raises(corporate.MandateExceeded) as refused:
        await desk.approve(file)
    assert (refused.value.field, refused.value.context["line"]) == ("lines", 2)
    assert "500.00" in refused.value.detail
    assert await desk.seen(file) == (bulk.FileState.SUBMITTED, "1000.00")
    await desk.approve(await desk.submit("1.00", "500.00"))


async def test_files_and_payments_count_against_one_days_sum(desk: Desk) -> None:
    await desk.approve(await desk.submit("300.00", "100.00"))
    file = await desk.submit("200.00", "200.01")
    with pytest.raises(payments.DayLimitExceeded):
        await desk.approve(file)
    assert await desk.seen(file) == (bulk.FileState.SUBMITTED, "600.00")
    await instruct_and_pay(desk.firm, "400.00")
    with pytest.raises(payments.DayLimitExceeded):
        await instruct_and_pay(desk.firm, "0.01")
    await desk.pay_all()
    assert [await desk.firm.town.balance(each.account_id) for each in desk.people] == [
        "300.00",
        "100.00",
    ]


async def test_the_next_day_has_a_sum_of_its_own_and_the_total_has_none(desk: Desk) -> None:
    firm = desk.firm
    await firm.set_mandate(day_max=cny("500.00"), total_max=cny("600.00"))
    await desk.approve(await desk.submit("250.00", "250.00"))
    late = await desk.submit("100.00")
    with pytest.raises(payments.DayLimitExceeded):
        await desk.approve(late)
    firm.now += timedelta(days=1)
    approved = await desk.approve(late)
    assert approved.state is bulk.FileState.APPROVED
    with pytest.raises(payments.TotalLimitExceeded):
        await desk.approve(await desk.submit("0.01"))
    assert (await desk.seen(late))[1] == "400.00"


async def test_what_failed_stays_counted(desk: Desk) -> None:
    firm = desk.firm
    await desk.approve(await desk.submit("300.00", "300.00"))
    await firm.town.run(
        set_account_state,
        account_id=desk.people[1].account_id,
        state=AccountState.FROZEN,
        reason="a court order",
    )
    await desk.pay_all()
    assert await firm.town.available(firm.merchant.account_id) == "700.00"
    with pytest.raises(payments.DayLimitExceeded):
        await desk.approve(await desk.submit("200.01"))
    await desk.approve(await desk.submit("200.00"))


async def test_approved_at_once_two_files_and_a_payment_stay_within_the_day(desk: Desk) -> None:
    files = [await desk.submit("225.00", "225.00") for _ in range(2)]
    instruction = await desk.firm.instruct("199.00")
    answers: list[Any] = await asyncio.gather(
        *(desk.approve(file) for file in files),
        desk.firm.approve(instruction),
        return_exceptions=True,
    )
    # One of the files is too much, whichever came later.
    refused = [each for each in answers if isinstance(each, Refusal)]
    assert [type(each) for each in refused] == [payments.DayLimitExceeded]
    assert isinstance(answers[2], corporate.Instruction)
    assert await desk.firm.town.available(desk.firm.merchant.account_id) == "351.00"


async def test_one_file_approved_twice_at_once_is_counted_once(desk: Desk) -> None:
    file = await desk.submit("300.00", "100.00")
    answers = await asyncio.gather(*(desk.approve(file) for _ in range(4)), return_exceptions=True)
    assert [isinstance(each, bulk.BulkFile) for each in answers].count(True) == 1
    assert sum(isinstance(each, bulk.BulkFileNotWaiting) for each in answers) == 3
    await desk.approve(await desk.submit("300.00", "100.00"))


async def test_a_mandate_that_is_being_replaced_is_waited_for(desk: Desk) -> None:
    firm = desk.firm
    file = await desk.submit("100.00")
    new = corporate.NewMandate(
        merchant_id=firm.merchant.id,
        payment_max=cny("99.99"),
        day_max=cny("800.00"),
        total_max=None,
        bands=(corporate.Band(amount_from=cny("0.00"), approvers=1),),
    )
    async with firm.town.database.unit_of_work() as uow:
        await corporate.set_mandate(uow, new, now=firm.now)
        approving = asyncio.create_task(desk.approve(file))
        await asyncio.wait([approving], timeout=0.2)
        assert not approving.done()
    with pytest.raises(corporate.MandateExceeded):
        await approving
    assert await desk.seen(file) == (bulk.FileState.SUBMITTED, "1000.00")
