"""Whom events of payments and log-ins tell, and of what: through the handlers to the gateway."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from huitong import customers, identity, payments
from huitong.kernel.ids import uuid7
from huitong.kernel.outbox import Delivery, Event
from huitong.wiring.reactions import HANDLERS

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
DUE = NOW + timedelta(hours=24)


async def log_in_of(town: Any, customer: customers.Customer) -> identity.Login:
    login: identity.Login = await town.run(
        identity.open_login,
        vault=town.vault,
        login_id=uuid7(),
        audience=identity.Audience.CUSTOMER,
        subject_id=customer.id,
        mobile=town.mobiles[customer.id],
    )
    return login


async def tell(town: Any, event: Event, times: int = 1) -> list[tuple[str, uuid.UUID]]:
    """Deliver an event and return the notices that there are: kind and login."""
    delivery = Delivery(id=uuid7(), event=event, recorded_at=NOW, attempt=1)
    for _ in range(times):
        for handler in HANDLERS[type(event)]:
            await town.database.run(lambda uow, handler=handler: handler(uow, delivery))
    rows = await town.read(read_notices)
    return [(row.kind, row.login_id) for row in rows]


async def read_notices(uow: Any) -> list[Any]:
    return list(await uow.execute("SELECT kind, login_id FROM identity.notices ORDER BY id"))


def held(payer: int, action: payments.StopAction, cny: Any) -> payments.PaymentHeld:
    return payments.PaymentHeld(
        order_id=uuid7(),
        kind=payments.OrderKind.TRANSFER,
        action=action,
        payer_account_id=payer,
        payee_account_id=1,
        merchant_id=None,
        amount=cny("12.00"),
        due_at=DUE,
        held_at=NOW,
    )


@pytest.mark.parametrize(
    ("action", "kind"), [("delay", "payment_delayed"), ("review", "payment_reviewed")]
)
async def test_the_payer_of_a_held_payment_is_told_once(
    town: Any, cny: Any, action: str, kind: str
) -> None:
    payer = await town.add_customer("李雷")
    login = await log_in_of(town, payer)
    event = held(payer.account_id, payments.StopAction(action), cny)
    assert await tell(town, event, times=2) == [(kind, login.id)]


async def test_who_gets_their_money_back_is_told(town: Any, cny: Any) -> None:
    payer = await town.add_customer("李雷")
    login = await log_in_of(town, payer)
    event = payments.PaymentGivenBack(
        order_id=uuid7(),
        kind=payments.OrderKind.TRANSFER,
        payer_account_id=payer.account_id,
        amount=cny("12.00"),
        outcome="rejected",
        given_back_at=NOW,
    )
    assert await tell(town, event) == [("payment_given_back", login.id)]


@pytest.mark.parametrize(
    ("until", "kind"), [(DUE, "withdrawal_delayed"), (None, "withdrawal_reviewed")]
)
async def test_the_owner_of_a_withdrawal_is_told(
    town: Any, cny: Any, until: datetime | None, kind: str
) -> None:
    payer = await town.add_customer("李雷")
    login = await log_in_of(town, payer)
    order = await town.top_up(payer.account_id, "50.00")
    # Of a withdrawal the payer is the owner; a top-up is paid by the channel, who has no login.
    event = payments.WithdrawalHeld(
        order_id=order.id, amount=cny("50.00"), held_until=until, held_at=NOW
    )
    assert await tell(town, event) == []
    withdrawal = await town.run(
        payments.request_withdrawal,
        order_id=uuid7(int(NOW.timestamp() * 1000)),
        account_id=payer.account_id,
        amount=cny("50.00"),
    )
    event = payments.WithdrawalHeld(
        order_id=withdrawal.id, amount=cny("50.00"), held_until=until, held_at=NOW
    )
    assert await tell(town, event) == [(kind, login.id)]
    released = payments.WithdrawalReleased(
        order_id=withdrawal.id, amount=cny("50.00"), released_at=NOW
    )
    assert ("withdrawal_released", login.id) in await tell(town, released)


async def test_merchants_and_people_without_a_login_are_not_told(town: Any, cny: Any) -> None:
    payer = await town.add_customer("李雷")
    shop = await town.add_merchant("茶馆")
    for account in (payer.account_id, shop.account_id):
        assert await tell(town, held(account, payments.StopAction.DELAY, cny)) == []


@pytest.mark.parametrize(("action", "kind"), [("allow", "log_in_new"), ("block", "log_in_stopped")])
async def test_odd_log_ins_are_told(town: Any, action: str, kind: str) -> None:
    login = await log_in_of(town, await town.add_customer("李雷"))
    event = identity.LogInNoticed(
        attempt_id=uuid7(),
        login_id=login.id,
        subject_id=login.subject_id,
        action=action,
        is_new_place=True,
        is_new_device=False,
        noticed_at=NOW,
    )
    assert await tell(town, event) == [(kind, login.id)]
