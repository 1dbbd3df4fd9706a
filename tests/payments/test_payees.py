"""Whom a bank pays: the account, sealed with us, checked by the simulated bank over a socket."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from huitong import payments
from huitong.kernel.clock import FixedClock
from huitong.kernel.cryptography import load_key_ring
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import uuid7
from huitong.kernel.serving import serve_inside
from huitong.privacy import Vault

if TYPE_CHECKING:
    from conftest import Town

#: ICBC's head office, and CCB's.
ICBC, CCB = "102100099996", "105100000017"
NUMBER = "6222021234567890123"
ROUNDS_MAX = 10
ADD_SECOND = """
    INSERT INTO payments.channels (name, kind, name_zh, name_en, directions, currencies,
                                   is_enabled, changed_at)
    VALUES ('second-bank', 'bank_transfer', '第二银行', 'Second bank', '{in,out}', '{CNY}', true,
            now())
"""


class Bank:
    """Two simulated banks in one, with journals; the second takes what the first cannot."""

    def __init__(self, town: "Town", url: str, simulated: dict[str, Any], now: Any) -> None:
        self.town, self.url, self.simulated = town, url, simulated
        self.clock = FixedClock(now)
        self.channels: payments.Channels | None = None

    async def tell_holder(self, name: str, number: str = NUMBER, bank_code: str = ICBC) -> None:
        async with httpx.AsyncClient(base_url=self.url) as client:
            told = {"bank_code": bank_code, "account": number, "name": name}
            answer = await client.put("/accounts", json=told)
        assert answer.status_code == 204

    async def step(self, vault: Vault | None = None) -> None:
        self.clock.advance(timedelta(seconds=400))
        await payments.settle_channel_orders(
            self.town.database, self.channels, clock=self.clock, vault=vault or self.town.vault
        )

    async def settle(self, order: payments.Order) -> payments.Order:
        for _ in range(ROUNDS_MAX):
            await self.step()
            order = await self.town.read(payments.get_order, order.id)
            if order.status is not payments.OrderStatus.PENDING:
                return order
        raise AssertionError("the order never ended")

    def bookings(self, name: str = "bank") -> list[int]:
        return [order.bookings for order in self.simulated[name].orders.values()]


@pytest.fixture
async def bank(town: "Town", now: Any, tmp_path: Path) -> AsyncIterator[Bank]:
    simulated = payments.channels.make_channels(
        clock=FixedClock(now), result_seconds=0.0, folder=tmp_path
    )
    application = payments.channels.make_application(simulated)
    async with (
        serve_inside(application) as url,
        payments.HttpBankChannel(url, timeout_seconds=1) as first,
        payments.HttpBankChannel(f"{url}/second-bank", timeout_seconds=1) as second,
    ):
        bank = Bank(town, url, {each.name: each for each in simulated}, now)
        bank.channels = payments.Channels({"bank": first, "second-bank": second})
        async with town.database.unit_of_work() as uow:
            await uow.execute(ADD_SECOND)
        yield bank
    await town.check_ties()


async def withdraw(
    town: "Town",
    customer: Any,
    amount: Any,
    *,
    number: str = NUMBER,
    bank_code: str = ICBC,
    **more: Any,
) -> payments.Order:
    account = payments.NewBankAccount(vault=town.vault, bank_code=bank_code, number=number)
    made: payments.Order = await town.run(
        payments.request_withdrawal,
        order_id=uuid7(),
        account_id=customer.account_id,
        amount=amount,
        bank_account=account,
        **more,
    )
    return made


async def stored(town: "Town") -> str:
    async with town.database.unit_of_work() as uow:
        rows = await uow.execute("SELECT CAST(p AS text) AS line FROM payments.channel_payees p")
    return "\n".join(row.line for row in rows)


async def test_a_withdrawal_goes_to_the_account_in_the_customers_name(
    town: "Town", bank: Bank, cny: Any, tmp_path: Path, caplog: Any
) -> None:
    wang = await town.add_customer("王芳", "100.00")
    await bank.tell_holder(" 王 芳 ")
    order = await withdraw(town, wang, cny("60.00"))
    line = await stored(town)
    assert ICBC in line
    done = await bank.settle(order)
    assert done.status is payments.OrderStatus.SUCCEEDED
    assert await town.balance(wang.account_id) == "40.00"
    # Neither our rows, nor the bank's journal, nor what was logged says whose account it is.
    journal = (tmp_path / "bank.jsonl").read_text(encoding="utf-8")
    asked = [json.loads(each)["request"] for each in journal.splitlines() if each]
    assert all(len(each["payee"]) == 64 for each in asked)
    for secret in ("王芳", NUMBER):
        assert secret not in line + journal + caplog.text + repr(order)


@pytest.mark.parametrize(
    "wrong",
    [
        (NUMBER, "payee_name_differs", "the name is not the account holder's"),
        ("00001234", "payee_account_unknown", "there is no such account"),
    ],
)
async def test_an_account_of_somebody_else_or_nobody_is_paid_nothing(
    town: "Town", bank: Bank, cny: Any, wrong: tuple[str, str, str]
) -> None:
    number, code, reason = wrong
    wang = await town.add_customer("王芳", "100.00")
    await bank.tell_holder("王小芳")
    order = await withdraw(town, wang, cny("60.00"), number=number)
    failed = await bank.settle(order)
    assert (failed.status, failed.failure_code) == (payments.OrderStatus.FAILED, code)
    assert await town.available(wang.account_id) == "100.00"
    attempt = await town.read(payments.find_channel_order, order.id)
    assert (attempt.number, attempt.reason) == (1, reason)
    assert (bank.bookings(), bank.bookings("second-bank")) == ([0], [])


async def test_a_bank_that_refuses_for_itself_hands_the_payee_on(
    town: "Town", bank: Bank, cny: Any
) -> None:
    wang = await town.add_customer("王芳", "100.00")
    async with httpx.AsyncClient(base_url=bank.url) as client:
        await client.post("/faults", json={"kind": "reject"})
    order = await withdraw(town, wang, cny("60.00"))
    assert (await bank.settle(order)).status is payments.OrderStatus.SUCCEEDED
    (first,), (second,) = (
        list(bank.simulated[name].orders.values()) for name in ("bank", "second-bank")
    )
    assert first.request == second.request
    assert second.request.payee is not None


async def test_what_a_destroyed_key_sealed_is_not_sent_and_the_money_goes_back(
    town: "Town", bank: Bank, cny: Any, now: Any
) -> None:
    wang = await town.add_customer("王芳", "100.00")
    order = await withdraw(town, wang, cny("60.00"))
    await town.database.run(lambda uow: town.vault.destroy(uow, wang.id, now=now))
    failed = await bank.settle(order)
    assert failed.failure_code == "payee_unreadable"
    assert await town.available(wang.account_id) == "100.00"
    assert bank.bookings() == []


async def test_a_worker_with_other_keys_sends_nothing_and_refuses_nothing(
    town: "Town", bank: Bank, cny: Any, tmp_path: Path
) -> None:
    wang = await town.add_customer("王芳", "100.00")
    order = await withdraw(town, wang, cny("60.00"))
    stranger = Vault(load_key_ring(tmp_path / "other"))
    for _ in range(3):
        await bank.step(stranger)
    assert (await town.read(payments.get_order, order.id)).status is payments.OrderStatus.PENDING
    assert bank.bookings() == []
    assert (await bank.settle(order)).status is payments.OrderStatus.SUCCEEDED
    assert bank.bookings() == [1]


async def test_a_lost_request_is_sent_again_with_its_payee(
    town: "Town", bank: Bank, cny: Any
) -> None:
    wang = await town.add_customer("王芳", "100.00")
    async with httpx.AsyncClient(base_url=bank.url) as client:
        await client.post("/faults", json={"kind": "lost_request"})
    order = await withdraw(town, wang, cny("60.00"))
    assert (await bank.settle(order)).status is payments.OrderStatus.SUCCEEDED
    (booked,) = bank.simulated["bank"].orders.values()
    assert (booked.bookings, booked.request.payee is None) == (1, False)


async def test_the_bank_of_the_payee_chooses_the_channel(
    town: "Town", bank: Bank, cny: Any
) -> None:
    async with town.database.unit_of_work() as uow:
        await uow.execute(
            "INSERT INTO payments.channel_rules (priority, channel, bank) "
            "VALUES (1, 'second-bank', '105')"
        )
    wang = await town.add_customer("王芳", "100.00")
    for code, channel in ((CCB, "second-bank"), (ICBC, "bank")):
        order = await withdraw(town, wang, cny("1.00"), bank_code=code)
        assert (await town.read(payments.find_channel_order, order.id)).channel == channel
        await bank.settle(order)


@pytest.mark.parametrize(
    "wrong",
    [
        ("102100099997", NUMBER, "bank_account.bank_code"),
        ("10210009999", NUMBER, "bank_account.bank_code"),
        (ICBC, "6222 0212", "bank_account.number"),
        (ICBC, "6" * 35, "bank_account.number"),
        (ICBC, "", "bank_account.number"),
        (ICBC, "６２２２", "bank_account.number"),
    ],
)
async def test_an_account_that_no_bank_has_is_refused(
    town: "Town", cny: Any, refusing: Any, wrong: tuple[str, str, str]
) -> None:
    bank_code, number, field = wrong
    wang = await town.add_customer("王芳", "100.00")
    async with refusing(town):
        with pytest.raises(InvalidField) as refused:
            await withdraw(town, wang, cny("60.00"), number=number, bank_code=bank_code)
    assert refused.value.field == field
    assert await stored(town) == ""


async def test_the_simulated_bank_takes_payees_of_transfers_out_only(bank: Bank) -> None:
    payee = {"bank_code": ICBC, "account": NUMBER, "name": "王芳"}
    amount = {"amount": "1.00", "currency": "CNY"}
    async with httpx.AsyncClient(base_url=bank.url) as client:
        for path, more in (
            ("/bank", {"direction": "in"}),
            ("/cards", {"direction": "out", "card_token": "tok_1"}),
            ("/wallet", {"direction": "out", "code": "1"}),
        ):
            body = {"amount": amount, "payee": payee, **more}
            answer = await client.put(f"{path}/orders/{'0' * 32}", json=body)
            assert (answer.status_code, answer.json()["field"]) == (400, "payee")
        answer = await client.put("/accounts", json={"bank_code": ICBC})
        assert answer.status_code == 400
    assert bank.bookings() == []
