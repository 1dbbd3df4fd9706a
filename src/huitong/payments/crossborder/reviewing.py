"""Payments that wait for a person: released or refused, each by two."""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime

from huitong import customers, risk
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.rulebook import Rulebook
from huitong.payments.blocked import find_blocked, refuse_blocked
from huitong.payments.crossborder import papers, record_store, store
from huitong.payments.crossborder.errors import (
    CrossBorderNotFound,
    CrossBorderStateRefused,
)
from huitong.payments.crossborder.giving_back import end_step, give_back
from huitong.payments.crossborder.ordering import open_counterparty
from huitong.payments.crossborder.receiving import refuse_receipt
from huitong.payments.crossborder.screening import Hit
from huitong.payments.crossborder.types import (
    Counterparty,
    Direction,
    Event,
    LegCharge,
    Paper,
    Payment,
    PaymentState,
    Reason,
)
from huitong.privacy import Vault

#: The order in which steps are shown, whatever order they became known in.
_ORDER = (
    "initiated",
    "held",
    "released",
    "screened",
    "sent",
    "accepted",
    "credited",
    "confirmation_sent",
    "rejected",
    "refused",
    "return_sent",
    "returned",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """All that is known of a payment; names are for whoever may see them."""

    payment: Payment
    counterparty: Counterparty
    events: list[Event]
    hits: list[Hit]
    charges: list[LegCharge]
    papers: list[Paper]


async def get_dossier(uow: UnitOfWork, vault: Vault, payment_id: uuid.UUID) -> Dossier:
    """Return all that is known of a payment; raises CrossBorderNotFound."""
    payment = await store.find_payment(uow, payment_id)
    if payment is None:
        raise CrossBorderNotFound("there is no such payment", field="payment")
    events = await record_store.list_events(uow, payment_id)
    return Dossier(
        payment=payment,
        counterparty=await open_counterparty(uow, vault, payment),
        events=sorted(events, key=lambda event: _ORDER.index(event.step)),
        hits=await record_store.list_hits(uow, payment_id),
        charges=await record_store.list_charges(uow, payment_id),
        papers=await papers.list_papers(uow, payment_id),
    )


async def list_held(
    uow: UnitOfWork, *, after: uuid.UUID | None = None, limit: int
) -> list[Payment]:
    """Return payments that wait for a person, oldest first."""
    return await store.list_held(uow, after=after, limit=limit)


async def check_held(uow: UnitOfWork, payment_id: uuid.UUID) -> Payment:
    """Return a payment that waits for a person; raises CrossBorderNotFound, …StateRefused."""
    return _check(await store.find_payment(uow, payment_id))


async def release_payment(uow: UnitOfWork, *, payment_id: uuid.UUID, now: datetime) -> Payment:
    """Let a held payment go on.

    Raises CrossBorderNotFound, CrossBorderStateRefused, and PaymentBlocked for a payer who is on
    the list of those who are blocked by now.
    """
    payment = _check(await store.find_payment(uow, payment_id, is_locked=True))
    if payment.direction is Direction.OUT and payment.fee_account_id is not None:
        connection = await uow.driver()
        payers = await customers.find_parties(connection, [payment.fee_account_id])
        if await find_blocked(connection, payers.values(), now=now):
            raise refuse_blocked(field="payment")
    released = replace(payment, state=PaymentState.SCREENED, attempts=0, due_at=now, changed_at=now)
    await store.change_payment(uow, released)
    await record_store.add_event(uow, payment_id, "released", happened_at=now, now=now)
    await end_step(uow, released, happened_at=now, now=now)
    return released


async def refuse_payment(
    uow: UnitOfWork, *, payment_id: uuid.UUID, rulebook: Rulebook, now: datetime
) -> Payment:
    """Refuse a held payment: its payer, here or abroad, has all of the money back.

    What risk held is labelled as fraud, unless two people overturned its decision. Raises
    CrossBorderNotFound, CrossBorderStateRefused.
    """
    payment = _check(await store.find_payment(uow, payment_id, is_locked=True))
    if payment.direction is Direction.IN:
        return await refuse_receipt(uow, payment, Reason.REFUSED_BY_STAFF, now=now)
    if Reason.RISK_REVIEW.value in payment.reasons:
        await risk.label_rejected(uow, payment.id, now=now)
    return await give_back(
        uow,
        payment,
        PaymentState.REFUSED,
        Reason.REFUSED_BY_STAFF,
        rulebook=rulebook,
        happened_at=now,
        now=now,
    )


def _check(payment: Payment | None) -> Payment:
    if payment is None:
        raise CrossBorderNotFound("there is no such payment", field="payment")
    if payment.state is not PaymentState.HELD:
        raise CrossBorderStateRefused(f"the payment is {payment.state.value}", field="payment")
    return payment
