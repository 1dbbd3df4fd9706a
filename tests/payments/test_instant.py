"""Instant payments through a real poster: parties, fees, caps, references, replays, refusals."""

import asyncio
import hashlib
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from huitong import customers, ledger, payments
from huitong.kernel import limits
from huitong.kernel.database.unit_of_work import Database
from huitong.kernel.errors import Refusal
from huitong.kernel.idempotency import IdempotencyKeyReused, ReplyKey, StoredReply
from huitong.kernel.ids import uuid7
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.privacy import Vault


def render(payment: payments.InstantPayment) -> bytes:
    assert payment.fee is not None
    shown = {
        "id": str(payment.order_id),
        "kind": payment.kind,
        "payee": payment.payee_account_id,
        "fee": payment.fee.format(),
    }
    return json.dumps(shown).encode()


def render_refusal(refusal: Refusal) -> StoredReply:
    return StoredReply(422, json.dumps([refusal.code, refusal.field]).encode())


@dataclass
class Till:
    """A poster with the room's writer; everything that is sent together is one batch."""

    poster: ledger.Poster
    writer: payments.InstantPayments
    clock: list[datetime]

    @property
    def now(self) -> datetime:
        return self.clock[0]

    def make(self, payer: Any, amount: str | Money, **how: Any) -> payments.InstantPayment:
        return payments.InstantPayment(
            payer_account_id=payer if isinstance(payer, int) else payer.account_id,
            amount=amount if isinstance(amount, Money) else Money.parse(amount, "CNY"),
            requested_at=self.now,
            order_id=uuid7(int(self.now.timestamp() * 1_000)),
            **how,
        )

    def submit(
        self, payment: payments.InstantPayment, *, key: str | None = None, content: bytes = b""
    ) -> "asyncio.Future[ledger.Answer]":
        reply_key = ReplyKey("key_of_a_test", key or uuid.uuid4().hex, _digest(content))
        return self.poster.submit(ledger.Job(key=reply_key, writer=self.writer, payload=payment))

    async def send(self, *made: payments.InstantPayment) -> list[Any]:
        """Pay all of `made` in one batch and return what each caller reads."""
        answers = await asyncio.gather(*[self.submit(payment) for payment in made])
        return [read(answer) for answer in answers]

    async def pay(self, payer: Any, amount: str | Money, **how: Any) -> Any:
        return (await self.send(self.make(payer, amount, **how)))[0]


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def read(answer: ledger.Answer) -> Any:
    assert answer.reply is not None
    body = json.loads(answer.reply.body)
    assert (answer.reply.status in (201, 202)) is isinstance(body, dict)
    return body


@asynccontextmanager
async def open_till(
    database: Database, vault: Vault, now: datetime, decider: Any = None
) -> AsyncIterator[Till]:
    clock = [now]
    poster = ledger.Poster(database, clock=lambda: clock[0], posters=1)
    writer = payments.InstantPayments(
        rulebook=Rulebook.load(),
        database=database,
        vault=lambda: vault,
        render=render,
        render_refusal=render_refusal,
        decider=decider,
    )
    await poster.start()
    try:
        yield Till(poster, writer, clock)
    finally:
        await poster.stop()


@pytest.fixture
async def till(town: Any, now: datetime) -> AsyncIterator[Till]:
    async with open_till(town.database, town.vault, now) as opened:
        yield opened


async def count(town: Any, table: str) -> int:
    async with town.database.unit_of_work() as uow:
        return await uow.fetch_value(f"SELECT count(*) FROM {table}")  # type: ignore[no-any-return]


async def find_order(town: Any, shown: dict[str, Any]) -> payments.Order:
    return await town.read(payments.get_order, uuid.UUID(shown["id"]))  # type: ignore[no-any-return]


async def make_static_code(town: Any, merchant: customers.Merchant) -> payments.MerchantCode:
    return await town.run(  # type: ignore[no-any-return]
        payments.create_merchant_code,
        code_id=uuid7(),
        merchant_id=merchant.id,
        kind=payments.CodeKind.STATIC,
    )


async def test_a_transfer_by_account_moves_the_money_and_tells_of_it(town: Any, till: Till) -> None:
    payer, payee = await town.add_customer("李雷", "100.00"), await town.add_customer("韩梅梅")
    await town.database.run(_forget_events)
    payment = till.make(payer, "25.80", payee_account_id=payee.account_id, description="午饭")
    (shown,) = await till.send(payment)
    assert shown == {
        "id": str(payment.order_id),
        "kind": "transfer",
        "payee": payee.account_id,
        "fee": "0.00",
    }
    assert await town.balance(payer.account_id) == "74.20"
    assert await town.balance(payee.account_id) == "25.80"
    order = await find_order(town, shown)
    assert order == payments.Order(
        id=payment.order_id,
        kind=payments.OrderKind.TRANSFER,
        status=payments.OrderStatus.SUCCEEDED,
        amount=Money(2_580, "CNY"),
        authorised=None,
        fee=Money(0, "CNY"),
        fee_returned=Money(0, "CNY"),
        refunded=Money(0, "CNY"),
        refunds=0,
        shared=Money(0, "CNY"),
        payer_account_id=payer.account_id,
        payee_account_id=payee.account_id,
        merchant_id=None,
        reference=None,
        description="午饭",
        transfer_id=payment.order_id,
        created_at=till.now,
        expires_at=None,
        completed_at=till.now,
        failure_code=None,
    )
    await town.check_ties()


async def _forget_events(uow: Any) -> None:
    await uow.execute("DELETE FROM kernel.outbox")


async def test_a_transfer_by_mobile_finds_the_account(town: Any, till: Till) -> None:
    payer, payee = await town.add_customer("李雷", "100.00"), await town.add_customer("韩梅梅")
    shown = await till.pay(payer, "0.01", payee_mobile=town.mobiles[payee.id])
    assert (shown["kind"], shown["payee"]) == ("transfer", payee.account_id)
    assert await town.balance(payee.account_id) == "0.01"


async def test_a_merchant_gets_the_amount_less_its_fee(town: Any, till: Till) -> None:
    payer, shop = await town.add_customer("李雷", "100.00"), await town.add_merchant("茶馆")
    await town.database.run(_forget_events)
    shown = await till.pay(payer, "88.88", payee_account_id=shop.account_id, reference="till-7")
    assert (shown["kind"], shown["fee"]) == ("payment", "0.53")
    assert await town.balance(payer.account_id) == "11.12"
    assert await town.balance(shop.account_id) == "88.35"
    assert await town.own("fee_income") == "0.53"
    order = await find_order(town, shown)
    assert (order.merchant_id, order.reference) == (shop.id, "till-7")
    assert (order.amount, order.fee) == (Money(8_888, "CNY"), Money(53, "CNY"))
    async with town.database.unit_of_work() as uow:
        (event,) = await uow.execute("SELECT topic, payload FROM kernel.outbox")
    told = json.dumps(event.payload) if not isinstance(event.payload, str) else event.payload
    for value in (order.id, shop.id, payer.account_id, shop.account_id):
        assert str(value) in told
    await town.check_ties()


async def test_the_fee_stops_at_its_maximum(town: Any, till: Till) -> None:
    payer = await town.add_customer("李雷", "1000.00")
    shop = await town.add_merchant("茶馆", fee_max=Money(100, "CNY"))
    shown = await till.pay(payer, "900.00", payee_account_id=shop.account_id)
    assert shown["fee"] == "1.00"
    assert await town.balance(shop.account_id) == "899.00"


async def test_a_static_code_takes_500_a_day_and_no_more(
    town: Any, till: Till, refusing: Any
) -> None:
    payer, shop = await town.add_customer("李雷", "2000.00"), await town.add_merchant("茶馆", "0")
    code = await make_static_code(town, shop)
    shown = await till.pay(payer, "499.99", code_id=code.id)
    assert (shown["kind"], shown["payee"]) == ("static_qr", shop.account_id)
    async with refusing(town):
        refused = await till.pay(payer, "0.02", code_id=code.id)
        assert refused == ["day_limit_exceeded", "payer"]
    assert isinstance(await till.pay(payer, "0.01", code_id=code.id), dict)
    assert await town.balance(shop.account_id) == "500.00"
    # The account itself may pay more, and the code again on the next day.
    assert isinstance(await till.pay(payer, "500.01", payee_account_id=shop.account_id), dict)
    till.clock[0] += timedelta(days=1)
    assert isinstance(await till.pay(payer, "500.00", code_id=code.id), dict)


async def test_a_cap_crossed_in_one_batch_refuses_only_what_crosses_it(
    town: Any, till: Till
) -> None:
    payer = await town.add_customer("李雷", "2000.00", account_class=1)
    payee = await town.add_customer("韩梅梅")
    others = {"payee_account_id": payee.account_id}
    made = [till.make(payer, amount, **others) for amount in ("600.00", "500.00", "400.00", "0.01")]
    shown = await till.send(*made)
    assert [isinstance(each, dict) for each in shown] == [True, False, True, False]
    assert shown[1] == shown[3] == ["total_limit_exceeded", "payer"]
    assert await town.balance(payee.account_id) == "1000.00"
    await town.check_ties()


async def test_the_cap_since_opening_is_crossed_by_a_later_batch(
    town: Any, till: Till, refusing: Any
) -> None:
    payer = await town.add_customer("李雷", "2000.00", account_class=1)
    payee = await town.add_customer("韩梅梅")
    assert isinstance(await till.pay(payer, "1000.00", payee_account_id=payee.account_id), dict)
    till.clock[0] += timedelta(days=3)
    async with refusing(town):
        refused = await till.pay(payer, "0.01", payee_account_id=payee.account_id)
        assert refused == ["total_limit_exceeded", "payer"]


async def test_the_cap_of_the_day_ends_with_the_day(town: Any, till: Till, refusing: Any) -> None:
    payer, payee = await town.add_customer("李雷", "20000.00"), await town.add_customer("韩梅梅")
    named = {"payee_account_id": payee.account_id}
    in_one_batch = [till.make(payer, amount, **named) for amount in ("3000.00", "2000.01")]
    first, second = await till.send(*in_one_batch)
    assert (isinstance(first, dict), second) == (True, ["day_limit_exceeded", "payer"])
    assert isinstance(await till.pay(payer, "2000.00", **named), dict)
    async with refusing(town):
        assert await till.pay(payer, "0.01", **named) == ["day_limit_exceeded", "payer"]
    # Noon in Shanghai, so the day ends in twelve hours.
    till.clock[0] += timedelta(hours=12)
    assert isinstance(await till.pay(payer, "5000.00", **named), dict)


async def test_the_cap_of_the_year_binds_a_class_2_account(
    town: Any, till: Till, refusing: Any
) -> None:
    payer = await town.add_customer("李雷", "200000.00", account_class=2)
    payee = await town.add_customer("韩梅梅")
    for _ in range(20):
        assert isinstance(await till.pay(payer, "5000.00", payee_account_id=payee.account_id), dict)
        till.clock[0] += timedelta(days=1)
    async with refusing(town):
        refused = await till.pay(payer, "0.01", payee_account_id=payee.account_id)
        assert refused == ["year_limit_exceeded", "payer"]
    assert await town.balance(payee.account_id) == "100000.00"


async def test_a_reference_pays_once_in_one_batch(town: Any, till: Till) -> None:
    payer, shop = await town.add_customer("李雷", "100.00"), await town.add_merchant("茶馆", "0")
    other = await town.add_merchant("书屋", "0")
    how = {"payee_account_id": shop.account_id, "reference": "order-1"}
    first, second, third = await till.send(
        till.make(payer, "10.00", **how),
        till.make(payer, "10.00", **how),
        till.make(payer, "10.00", **(how | {"payee_account_id": other.account_id})),
    )
    assert isinstance(first, dict)
    assert second == ["reference_used", "reference"]
    assert isinstance(third, dict), "a reference is the merchant's own"
    assert await town.balance(shop.account_id) == "10.00"


async def test_a_refused_payment_leaves_its_reference_to_the_next_in_the_batch(
    town: Any, till: Till
) -> None:
    payer, shop = await town.add_customer("李雷", "100.00"), await town.add_merchant("茶馆", "0")
    how = {"payee_account_id": shop.account_id, "reference": "order-1"}
    first, second = await till.send(
        till.make(payer, Money(1_000, "USD"), **how), till.make(payer, "10.00", **how)
    )
    assert first == ["currency_not_supported", "amount.currency"]
    assert isinstance(second, dict)


async def test_a_reference_pays_once_across_batches(town: Any, till: Till, refusing: Any) -> None:
    payer, shop = await town.add_customer("李雷", "100.00"), await town.add_merchant("茶馆")
    how = {"payee_account_id": shop.account_id, "reference": "order-1"}
    assert isinstance(await till.pay(payer, "10.00", **how), dict)
    async with refusing(town):
        assert await till.pay(payer, "10.00", **how) == ["reference_used", "reference"]


async def test_a_reference_pays_once_through_two_posters_at_once(
    town: Any, till: Till, now: datetime
) -> None:
    payers = [await town.add_customer(f"顾客{number}", "100.00") for number in range(8)]
    shop = await town.add_merchant("茶馆", "0")
    how = {"payee_account_id": shop.account_id, "reference": "order-1"}
    async with open_till(town.database, town.vault, now) as other:
        shown = await asyncio.gather(
            *[
                each.pay(payer, "10.00", **how)
                for payer, each in zip(payers, [till, other] * 4, strict=True)
            ]
        )
    assert sum(isinstance(each, dict) for each in shown) == 1
    assert [each for each in shown if isinstance(each, list)] == [
        ["reference_used", "reference"]
    ] * 7
    assert await town.balance(shop.account_id) == "10.00"
    await town.check_ties()


@pytest.mark.parametrize(
    ("how", "refused"),
    [
        ({"payee": "payer"}, ["same_account", "payee"]),
        ({"payer": 100000000190, "payee": "shop"}, ["account_not_found", "payer"]),
        ({"payee_account_id": 100000000190}, ["account_not_found", "payee"]),
        ({"payee": "own"}, ["account_not_found", "payee"]),
        ({"payer": "own", "payee": "shop"}, ["account_not_found", "payer"]),
        ({"payee_mobile": "13999999999"}, ["account_not_found", "payee_mobile"]),
        ({"code_id": uuid7()}, ["code_not_found", "code"]),
        ({"payee": "shop", "amount": "100.01"}, ["insufficient_funds", "payer"]),
        ({"payee": "shop", "currency": "USD"}, ["currency_not_supported", "amount.currency"]),
        (
            {"payer": "shop", "payee": "payer", "currency": "USD"},
            ["currency_mismatch", "amount.currency"],
        ),
        ({"payer": "shop", "payee": "payer"}, ["insufficient_funds", "payer"]),
        ({"payee": "shop", "acting": "shop"}, ["account_not_found", "payer"]),
        ({"payer": "shop", "payee": "payer", "acting": "other"}, ["account_not_found", "payer"]),
    ],
)
async def test_a_refusal_names_its_field_and_changes_nothing(
    town: Any, till: Till, refusing: Any, how: dict[str, Any], refused: list[Any]
) -> None:
    payer, shop = await town.add_customer("李雷", "100.01"), await town.add_merchant("茶馆")
    other = await town.add_merchant("书屋")
    # The ledger opens a meter, of nothing, when it first locks it; that is not what is looked for.
    await till.pay(payer, "0.01", payee_account_id=other.account_id)
    own = await town.read(payments.find_own_accounts, "CNY")
    accounts = {"payer": payer.account_id, "shop": shop.account_id, "own": own.channel}
    how = dict(how)
    amount = Money.parse(how.pop("amount", "10.00"), how.pop("currency", "CNY"))
    sender = how.pop("payer", "payer")
    if "payee" in how:
        how["payee_account_id"] = accounts[how.pop("payee")]
    if "acting" in how:
        how["acting_merchant_id"] = {"shop": shop.id, "other": other.id}[how.pop("acting")]
    made = till.make(accounts.get(sender, sender), amount, **how)
    replies, opened = await count(town, "kernel.replies"), await count(town, "ledger.accounts")
    async with refusing(town):
        assert await till.send(made) == [refused]
    assert await count(town, "ledger.accounts") == opened, "a refusal opened accounts"
    assert await count(town, "kernel.replies") == replies + 1


async def test_a_dynamic_code_is_not_paid_as_a_static_one(
    town: Any, till: Till, refusing: Any
) -> None:
    payer, shop = await town.add_customer("李雷", "100.00"), await town.add_merchant("茶馆")
    code = await town.run(
        payments.create_merchant_code,
        code_id=uuid7(),
        merchant_id=shop.id,
        kind=payments.CodeKind.DYNAMIC,
        amount=Money(1_000, "CNY"),
    )
    async with refusing(town):
        refused = await till.pay(payer, "10.00", code_id=code.id)
        assert refused == ["code_not_found", "code"]


async def test_a_frozen_payee_is_named_as_the_caller_named_it(
    town: Any, till: Till, refusing: Any
) -> None:
    payer, payee = await town.add_customer("李雷", "100.00"), await town.add_customer("韩梅梅")
    await till.pay(payer, "1.00", payee_mobile=town.mobiles[payee.id])

    async def freeze(uow: Any, now: datetime) -> None:
        state = ledger.AccountState.FROZEN
        await ledger.set_account_state(uow, payee.account_id, state=state, reason="a", now=now)

    await town.run(freeze)
    async with refusing(town):
        refused = await till.pay(payer, "1.00", payee_mobile=town.mobiles[payee.id])
        assert refused == ["account_frozen", "payee_mobile"]


async def test_a_lack_of_funds_in_mid_batch_refuses_only_its_own_caller(
    town: Any, till: Till
) -> None:
    rich, poor = await town.add_customer("李雷", "100.00"), await town.add_customer("阿Q", "1.00")
    payee = await town.add_customer("韩梅梅")
    named = {"payee_account_id": payee.account_id}
    shown = await till.send(
        till.make(rich, "10.00", **named),
        till.make(poor, "1.01", **named),
        till.make(rich, "20.00", **named),
        till.make(poor, "1.00", **named),
    )
    assert [isinstance(each, dict) for each in shown] == [True, False, True, True]
    assert shown[1] == ["insufficient_funds", "payer"]
    assert await town.balance(payee.account_id) == "31.00"
    await town.check_ties()


async def test_money_received_in_a_batch_may_be_spent_later_in_it(town: Any, till: Till) -> None:
    payer, middle = await town.add_customer("李雷", "10.00"), await town.add_customer("韩梅梅")
    payee = await town.add_customer("阿Q")
    shown = await till.send(
        till.make(payer, "10.00", payee_account_id=middle.account_id),
        till.make(middle, "10.00", payee_account_id=payee.account_id),
    )
    assert [isinstance(each, dict) for each in shown] == [True, True]
    assert await town.balance(payee.account_id) == "10.00"


async def test_a_bound_caller_spends_its_own_merchants_money(town: Any, till: Till) -> None:
    payer, shop = await town.add_customer("李雷", "100.00"), await town.add_merchant("茶馆", "0")
    await till.pay(payer, "50.00", payee_account_id=shop.account_id)
    how = {"payee_account_id": payer.account_id, "acting_merchant_id": shop.id}
    assert isinstance(await till.pay(shop.account_id, "20.00", **how), dict)
    assert await town.balance(shop.account_id) == "30.00"


@pytest.mark.parametrize("amount", ["10.00", "100.01"])
async def test_a_replay_gets_the_same_bytes_and_changes_nothing(
    town: Any, till: Till, refusing: Any, amount: str
) -> None:
    payer, payee = await town.add_customer("李雷", "100.00"), await town.add_customer("韩梅梅")
    named = {"payee_account_id": payee.account_id}
    first = await till.submit(till.make(payer, amount, **named), key="once")
    # Were the refused payment decided again, it would now succeed.
    await town.top_up(payer.account_id, "500.00")
    async with refusing(town):
        again = await till.submit(till.make(payer, amount, **named), key="once")
    assert again.reply == first.reply
    twins = await asyncio.gather(
        *[till.submit(till.make(payer, "1.00", **named), key="twins") for _ in range(5)]
    )
    assert len({twin.reply.body for twin in twins if twin.reply is not None}) == 1
    paid = "10.00" if amount == "10.00" else "0.00"
    assert Money.parse(await town.balance(payee.account_id), "CNY") == Money.parse(
        paid, "CNY"
    ) + Money(100, "CNY")


async def test_a_key_with_other_content_is_refused(town: Any, till: Till, refusing: Any) -> None:
    payer, payee = await town.add_customer("李雷", "100.00"), await town.add_customer("韩梅梅")
    named = {"payee_account_id": payee.account_id}
    await till.submit(till.make(payer, "10.00", **named), key="once", content=b"ten")
    replies = await count(town, "kernel.replies")
    async with refusing(town):
        with pytest.raises(IdempotencyKeyReused):
            await till.submit(till.make(payer, "20.00", **named), key="once", content=b"twenty")
    assert await count(town, "kernel.replies") == replies


@dataclass
class Family:
    """A child with money, whose capacity is what a test says, and the guardian."""

    child: customers.Customer
    guardian: customers.Customer

    @staticmethod
    async def make(town: Any, capacity: str) -> "Family":
        child = await town.add_customer("小明", "3000.00")
        guardian = await town.add_customer("李雷", "10.00")

        async def record(uow: Any) -> None:
            await uow.execute(
                "INSERT INTO customers.minors (customer_id, guardian_id, relation, checked_on) "
                "VALUES (:child, :guardian, 'parent', :today)",
                child=child.id,
                guardian=guardian.id,
                today=date(2026, 11, 23),
            )
            await uow.execute(
                "UPDATE customers.customers SET capacity = :capacity WHERE id = :id",
                id=child.id,
                capacity=capacity,
            )

        await town.database.run(record)
        return Family(child, guardian)


async def test_a_minor_pays_alone_up_to_the_amounts_of_the_rulebook(town: Any, till: Till) -> None:
    family = await Family.make(town, "limited")
    shop = family.guardian.account_id

    async def pay(amount: str, **how: Any) -> Any:
        return await till.pay(family.child, amount, payee_account_id=shop, **how)

    assert await pay("500.01") == ["minor_limit_exceeded", "amount"]
    for _ in range(2):
        assert (await pay("500.00"))["kind"] == "transfer"
    assert (await pay("0.01"))[0] == "day_limit_exceeded"
    # With the guardian more, up to the caps of everybody.
    assert (await pay("1500.00", guardian_id=family.guardian.id))["kind"] == "transfer"
    assert await pay("1.00", guardian_id=uuid7()) == ["not_the_guardian", "guardian"]
    async with town.database.unit_of_work() as uow:
        (usage, *_) = await payments.list_usage(
            uow, customer_id=family.child.id, rulebook=Rulebook.load(), now=till.now
        )
    assert usage.day is not None
    assert usage.day.maximum == Money(100_000, "CNY")


async def test_for_a_young_child_only_the_guardian_pays(town: Any, till: Till) -> None:
    family = await Family.make(town, "none")
    shop = family.guardian.account_id
    before = await town.fingerprint()
    alone = await till.pay(family.child, "0.01", payee_account_id=shop)
    assert alone == ["guardian_must_act", "payer"]
    with pytest.raises(payments.GuardianMustAct):
        await town.run(
            payments.request_withdrawal,
            order_id=uuid7(int(till.now.timestamp() * 1_000)),
            account_id=family.child.account_id,
            amount=Money(1, "CNY"),
        )
    assert await town.fingerprint() == before
    await town.top_up(family.child.account_id, "1.00")
    made = await till.pay(
        family.child, "800.00", payee_account_id=shop, guardian_id=family.guardian.id
    )
    assert made["kind"] == "transfer"


async def test_a_guardian_who_is_restricted_cannot_act(town: Any, till: Till) -> None:
    family = await Family.make(town, "none")
    freeze = {"customer_id": family.guardian.id, "reason": "court order"}
    await town.run(customers.freeze_customer, are_credits_frozen=False, **freeze)

    async def pay() -> Any:
        return await till.pay(
            family.child,
            "1.00",
            payee_account_id=family.guardian.account_id,
            guardian_id=family.guardian.id,
        )

    assert await pay() == ["not_the_guardian", "guardian"]
    await town.run(customers.unfreeze_customer, **freeze)
    assert (await pay())["kind"] == "transfer"


async def test_nobody_is_the_guardian_of_somebody_of_age(town: Any, till: Till) -> None:
    payer = await town.add_customer("王芳", "100.00")
    payee = await town.add_customer("李雷")
    refused = await till.pay(payer, "1.00", payee_account_id=payee.account_id, guardian_id=payee.id)
    assert refused == ["not_the_guardian", "guardian"]


async def test_what_the_ledger_refuses_leaves_its_reference_to_the_next_in_the_batch(
    town: Any, till: Till
) -> None:
    poor, payer = await town.add_customer("李雷", "5.00"), await town.add_customer("韩梅", "50.00")
    shop = await town.add_merchant("茶馆", "0")
    how = {"payee_account_id": shop.account_id, "reference": "order-1"}
    first, second, third = await till.send(
        till.make(poor, "10.00", **how),
        till.make(payer, "10.00", **how),
        till.make(payer, "10.00", **how),
    )
    assert first[0] == "insufficient_funds"
    assert isinstance(second, dict)
    assert third == ["reference_used", "reference"]
    assert await town.balance(shop.account_id) == "10.00"
    await town.check_ties()


async def test_many_refused_ones_with_a_reference_do_not_hold_the_poster_up(
    town: Any, till: Till
) -> None:
    poor, shop = await town.add_customer("李雷", "5.00"), await town.add_merchant("茶馆", "0")
    how = {"payee_account_id": shop.account_id, "reference": "order-1"}
    shown = await asyncio.gather(
        *(till.submit(till.make(poor, "10.00", **how)) for _ in range(20)),
        return_exceptions=True,
    )
    full = [each for each in shown if isinstance(each, ledger.QueueFull)]
    answered = [each for each in shown if isinstance(each, ledger.Answer)]
    assert len(full) + len(answered) == 20
    assert len(answered) >= limits.DEFERRALS_MAX
    assert await town.balance(shop.account_id) == "0.00"
    assert isinstance(await till.pay(poor, "5.00", **how), dict), "nothing took the reference"
