"""Profit shares are decided by risk as payments are, and held ones end once."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from tests.payments.conftest import cny, new_id
from tests.payments.streets import Street, open_street

from huitong import payments, risk
from huitong.kernel.errors import Refusal
from huitong.payments import errors
from huitong.payments.calculations import derive_id
from huitong.payments.invariants import INVARIANTS
from huitong.payments.types import Authentication

ONE, TWO = Authentication.ONE_FACTOR, Authentication.TWO_FACTORS


class Sharing:
    """A shop that was paid 600.00, and somebody with whom it shares."""

    def __init__(self, street: Street, town: Any, now: Any) -> None:
        self.street, self.town, self.now = street, town, now

    async def open(self) -> None:
        self.street.merchant = await self.town.add_merchant("书店", "0")
        pay = await self.street.checkout()
        self.order = await pay()
        self.partner = await self.town.add_customer("王芳")

    async def share(self, amount: str = "100.00", **how: Any) -> tuple[payments.Share, ...]:
        receiver = payments.ShareReceiver(account_id=self.partner.account_id, amount=cny(amount))
        values: dict[str, Any] = {
            "order_id": self.order.id,
            "entry_id": new_id(),
            "receivers": [receiver],
            "decider": self.street.decider,
            "authentication": ONE,
            **how,
        }
        shared: tuple[payments.Share, ...] = await self.town.run(payments.share_profit, **values)
        return shared

    async def held(self) -> payments.HeldShare:
        (found,) = await self.town.read(payments.list_held_shares, limit=10)
        assert isinstance(found, payments.HeldShare)
        return found

    async def amounts(self) -> tuple[str, str, str]:
        """Return what the shop has, what of it is free, and what the partner has."""
        shop = self.street.merchant.account_id
        return (
            await self.town.balance(shop),
            await self.town.available(shop),
            await self.town.balance(self.partner.account_id),
        )

    async def check_ties(self) -> None:
        await self.town.check_ties()
        async with self.town.database.reading() as uow:
            for invariant in INVARIANTS:
                assert await uow.execute(invariant.differences) == [], invariant.name

    async def release(self, held: payments.HeldShare) -> payments.HeldShare:
        released: payments.HeldShare = await self.town.run(
            payments.release_held_share, entry_id=held.entry_id, reason="asked the merchant"
        )
        return released


@pytest.fixture
async def sharing(town: Any, now: Any) -> AsyncIterator[Sharing]:
    async with open_street(town, now) as street:
        made = Sharing(street, town, now)
        await made.open()
        yield made


async def test_a_share_is_decided_under_its_own_id_and_counted(sharing: Sharing) -> None:
    before = await sharing.street.read_rows()
    (share,) = await sharing.share()
    decisions = await sharing.street.list_decisions()
    assert decisions[share.id] is risk.Action.ALLOW
    decision = await sharing.street.desk.run(lambda uow: risk.get_decision(uow, share.id))
    values = await sharing.street.desk.run(lambda uow: risk.name_values(uow, decision))
    assert (values["kind"], values["amount"], values["is_strong"]) == (
        "profit_share",
        10_000,
        False,
    )
    assert len(await sharing.street.read_rows()) > len(before)
    assert await sharing.amounts() == ("500.00", "500.00", "100.00")
    await sharing.check_ties()


@pytest.mark.parametrize("by", ["rule", "list"])
async def test_what_is_blocked_moves_nothing_and_leaves_its_decision(
    sharing: Sharing, by: str
) -> None:
    if by == "rule":
        await sharing.street.live("kind = 'profit_share'", action="block")
    else:
        partner = risk.Entity.of_account(sharing.partner.account_id)
        await sharing.street.put_on_list("block", partner)
    entry_id = new_id()
    for _ in range(2):
        with pytest.raises(errors.PaymentBlocked) as blocked:
            await sharing.share(entry_id=entry_id)
        shown = risk.show_decision(derive_id(entry_id, 1))
        assert blocked.value.context["decision"] == shown
    assert await sharing.amounts() == ("600.00", "600.00", "0.00")
    await sharing.check_ties()


@pytest.mark.parametrize(
    ("action", "held_as"), [("step_up", "review"), ("review", "review"), ("delay", "delay")]
)
async def test_what_is_held_is_reserved_until_somebody_releases_it(
    sharing: Sharing, action: str, held_as: str
) -> None:
    await sharing.street.live("kind = 'profit_share'", action=action)
    assert await sharing.share() == ()
    held = await sharing.held()
    assert (held.action.value, held.amount) == (held_as, cny("100.00"))
    assert held.reasons
    assert await sharing.amounts() == ("600.00", "500.00", "0.00")
    await sharing.check_ties()
    with pytest.raises(errors.ShareExceedsRemainder):
        await sharing.share("500.01", decider=None)

    ended = await sharing.release(held)

    assert (ended.state.value, ended.outcome) == ("paid", "released")
    assert await sharing.amounts() == ("500.00", "500.00", "100.00")
    order = await sharing.town.read(payments.get_order, sharing.order.id)
    assert order.shared == cny("100.00")
    with pytest.raises(payments.HeldShareEnded):
        await sharing.release(held)
    await sharing.check_ties()


async def test_a_step_up_passes_where_two_factors_stand_behind_it(sharing: Sharing) -> None:
    await sharing.street.live("kind = 'profit_share'", action="step_up")
    assert len(await sharing.share(authentication=TWO)) == 1


async def test_a_held_share_comes_back_as_fraud_or_by_its_merchant(sharing: Sharing) -> None:
    await sharing.street.live("kind = 'profit_share'", action="review")
    first, second = new_id(), new_id()
    for entry_id in (first, second):
        await sharing.share(entry_id=entry_id)
        # The same again is held once.
        await sharing.share(entry_id=entry_id)
    await sharing.town.run(payments.reject_held_share, entry_id=first, reason="a stolen key")
    for _ in range(2):
        ended = await sharing.town.run(payments.cancel_held_share, entry_id=second)
        assert ended.outcome == "cancelled"
    assert await sharing.amounts() == ("600.00", "600.00", "0.00")
    labels = await sharing.town.read(risk.find_labels, [derive_id(first, 1), derive_id(second, 1)])
    assert {key: label.is_fraud for key, label in labels.items()} == {derive_id(first, 1): True}
    with pytest.raises(errors.IdReused):
        await sharing.share("1.00", entry_id=first)
    await sharing.check_ties()


async def test_time_passes_on_the_delayed_and_gives_back_the_reviewed(sharing: Sharing) -> None:
    await sharing.street.live("kind = 'profit_share'", action="delay")
    await sharing.share("10.00")
    delayed = await sharing.held()
    later = delayed.due_at + timedelta(seconds=1)
    assert not await sharing.town.run(payments.end_due_share, now=sharing.now)
    assert await sharing.town.run(payments.end_due_share, now=later)
    assert await sharing.amounts() == ("590.00", "590.00", "10.00")
    await sharing.check_ties()


async def test_a_party_that_was_blocked_meanwhile_is_not_paid(sharing: Sharing) -> None:
    await sharing.street.live("kind = 'profit_share'", action="delay")
    await sharing.share("10.00")
    held = await sharing.held()
    await sharing.street.put_on_list("block", risk.Entity.of_account(sharing.partner.account_id))
    with pytest.raises(errors.PaymentBlocked):
        await sharing.release(held)
    later = held.due_at + timedelta(seconds=1)
    assert await sharing.town.run(payments.end_due_share, now=later)
    ended = await sharing.town.read(payments.get_held_share, held.entry_id)
    assert (ended.state.value, ended.outcome) == ("given_back", "payment_blocked")
    assert await sharing.amounts() == ("600.00", "600.00", "0.00")
    await sharing.check_ties()


async def test_a_refund_goes_before_a_share_that_waits(sharing: Sharing) -> None:
    await sharing.street.live("kind = 'profit_share'", action="review")
    await sharing.share("400.00")
    held = await sharing.held()
    await sharing.town.run(
        payments.refund, order_id=sharing.order.id, refund_id=new_id(), amount=cny("600.00")
    )
    ended = await sharing.town.read(payments.get_held_share, held.entry_id)
    assert ended.outcome == "refunded"
    assert await sharing.amounts() == ("0.00", "0.00", "0.00")
    await sharing.check_ties()


async def test_a_held_share_ends_once_whoever_comes_first(sharing: Sharing) -> None:
    await sharing.street.live("kind = 'profit_share'", action="delay")
    await sharing.share("100.00")
    held = await sharing.held()
    later = held.due_at + timedelta(seconds=1)

    async def run(command: Any, **values: Any) -> Any:
        return await sharing.town.run(command, entry_id=held.entry_id, **values)

    results = await asyncio.gather(
        run(payments.cancel_held_share),
        run(payments.release_held_share, reason="asked"),
        run(payments.reject_held_share, reason="fraud"),
        sharing.town.run(payments.end_due_share, now=later),
        sharing.town.run(payments.end_due_share, now=later),
        return_exceptions=True,
    )
    unexpected = [
        each for each in results if isinstance(each, Exception) and not isinstance(each, Refusal)
    ]
    assert unexpected == []
    assert not (await sharing.town.read(payments.get_held_share, held.entry_id)).is_held
    await sharing.check_ties()


async def test_what_was_never_held_is_not_found(sharing: Sharing) -> None:
    with pytest.raises(payments.HeldShareNotFound):
        await sharing.town.read(payments.get_held_share, uuid.uuid4())
