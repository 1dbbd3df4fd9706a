"""Commands of disputes: open one, answer, go on, give up, decide; and what a deadline does.

Each locks the order, then the dispute, then the merchant's settled account, then the ledger, so
none can deadlock with a refund, a settlement or another one.
"""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta

from huitong.kernel import audit, outbox
from huitong.kernel.calendar import china_calendar
from huitong.kernel.clock import business_day
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import DISPUTE, PAYMENT, show_id
from huitong.kernel.money import Money
from huitong.kernel.rulebook import Rulebook
from huitong.payments.commands import moving
from huitong.payments.merchants import dispute_store, limits, store
from huitong.payments.merchants.dispute_money import charge, give_back, pay_claimant
from huitong.payments.merchants.dispute_types import (
    STARTS,
    Act,
    Dispute,
    DisputeOutcome,
    DisputeReason,
    DisputeStep,
    Origin,
    Place,
    Stage,
    find_deadline,
    move,
)
from huitong.payments.merchants.errors import (
    DisputeMoveRefused,
    DisputeNotFound,
    DisputeRefused,
)
from huitong.payments.merchants.events import DisputeMoved
from huitong.payments.store.disputed import find_disputed
from huitong.payments.types import Order

#: Contesting at these stages takes evidence.
_NEEDS_EVIDENCE = frozenset({Stage.RETRIEVAL, Stage.CHARGEBACK})


async def open_dispute(
    uow: UnitOfWork,
    *,
    dispute_id: uuid.UUID,
    order_id: uuid.UUID,
    origin: Origin,
    reason: DisputeReason,
    amount: Money | None = None,
    stage: Stage = Stage.RETRIEVAL,
    statement: str | None = None,
    channel_reference: str | None = None,
    rulebook: Rulebook,
    now: datetime,
) -> Dispute:
    """Dispute `amount` of a payment to a merchant, or all that is left of it.

    A customer begins with a retrieval request, which moves nothing; a scheme may begin with the
    chargeback, which takes the money. The same id with the same content returns the dispute as it
    is. Raises NotFound, InvalidField, CurrencyMismatch, DisputeRefused, SettlementMoved.
    """
    moving.check_id(dispute_id, field="id")
    moving.check_text(statement, limits.STATEMENT_LENGTH_MAX, field="statement")
    moving.check_text(
        channel_reference, limits.CHANNEL_REFERENCE_LENGTH_MAX, field="channel_reference"
    )
    _check_start(origin, stage)
    order = await moving.lock_order(uow, order_id)
    known = await dispute_store.find_dispute(uow, dispute_id)
    if known is not None:
        is_same_amount = amount is None or amount.minor == known.amount
        same = (known.order_id, known.origin, known.reason) == (order_id, origin, reason)
        if not (same and is_same_amount):
            raise DisputeRefused(f"{show_id(DISPUTE, dispute_id)} is another dispute", field="id")
        return known
    wanted = await _check_disputable(uow, order, amount, rulebook, now)
    assert order.merchant_id is not None
    assert order.payer_account_id is not None
    account = await store.find_merchant_account(uow, order.merchant_id)
    if account is None:
        raise DisputeRefused("the merchant has no terms of settlement")
    dispute = Dispute(
        id=dispute_id,
        order_id=order_id,
        merchant_id=account.merchant_id,
        account_id=account.account_id,
        payer_account_id=order.payer_account_id,
        origin=origin,
        reason=reason,
        statement=statement,
        channel_reference=channel_reference,
        currency=wanted.currency,
        amount=wanted.minor,
        stage=Stage.RETRIEVAL,
        turn=STARTS[Stage.RETRIEVAL].turn,
        due_at=now,
        outcome=None,
        is_charged=False,
        from_payable=0,
        from_reserve=0,
        from_owed=0,
        fee=0,
        steps=0,
        opened_at=now,
        closed_at=None,
    )
    if not await dispute_store.insert_dispute(uow, dispute):
        raise DisputeRefused(
            "the payment has an open dispute, or the reference is another dispute's"
        )
    return await _go(uow, dispute, Act.OPEN, STARTS[stage], rulebook=rulebook, now=now)


async def act_on_dispute(
    uow: UnitOfWork, dispute_id: uuid.UUID, act: Act, *, rulebook: Rulebook, now: datetime
) -> Dispute:
    """Do something in a dispute and return it; money moves as the step says, once.

    Raises DisputeNotFound, DisputeMoveRefused where the act is not open now or its time has run
    out, SettlementMoved.
    """
    dispute = await _lock(uow, dispute_id)
    place = move(dispute.place, act)
    is_late = dispute.due_at is not None and dispute.due_at <= now
    if is_late and act not in (Act.EXPIRE, Act.WITHDRAW):
        raise DisputeMoveRefused("the time for that has run out")
    if act is Act.EXPIRE and not is_late:
        raise DisputeMoveRefused("the time has not run out")
    needs_evidence = act is Act.CONTEST and dispute.stage in _NEEDS_EVIDENCE
    if needs_evidence and not await dispute_store.list_evidence(uow, dispute_id):
        raise DisputeMoveRefused("contesting takes evidence: hand in a file first")
    return await _go(uow, dispute, act, place, rulebook=rulebook, now=now)


def _check_start(origin: Origin, stage: Stage) -> None:
    if stage not in STARTS or (origin is Origin.CUSTOMER and stage is not Stage.RETRIEVAL):
        raise InvalidField("is where no dispute of that origin begins", field="stage")


def check_act(dispute: Dispute, act: Act) -> None:
    """Raise DisputeMoveRefused where an act is not open in a dispute as it stands."""
    move(dispute.place, act)


async def end_next_overdue(
    uow: UnitOfWork, dispute: Dispute, *, rulebook: Rulebook, now: datetime
) -> Dispute | None:
    """Do what a deadline that has passed does; None if somebody was faster."""
    current = await _lock(uow, dispute.id)
    if current.due_at is None or current.due_at > now:
        return None
    place = move(current.place, Act.EXPIRE)
    return await _go(uow, current, Act.EXPIRE, place, rulebook=rulebook, now=now)


async def _lock(uow: UnitOfWork, dispute_id: uuid.UUID) -> Dispute:
    found = await dispute_store.find_dispute(uow, dispute_id)
    if found is None:
        raise DisputeNotFound(f"there is no dispute {show_id(DISPUTE, dispute_id)}")
    await moving.lock_order(uow, found.order_id)
    dispute = await dispute_store.lock_dispute(uow, dispute_id)
    assert dispute is not None
    return dispute


async def _check_disputable(
    uow: UnitOfWork, order: Order, amount: Money | None, rulebook: Rulebook, now: datetime
) -> Money:
    shown = show_id(PAYMENT, order.id)
    if order.merchant_id is None or not order.is_paid or order.completed_at is None:
        raise DisputeRefused(f"{shown} is not a payment that a merchant was paid")
    days = rulebook.integer("merchant.dispute.window", business_day(now))
    if now - order.completed_at > timedelta(days=days):
        raise DisputeRefused(f"{shown} is more than {days} days ago")
    disputed = await find_disputed(uow, order.id, order.amount.currency)
    left = order.refundable - disputed
    wanted = left if amount is None else amount
    if left.is_positive:
        moving.check_amount(wanted, order.amount.currency)
    if not left.is_positive or left < wanted:
        raise DisputeRefused(
            f"{left} of {shown} may be disputed",
            field="amount",
            context={"disputable": left.to_json()},
        )
    return wanted


async def _go(
    uow: UnitOfWork,
    dispute: Dispute,
    act: Act,
    place: Place,
    *,
    rulebook: Rulebook,
    now: datetime,
) -> Dispute:
    """Bring a dispute to a place: a chargeback takes the money, the end gives it on."""
    if place.stage is not Stage.RETRIEVAL and not dispute.is_charged:
        charged, charge_id = await charge(uow, dispute, rulebook=rulebook, now=now)
        here = place
        if place.outcome is not None:
            # Accepted before anything was taken: taken first, and given on in a step of its own.
            here = STARTS[Stage.CHARGEBACK]
        dispute = await _record(uow, charged, act, here, charge_id, rulebook=rulebook, now=now)
        if here is place:
            return dispute
    entry_id = await _end(uow, dispute, place.outcome, now)
    return await _record(uow, dispute, act, place, entry_id, rulebook=rulebook, now=now)


async def _end(
    uow: UnitOfWork, dispute: Dispute, outcome: DisputeOutcome | None, now: datetime
) -> uuid.UUID | None:
    if outcome is DisputeOutcome.WON:
        return await give_back(uow, dispute, now=now)
    if outcome is DisputeOutcome.LOST:
        return await pay_claimant(uow, dispute, now=now)
    return None


async def _record(
    uow: UnitOfWork,
    dispute: Dispute,
    act: Act,
    place: Place,
    entry_id: uuid.UUID | None,
    *,
    rulebook: Rulebook,
    now: datetime,
) -> Dispute:
    due_at = find_deadline(place, rulebook=rulebook, calendar=china_calendar(), now=now)
    moved = replace(
        dispute,
        stage=place.stage,
        turn=place.turn,
        outcome=place.outcome,
        due_at=due_at,
        steps=dispute.steps + 1,
        closed_at=None if place.outcome is None else now,
    )
    step = DisputeStep(
        number=moved.steps,
        act=act,
        stage=place.stage,
        outcome=place.outcome,
        due_at=due_at,
        entry_id=entry_id,
        taken_at=now,
    )
    await dispute_store.save_dispute(uow, moved)
    await dispute_store.insert_step(uow, dispute.id, step)
    details = {"act": act.value, "stage": place.stage.value}
    await audit.record(
        uow, action="merchants.dispute", subject=show_id(DISPUTE, dispute.id), details=details
    )
    event = DisputeMoved(
        dispute_id=dispute.id,
        order_id=dispute.order_id,
        merchant_id=dispute.merchant_id,
        stage=place.stage.value,
        outcome=None if place.outcome is None else place.outcome.value,
        due_at=due_at,
        moved_at=now,
    )
    await outbox.append(uow, [event])
    return moved
