"""Which events people are told of, and the worker's loop that tells them."""

import uuid
from datetime import datetime
from typing import Final

from huitong import customers, identity, payments
from huitong.kernel.cryptography import load_key_ring
from huitong.kernel.database.unit_of_work import Database, UnitOfWork
from huitong.kernel.outbox import Delivery, Handlers
from huitong.kernel.settings import Settings
from huitong.privacy import Vault
from huitong.wiring.clocks import make_clock
from huitong.wiring.loop_types import Loop

_INTERVAL_SECONDS: Final = 0.5


async def _tell_of_log_in(uow: UnitOfWork, delivery: Delivery) -> None:
    event = delivery.event
    assert isinstance(event, identity.LogInNoticed)
    is_through = event.action == identity.LogInAction.ALLOW
    kind = (
        identity.notices.NoticeKind.LOG_IN_NEW
        if is_through
        else identity.notices.NoticeKind.LOG_IN_STOPPED
    )
    notice = identity.notices.Notice(id=delivery.id, kind=kind)
    await identity.notices.ask_notice(
        uow, notice, login_id=event.login_id, now=delivery.recorded_at
    )


async def _tell_of_held_payment(uow: UnitOfWork, delivery: Delivery) -> None:
    event = delivery.event
    assert isinstance(event, payments.PaymentHeld)
    is_delay = event.action is payments.StopAction.DELAY
    kind = (
        identity.notices.NoticeKind.PAYMENT_DELAYED
        if is_delay
        else identity.notices.NoticeKind.PAYMENT_REVIEWED
    )
    notice = identity.notices.Notice(
        id=delivery.id, kind=kind, amount=event.amount, until=event.due_at
    )
    await _tell_owner(uow, notice, event.payer_account_id, now=delivery.recorded_at)


async def _tell_of_payment_given_back(uow: UnitOfWork, delivery: Delivery) -> None:
    event = delivery.event
    assert isinstance(event, payments.PaymentGivenBack)
    notice = identity.notices.Notice(
        id=delivery.id, kind=identity.notices.NoticeKind.PAYMENT_GIVEN_BACK, amount=event.amount
    )
    await _tell_owner(uow, notice, event.payer_account_id, now=delivery.recorded_at)


async def _tell_of_held_withdrawal(uow: UnitOfWork, delivery: Delivery) -> None:
    event = delivery.event
    assert isinstance(event, payments.WithdrawalHeld)
    until = event.held_until
    kind = (
        identity.notices.NoticeKind.WITHDRAWAL_REVIEWED
        if until is None
        else identity.notices.NoticeKind.WITHDRAWAL_DELAYED
    )
    notice = identity.notices.Notice(id=delivery.id, kind=kind, amount=event.amount, until=until)
    await _tell_payer(uow, notice, event.order_id, now=delivery.recorded_at)


async def _tell_of_released_withdrawal(uow: UnitOfWork, delivery: Delivery) -> None:
    event = delivery.event
    assert isinstance(event, payments.WithdrawalReleased)
    notice = identity.notices.Notice(
        id=delivery.id, kind=identity.notices.NoticeKind.WITHDRAWAL_RELEASED, amount=event.amount
    )
    await _tell_payer(uow, notice, event.order_id, now=delivery.recorded_at)


async def _tell_payer(
    uow: UnitOfWork, notice: identity.notices.Notice, order_id: uuid.UUID, *, now: datetime
) -> None:
    order = await payments.get_order(uow, order_id)
    await _tell_owner(uow, notice, order.payer_account_id, now=now)


async def _tell_owner(
    uow: UnitOfWork, notice: identity.notices.Notice, account_id: int | None, *, now: datetime
) -> None:
    """Have the person told whose account it is; a merchant has no login to be told by."""
    if account_id is None:
        return
    parties = await customers.find_parties(await uow.driver(), [account_id])
    party = parties.get(account_id)
    if party is not None and party.customer_id is not None:
        await identity.notices.ask_notice_of_subject(
            uow, notice, audience=identity.Audience.CUSTOMER, subject_id=party.customer_id, now=now
        )


NOTICE_HANDLERS: Final[Handlers] = {
    identity.LogInNoticed: (_tell_of_log_in,),
    payments.PaymentHeld: (_tell_of_held_payment,),
    payments.PaymentGivenBack: (_tell_of_payment_given_back,),
    payments.WithdrawalHeld: (_tell_of_held_withdrawal,),
    payments.WithdrawalReleased: (_tell_of_released_withdrawal,),
}


def make_notice_loops(settings: Settings) -> tuple[Loop, ...]:
    """Return what sends notices, over the gateway of the settings, and what forgets them."""
    vault = Vault(load_key_ring(settings.home, settings.master_keys), cipher=settings.cipher)
    sender: identity.CodeSender = identity.NoGateway()
    if settings.sms_gateway_url is not None:
        sender = identity.SmsGateway(settings.sms_gateway_url)
    clock = make_clock(settings)

    async def send_notices(database: Database, _now: datetime) -> bool:
        taken = await identity.notices.send_notices(database, vault, sender, clock)
        return taken == identity.notices.NOTICES_AT_ONCE_MAX

    async def prune_notices(database: Database, now: datetime) -> bool:
        count = identity.notices.NOTICES_AT_ONCE_MAX
        pruned = await database.run(
            lambda uow: identity.notices.prune_notices(uow, count=count, now=now)
        )
        return pruned == count

    return (
        Loop("identity.send_notices", _INTERVAL_SECONDS, send_notices),
        Loop("identity.prune_notices", 300.0, prune_notices),
    )
