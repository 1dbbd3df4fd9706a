"""Disputes: stages and deadlines, evidence, and money that moves once at each step."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.payments.conftest import NOW, cny, new_id
from tests.payments.merchants.conftest import RULES, TUESDAY, WEDNESDAY, Market

from huitong import payments
from huitong.kernel.calendar import china_calendar
from huitong.kernel.errors import InvalidField
from huitong.payments import merchants
from huitong.payments.merchants.dispute_types import Place

PNG = b"\x89PNG\r\n\x1a\n" + b"receipt" * 20_000
Act, Outcome, Stage = merchants.Act, merchants.DisputeOutcome, merchants.Stage


class Court:
    """What a test does in disputes."""

    def __init__(self, market: Market) -> None:
        self.market, self.town = market, market.town

    async def open(
        self, order: payments.Order, amount: str | None = None, **more: Any
    ) -> merchants.Dispute:
        values: dict[str, Any] = {
            "dispute_id": new_id(),
            "order_id": order.id,
            "origin": merchants.Origin.CUSTOMER,
            "reason": merchants.DisputeReason.NOT_RECEIVED,
            "amount": None if amount is None else cny(amount),
            "rulebook": RULES,
        }
        return await self.town.run(merchants.open_dispute, **(values | more))

    async def chargeback(
        self, order: payments.Order, amount: str | None = None, **more: Any
    ) -> merchants.Dispute:
        """A scheme takes the money at once."""
        values = {"origin": merchants.Origin.CHANNEL, "stage": Stage.CHARGEBACK}
        return await self.open(order, amount, **(values | more))

    async def act(
        self, dispute: merchants.Dispute, act: merchants.Act, now: datetime = NOW
    ) -> merchants.Dispute:
        return await self.town.run(
            merchants.act_on_dispute, dispute_id=dispute.id, act=act, rulebook=RULES, now=now
        )

    async def hand_in(
        self, dispute: merchants.Dispute, content: bytes = PNG, **more: Any
    ) -> merchants.Evidence:
        values: dict[str, Any] = {
            "evidence_id": new_id(),
            "dispute_id": dispute.id,
            "name": "小票.png",
            "media_type": "image/png",
            "content": content,
        }
        return await self.town.run(merchants.add_evidence, vault=self.town.vault, **(values | more))

    async def expire(self, now: datetime) -> int:
        return await merchants.end_overdue_disputes(self.town.database, rulebook=RULES, now=now)

    async def get(self, dispute: merchants.Dispute) -> merchants.Dispute:
        return await self.town.read(merchants.get_dispute, dispute.id)


@pytest.fixture
def court(market: Market) -> Court:
    return Court(market)


async def test_a_customers_dispute_goes_through_all_stages(court: Court) -> None:
    shop = await court.market.add_shop()
    order = await court.market.pay(shop, "100.00")
    dispute = await court.open(order, statement="三周未到货")
    assert (dispute.stage, dispute.is_charged) == (Stage.RETRIEVAL, False)
    assert dispute.due_at == datetime(2026, 12, 2, 16, 0, tzinfo=UTC), "7 working days"
    with pytest.raises(merchants.DisputeMoveRefused, match="evidence"):
        await court.act(dispute, Act.CONTEST)
    await court.hand_in(dispute)
    await court.act(dispute, Act.CONTEST)
    assert await court.town.balance(shop.account_id) == "100.00", "nothing was taken yet"

    charged = await court.act(dispute, Act.ESCALATE)
    assert (charged.from_payable, charged.from_owed, charged.fee) == (10_000, 2_000, 2_000)
    assert await court.market.owed(shop) == "20.00"
    await court.act(dispute, Act.CONTEST)
    await court.act(dispute, Act.ESCALATE)
    decided = await court.act(dispute, Act.CONTEST)
    assert decided.stage is Stage.DECISION
    await court.market.check_ties()
    lost = await court.act(dispute, Act.DECIDE_LOST)

    assert (lost.outcome, lost.turn, lost.due_at) == (Outcome.LOST, None, None)
    assert await court.town.balance(court.market.customer.account_id) == "100000.00"
    steps = await court.town.read(merchants.list_dispute_steps, dispute.id)
    assert [(step.act.value, step.entry_id is not None) for step in steps] == [
        ("open", False), ("contest", False), ("escalate", True), ("contest", False),
        ("escalate", False), ("contest", False), ("decide_lost", True),
    ]  # fmt: skip
    with pytest.raises(merchants.DisputeMoveRefused):
        await court.act(dispute, Act.DECIDE_WON)
    await court.market.check_ties()


async def test_a_merchant_that_wins_gets_all_back(court: Court) -> None:
    shop = await court.market.add_shop()
    order = await court.market.pay(shop, "100.00")
    await court.market.settle()
    dispute = await court.chargeback(order, "60.00", now=TUESDAY)
    assert (dispute.from_payable, dispute.from_owed) == (0, 8_000)
    await court.hand_in(dispute)
    await court.act(dispute, Act.CONTEST, TUESDAY)
    won = await court.act(dispute, Act.WITHDRAW, TUESDAY)

    assert won.outcome is Outcome.WON
    assert await court.town.balance(shop.account_id) == "80.00"
    assert await court.market.owed(shop) == "80.00"
    await court.market.check_ties()
    [sheet] = await court.market.settle(WEDNESDAY)
    assert (sheet.chargebacks, sheet.dispute_fees, sheet.recovered) == (6_000, 2_000, 8_000)
    assert await court.market.owed(shop) == "0.00", "what it owed is recovered out of it"
    await court.market.check_ties()


async def test_payable_then_reserve_then_debt_bear_a_chargeback(court: Court) -> None:
    shop = await court.market.add_shop(reserve_permille=500, reserve_days=30)
    order = await court.market.pay(shop, "100.00")
    await court.market.settle()
    await court.market.pay(shop, "30.00", TUESDAY)
    dispute = await court.chargeback(order, now=TUESDAY)
    assert (dispute.from_payable, dispute.from_reserve, dispute.from_owed) == (3_000, 5_000, 4_000)
    assert await court.market.reserve(shop) == "0.00"
    assert await court.town.own("channel") == "99900.00", "the scheme has it at once"
    await court.market.check_ties()
    [sheet] = await court.market.settle(WEDNESDAY)
    # 30.00 came in and 30.00 was taken; the fee of 0.18 is owed as well.
    assert (sheet.payments, sheet.chargebacks, sheet.advanced) == (3_000, -3_000, 18)
    assert await court.market.owed(shop) == "40.18"
    await court.market.check_ties()


async def test_a_debt_may_be_recovered_from_the_settlement_account(court: Court) -> None:
    shop = await court.market.add_shop(recovery=merchants.Recovery.RECOVER)
    order = await court.market.pay(shop, "100.00")
    await court.market.settle()
    await court.chargeback(order, "50.00", now=TUESDAY)
    [sheet] = await court.market.settle(WEDNESDAY)
    assert (sheet.recovered, sheet.recovered_direct, sheet.owed_after) == (0, 7_000, 0)
    assert await court.market.settled(shop) == "29.40"
    await court.market.check_ties()


@pytest.mark.parametrize(
    ("origin", "acts", "stage", "outcome"),
    [
        ("customer", [], "chargeback", None),
        ("customer", ["contest"], "retrieval", "withdrawn"),
        ("channel", [], "chargeback", "lost"),
        ("channel", ["contest"], "representment", "won"),
        ("channel", ["contest", "escalate"], "pre_arbitration", "lost"),
        ("channel", ["contest", "escalate", "contest"], "decision", "lost"),
    ],
)
async def test_a_deadline_that_passes_has_its_outcome(
    court: Court, origin: str, acts: list[str], stage: str, outcome: str | None
) -> None:
    shop = await court.market.add_shop()
    order = await court.market.pay(shop, "100.00")
    dispute = await (court.open if origin == "customer" else court.chargeback)(order)
    await court.hand_in(dispute)
    for act in acts:
        dispute = await court.act(dispute, Act(act))
    assert dispute.due_at is not None
    assert await court.expire(dispute.due_at - timedelta(seconds=1)) == 0

    results = await asyncio.gather(*(court.expire(dispute.due_at) for _ in range(3)))

    assert sum(results) == 1, "of any number of workers one does it"
    over = await court.get(dispute)
    assert (over.stage.value, over.outcome) == (stage, outcome)
    await court.market.check_ties()


async def test_too_late_is_too_late(court: Court) -> None:
    shop = await court.market.add_shop()
    dispute = await court.chargeback(await court.market.pay(shop, "100.00"))
    await court.hand_in(dispute)
    assert dispute.due_at is not None
    with pytest.raises(merchants.DisputeMoveRefused, match="run out"):
        await court.act(dispute, Act.CONTEST, dispute.due_at)


async def test_what_is_disputed_is_neither_refunded_nor_shared(court: Court) -> None:
    shop = await court.market.add_shop()
    order = await court.market.pay(shop, "100.00")
    await court.market.refund(order, "30.00")
    with pytest.raises(merchants.DisputeRefused):
        await court.open(order, "70.01")
    dispute = await court.open(order, "50.00")
    with pytest.raises(merchants.DisputeRefused, match="open dispute"):
        await court.open(order, "1.00")
    with pytest.raises(payments.RefundExceedsPayment):
        await court.market.refund(order, "20.01")
    with pytest.raises(payments.ShareExceedsRemainder):
        await court.town.run(
            payments.share_profit,
            order_id=order.id,
            entry_id=new_id(),
            receivers=[
                payments.ShareReceiver(
                    account_id=court.market.customer.account_id, amount=cny("20.01")
                )
            ],
        )
    await court.act(dispute, Act.WITHDRAW)
    await court.market.refund(order, "70.00")
    await court.market.check_ties()


async def test_refund_and_dispute_at_once_never_give_more_than_was_paid(court: Court) -> None:
    shop = await court.market.add_shop()
    order = await court.market.pay(shop, "100.00")
    results = await asyncio.gather(
        court.market.refund(order, "100.00"), court.chargeback(order), return_exceptions=True
    )
    assert sum(isinstance(each, Exception) for each in results) == 1, results
    await court.market.check_ties()


async def test_the_same_dispute_twice_is_one(court: Court) -> None:
    shop = await court.market.add_shop()
    order = await court.market.pay(shop, "100.00")
    number = new_id()
    opened = await asyncio.gather(*(court.chargeback(order, dispute_id=number) for _ in range(3)))
    assert len({dispute.id for dispute in opened}) == 1
    assert await court.market.owed(shop) == "20.00", "charged once"
    with pytest.raises(merchants.DisputeRefused, match="another dispute"):
        await court.open(order, dispute_id=number)
    await court.market.check_ties()


async def test_what_a_closed_account_cannot_take_waits(court: Court) -> None:
    shop = await court.market.add_shop()
    payer = await court.town.add_customer("韩梅梅", "100.00")
    order = await court.town.buy(payer, shop, "100.00")
    dispute = await court.open(order)
    await court.town.run(payments.close_customer, customer_id=payer.id, reason="moved", now=NOW)
    assert (await court.act(dispute, Act.ACCEPT)).outcome is Outcome.LOST
    assert await court.town.own("unattributed") == "100.00"
    await court.market.check_ties()


async def test_evidence_is_kept_sealed_and_once(court: Court) -> None:
    shop = await court.market.add_shop()
    dispute = await court.open(await court.market.pay(shop, "100.00"))
    evidence = await court.hand_in(dispute)
    assert (await court.hand_in(dispute)).id == evidence.id
    found = await court.town.read(
        merchants.read_evidence, court.town.vault, dispute=dispute, evidence=evidence
    )
    assert found == PNG
    async with court.town.database.reading() as uow:
        [row] = await uow.execute("SELECT parts FROM payments.dispute_evidence")
    assert not any(b"receipt" in part for part in row.parts)
    for content, more in (
        (b"", {}),
        (b"%PDF-1.7", {}),
        (b"<svg/>", {"media_type": "image/svg+xml"}),
        (PNG[:8] + b"x" * 2_000_000, {}),
    ):
        with pytest.raises(merchants.EvidenceRefused):
            await court.hand_in(dispute, content, **more)
    with pytest.raises(InvalidField):
        await court.hand_in(dispute, name="a\nb")
    await court.act(dispute, Act.WITHDRAW)
    with pytest.raises(merchants.DisputeMoveRefused):
        await court.hand_in(dispute, PNG + b"more")


async def test_too_many_chargebacks_are_noticed_once(court: Court) -> None:
    shop = await court.market.add_shop()
    orders = [await court.market.pay(shop, "1.00") for _ in range(4)]
    for order in orders[:2]:
        await court.chargeback(order)
    assert await court.town.run(merchants.watch_chargebacks, rulebook=RULES) == []
    await court.chargeback(orders[2])
    [watch] = await court.town.run(merchants.watch_chargebacks, rulebook=RULES)
    assert (watch.payments, watch.chargebacks) == (4, 3)
    assert await court.town.run(merchants.watch_chargebacks, rulebook=RULES) == []


def test_every_place_that_waits_has_a_deadline() -> None:
    for stage, turn in (
        (Stage.RETRIEVAL, merchants.Turn.MERCHANT),
        (Stage.RETRIEVAL, merchants.Turn.CLAIMANT),
        (Stage.CHARGEBACK, merchants.Turn.MERCHANT),
        (Stage.REPRESENTMENT, merchants.Turn.CLAIMANT),
        (Stage.PRE_ARBITRATION, merchants.Turn.MERCHANT),
        (Stage.DECISION, merchants.Turn.BANK),
    ):
        due_at = merchants.find_deadline(
            Place(stage, turn), rulebook=RULES, calendar=china_calendar(), now=NOW
        )
        assert due_at is not None
        assert due_at > NOW
