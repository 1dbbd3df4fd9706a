"""Virtual accounts: what comes in is booked once, and matched by number, text, amount or payer."""

import asyncio
import uuid
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.payments.corporate.firm import Firm, cny

from huitong import ledger
from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money
from huitong.payments import corporate
from huitong.payments.corporate import (
    Finding,
    MatchedBy,
    NewPayIn,
    NewVirtualAccount,
    VirtualAccount,
    VirtualPurpose,
    find_match,
    is_virtual_number,
    make_virtual_number,
)

INVOICE, PAYER = VirtualPurpose.INVOICE, VirtualPurpose.PAYER


@given(st.integers(100_001, 999_999), st.integers(0, 999_999), st.data())
def test_a_number_finds_every_wrong_digit_and_swapped_neighbours(
    master: int, serial: int, data: st.DataObject
) -> None:
    number = make_virtual_number(master, serial)
    assert is_virtual_number(number)
    place = data.draw(st.integers(0, 13))
    digit = data.draw(st.sampled_from([each for each in "0123456789" if each != number[place]]))
    assert not is_virtual_number(number[:place] + digit + number[place + 1 :])
    first = data.draw(st.integers(0, 12))
    swapped = number[:first] + number[first + 1] + number[first] + number[first + 2 :]
    assert swapped == number or not is_virtual_number(swapped)


def account(**values: Any) -> VirtualAccount:
    defaults = {
        "id": uuid.uuid4(),
        "master_id": uuid.uuid4(),
        "number": "1",
        "purpose": INVOICE,
        "reference": None,
        "payer": None,
        "payer_index": None,
        "expected": cny("100.00"),
        "tolerance": cny("1.00"),
        "due_on": None,
        "received": cny("0.00"),
        "balance": cny("0.00"),
        "opened_at": datetime(2026, 11, 23, tzinfo=UTC),
    }
    return VirtualAccount(**(defaults | values))


@pytest.mark.parametrize(
    ("received", "amount", "finding"),
    [
        ("0.00", "100.00", Finding.EXACT),
        ("0.00", "99.00", Finding.EXACT),
        ("0.00", "101.00", Finding.EXACT),
        ("0.00", "98.99", Finding.PARTIAL),
        ("0.00", "101.01", Finding.OVER),
        ("40.00", "60.00", Finding.EXACT),
        ("40.00", "62.00", Finding.OVER),
        ("99.00", "100.00", Finding.DOUBLED),
        ("100.00", "99.50", Finding.DOUBLED),
        ("100.00", "5.00", Finding.OVER),
    ],
)
def test_what_an_invoice_says_of_a_payment(received: str, amount: str, finding: Finding) -> None:
    assert account(received=cny(received)).judge(cny(amount)) is finding


def test_a_payment_finds_its_account_by_text_amount_or_payer_and_nothing_is_guessed() -> None:
    mine, yours = b"m" * 32, b"y" * 32
    first = account(reference="INV-1", payer_index=mine)
    second = account(reference="INV-12", expected=cny("200.00"))
    third = account(expected=cny("200.00"), payer_index=yours)
    regular = account(purpose=PAYER, expected=None, payer_index=mine)

    def match(
        accounts: list[VirtualAccount], amount: str, text: str = "", payer: Any = None
    ) -> Any:
        found, how = find_match(accounts, amount=cny(amount), remittance=text, payer_index=payer)
        return (None if found is None else accounts.index(found), how)

    every = [first, second, third]
    assert match(every, "7.00", "付款：inv-1，谢谢") == (0, MatchedBy.REFERENCE)
    assert match(every, "7.00", "INV-12") == (1, MatchedBy.REFERENCE)
    assert match(every, "7.00", "INV-1 INV-12") == (None, MatchedBy.NOTHING)
    assert match(every, "200.00", payer=yours) == (2, MatchedBy.AMOUNT)
    assert match(every, "200.00", payer=mine) == (1, MatchedBy.AMOUNT)
    assert match([second, account(expected=cny("200.00"))], "200.00") == (None, MatchedBy.NOTHING)
    assert match([regular, third], "7.00", payer=mine) == (0, MatchedBy.PAYER)
    assert match([regular, first], "7.00", payer=mine) == (None, MatchedBy.NOTHING)
    assert match(every, "7.00") == (None, MatchedBy.NOTHING)


class Desk:
    """The collection account of the corporation."""

    def __init__(self, firm: Firm, master: corporate.Master) -> None:
        self.firm, self.master, self.sent = firm, master, 0

    async def open(self, **values: Any) -> VirtualAccount:
        new = NewVirtualAccount(**({"purpose": INVOICE} | values))
        firm = self.firm
        opened: VirtualAccount = await firm.town.database.run(
            lambda uow: corporate.open_virtual_account(
                uow,
                firm.town.vault,
                new,
                account_id=firm.new_id(),
                merchant_id=firm.merchant.id,
                opened_by=firm.maker.id,
                now=firm.now,
            )
        )
        return opened

    async def receive(
        self, money: str, number: str | None = None, **values: Any
    ) -> corporate.PayIn:
        self.sent += 1
        defaults = {
            "channel": "bank",
            "bank_reference": f"B{self.sent}",
            "amount": cny(money),
            "number": number or self.master.number,
        }
        new, firm = NewPayIn(**(defaults | values)), self.firm
        received: corporate.PayIn = await firm.town.database.run(
            lambda uow: corporate.receive_pay_in(
                uow, firm.town.vault, new, pay_in_id=firm.new_id(), now=firm.now
            )
        )
        return received

    async def resolve(self, pay_in: corporate.PayIn, to: VirtualAccount) -> corporate.PayIn:
        resolved: corporate.PayIn = await self.firm.town.run(
            corporate.resolve_pay_in, pay_in_id=pay_in.id, account_id=to.id
        )
        return resolved

    async def release(self, of: VirtualAccount, **values: Any) -> VirtualAccount:
        released: VirtualAccount = await self.firm.town.run(
            corporate.release_virtual,
            **({"account_id": of.id, "released_by": self.firm.maker.id} | values),
        )
        return released

    async def held(self) -> dict[str, str]:
        """Return what each part holds, by number, without those that are empty."""
        accounts = await self.firm.town.read(
            corporate.list_virtual_accounts, self.master, limit=100
        )
        return {each.number: each.balance.format() for each in accounts if each.balance.minor}

    async def whole(self) -> str:
        shown: str = await self.firm.town.balance(self.master.account_id)
        return shown

    async def queue(self) -> list[Finding]:
        found = await self.firm.town.read(corporate.list_pay_in_queue, limit=100)
        return [each.finding for each in found]


@pytest.fixture
async def desk(firm: Firm) -> Desk:
    master = await firm.town.run(corporate.open_collection, merchant_id=firm.merchant.id)
    return Desk(firm, master)


async def test_a_payment_is_matched_by_its_number_and_released(desk: Desk) -> None:
    invoice = await desk.open(expected=cny("100.00"), due_on=date(2026, 12, 1), reference="A-1")
    paid = await desk.receive("100.00", invoice.number, payer="江南茶厂")
    assert (paid.matched_by, paid.finding, paid.account_id) == (
        MatchedBy.NUMBER,
        Finding.EXACT,
        invoice.id,
    )
    assert (await desk.whole(), await desk.held()) == ("100.00", {invoice.number: "100.00"})
    assert await desk.queue() == []
    left = await desk.release(invoice, amount=cny("30.00"))
    assert left.balance == cny("70.00")
    assert (await desk.release(invoice)).balance == cny("0.00")
    assert (await desk.whole(), await desk.firm.funds()) == ("0.00", "1100.00")
    with pytest.raises(corporate.VirtualAccountShort):
        await desk.release(invoice)


async def test_the_same_reference_is_booked_once_and_other_content_refused(
    desk: Desk, refusing: Any
) -> None:
    payer = await desk.open(purpose=PAYER, payer="江南茶厂")
    first = await desk.receive("10.00", payer.number, bank_reference="X")
    again = await desk.receive("10.00", payer.number, bank_reference="X")
    assert again == first
    async with refusing(desk.firm.town):
        with pytest.raises(corporate.PayInIdReused):
            await desk.receive("10.01", payer.number, bank_reference="X")
    results = await asyncio.gather(
        *(desk.receive("5.00", payer.number, bank_reference="Y") for _ in range(5))
    )
    assert len({each.id for each in results}) == 1
    assert await desk.whole() == "15.00"


async def test_without_a_number_of_an_account_text_amount_and_payer_are_compared(
    desk: Desk,
) -> None:
    first = await desk.open(expected=cny("50.00"), reference="A-1")
    second = await desk.open(expected=cny("60.00"), payer="江南茶厂")
    regular = await desk.open(purpose=PAYER, payer="茶楼")
    by_text = await desk.receive("20.00", remittance="货款 a-1")
    by_amount = await desk.receive("60.00", payer="江南 茶厂")
    by_payer = await desk.receive("7.00", payer="茶楼")
    nothing = await desk.receive("8.00", payer="谁")
    assert [
        (each.account_id, each.matched_by, each.finding) for each in (by_text, by_amount, by_payer)
    ] == [
        (first.id, MatchedBy.REFERENCE, Finding.PARTIAL),
        (second.id, MatchedBy.AMOUNT, Finding.EXACT),
        (regular.id, MatchedBy.PAYER, Finding.EXACT),
    ]
    assert nothing.finding is Finding.UNMATCHED
    assert await desk.held() == {
        first.number: "20.00",
        second.number: "60.00",
        regular.number: "7.00",
        desk.master.number: "8.00",
    }
    assert await desk.whole() == "95.00"
    assert await desk.firm.town.read(corporate.open_pay_in, desk.firm.town.vault, by_text) == (
        None,
        "货款 a-1",
    )


async def test_over_and_doubled_payments_wait_for_somebody(desk: Desk) -> None:
    invoice = await desk.open(expected=cny("50.00"), tolerance=cny("0.50"))
    other = await desk.open(expected=cny("50.00"))
    await desk.receive("50.00", invoice.number)
    doubled = await desk.receive("50.00", invoice.number)
    over = await desk.receive("3.00", invoice.number)
    assert await desk.queue() == [Finding.DOUBLED, Finding.OVER]
    moved = await desk.resolve(doubled, other)
    assert (moved.matched_by, moved.finding, moved.resolution) == (
        MatchedBy.HAND,
        Finding.EXACT,
        "matched",
    )
    kept = await desk.resolve(over, invoice)
    assert (kept.finding, kept.resolution) == (Finding.OVER, "kept")
    assert await desk.queue() == []
    assert await desk.held() == {invoice.number: "53.00", other.number: "50.00"}
    with pytest.raises(corporate.PayInNotOpen):
        await desk.resolve(doubled, invoice)


async def test_what_is_nobodys_waits_with_us_until_it_is_assigned(
    desk: Desk, refusing: Any
) -> None:
    invoice = await desk.open(expected=cny("50.00"))
    lost = [
        await desk.receive("50.00", "6222021234567890"),
        await desk.receive("1.00", make_virtual_number(999_999, 1)),
        await desk.receive("2.00", invoice.number[:-1] + str((int(invoice.number[-1]) + 1) % 10)),
    ]
    assert {each.master_id for each in lost} == {None}
    unassigned = await desk.firm.town.read(
        ledger.find_system_account, "payments.corporate.unassigned.CNY"
    )
    assert await desk.firm.town.balance(unassigned.id) == "53.00"
    assigned = await desk.resolve(lost[0], invoice)
    assert (assigned.finding, assigned.matched_by) == (Finding.EXACT, MatchedBy.HAND)
    assert await desk.firm.town.balance(unassigned.id) == "3.00"
    assert await desk.whole() == "50.00"


async def test_two_who_assign_the_same_payment_do_it_once(desk: Desk) -> None:
    first, second = await desk.open(expected=cny("9.00")), await desk.open(expected=cny("8.00"))
    lost = await desk.receive("7.00", "0")
    results = await asyncio.gather(
        *(desk.resolve(lost, to) for to in (first, second, first, second)),
        return_exceptions=True,
    )
    assert sum(isinstance(each, corporate.PayIn) for each in results) == 1
    assert await desk.whole() == "7.00"


async def test_payments_and_releases_at_once_keep_the_parts_the_whole(desk: Desk) -> None:
    accounts = [await desk.open(purpose=PAYER, payer=f"客户{at}") for at in range(3)]

    async def release(of: VirtualAccount) -> None:
        try:
            await desk.release(of, amount=cny("4.00"))
        except corporate.VirtualAccountShort:
            return

    await asyncio.gather(
        *(desk.receive("5.00", each.number) for each in accounts for _ in range(4)),
        *(release(each) for each in accounts for _ in range(4)),
    )
    parts = Money.total([cny(held) for held in (await desk.held()).values()], "CNY")
    assert parts.format() == await desk.whole()
    assert cny(await desk.whole()) + cny(await desk.firm.funds()) == cny("1060.00")


async def test_a_closed_number_still_brings_money_to_be_looked_at(
    desk: Desk, refusing: Any
) -> None:
    invoice = await desk.open(expected=cny("50.00"), reference="A-1")
    async with refusing(desk.firm.town):
        with pytest.raises(corporate.VirtualReferenceUsed):
            await desk.open(expected=cny("51.00"), reference="A-1")
    await desk.receive("50.00", invoice.number)
    closing = {"account_id": invoice.id, "closed_by": desk.firm.maker.id}
    async with refusing(desk.firm.town):
        with pytest.raises(corporate.VirtualAccountShort):
            await desk.firm.town.run(corporate.close_virtual, **closing)
    await desk.release(invoice)
    await desk.firm.town.run(corporate.close_virtual, **closing)
    late = await desk.receive("50.00", invoice.number)
    assert late.finding is Finding.UNMATCHED
    assert await desk.held() == {desk.master.number: "50.00"}


async def test_money_for_a_frozen_collection_account_is_kept_apart(desk: Desk) -> None:
    invoice = await desk.open(expected=cny("50.00"))
    await desk.firm.freeze(desk.master.account_id, ledger.AccountState.FROZEN)
    kept = await desk.receive("50.00", invoice.number)
    assert (kept.master_id, kept.finding) == (None, Finding.UNMATCHED)
    await desk.firm.freeze(desk.master.account_id, ledger.AccountState.OPEN)
    await desk.resolve(kept, invoice)
    assert await desk.whole() == "50.00"


async def test_the_database_keeps_the_parts_the_whole(desk: Desk, owner_url: str) -> None:
    invoice = await desk.open(expected=cny("50.00"))
    await desk.receive("50.00", invoice.number)
    connection = await asyncpg.connect(owner_url)
    try:
        for statement in (
            "UPDATE payments.virtual_accounts SET balance = balance - 1 WHERE balance > 0",
            "UPDATE payments.virtual_masters SET held = held + 1",
        ):
            with pytest.raises(asyncpg.CheckViolationError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_names_and_texts_are_not_stored_plain(desk: Desk, owner_url: str) -> None:
    await desk.open(purpose=PAYER, payer="江南茶厂")
    await desk.receive("5.00", payer="江南茶厂", remittance="货款 for tea")
    connection = await asyncpg.connect(owner_url)
    try:
        for table in ("pay_ins", "virtual_accounts"):
            for row in await connection.fetch(f"SELECT CAST(t AS text) FROM payments.{table} t"):
                assert "江南茶厂" not in row[0]
                assert "tea" not in row[0]
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "expected"),
        ({"expected": cny("0.00")}, "expected"),
        ({"expected": Money(100, "USD")}, "expected"),
        ({"expected": cny("1.00"), "tolerance": cny("1.00")}, "tolerance"),
        ({"purpose": PAYER, "expected": cny("1.00")}, "expected"),
        ({"purpose": PAYER}, "payer"),
        ({"purpose": PAYER, "payer": "谁", "due_on": date(2026, 12, 1)}, "due_on"),
        ({"purpose": VirtualPurpose.UNMATCHED}, "purpose"),
        ({"expected": cny("1.00"), "reference": "a b"}, "reference"),
        ({"expected": cny("1.00"), "reference": "x" * 36}, "reference"),
    ],
)
async def test_accounts_that_cannot_be_are_refused_by_field(
    desk: Desk, refusing: Any, values: dict[str, Any], field: str
) -> None:
    async with refusing(desk.firm.town):
        with pytest.raises(InvalidField) as caught:
            await desk.open(**values)
    assert caught.value.field == field


async def test_bad_pay_ins_and_strangers_change_nothing(desk: Desk, refusing: Any) -> None:
    invoice = await desk.open(expected=cny("50.00"))
    await desk.receive("50.00", invoice.number)
    async with refusing(desk.firm.town):
        for values, field in (
            ({"amount": cny("0.00")}, "amount.amount"),
            ({"channel": "nowhere"}, "channel"),
            ({"bank_reference": ""}, "bank_reference"),
            ({"number": "1" * 35}, "number"),
            ({"payer": "a\nb"}, "payer"),
            ({"remittance": "x" * 141}, "remittance"),
        ):
            with pytest.raises(InvalidField) as caught:
                await desk.receive("1.00", **values)
            assert caught.value.field == field
        with pytest.raises(corporate.VirtualAccountNotFound):
            await desk.release(invoice, released_by=desk.firm.stranger.id)
        with pytest.raises(corporate.CorporateNotAllowed):
            await desk.release(invoice, released_by=desk.firm.viewer.id)
        with pytest.raises(corporate.CollectionExists):
            await desk.firm.town.run(corporate.open_collection, merchant_id=desk.firm.merchant.id)
