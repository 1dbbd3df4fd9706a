"""Asking risk about a payment that has a unit of work of its own: all ways but the instant one.

The same questions and answers as for a batch (`assessing`), and the same record and counters, in
the transaction that moves the money. What is refused moves none and leaves its decision behind.
"""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import asyncpg

from huitong import customers, identity, risk
from huitong.customers import Party
from huitong.kernel.database.unit_of_work import UnitOfWork
from huitong.kernel.errors import Refusal
from huitong.kernel.money import Money
from huitong.payments.assessing import assess_payments, list_decisions, refuse
from huitong.payments.errors import IdReused
from huitong.payments.stop_types import StoppedPayment
from huitong.payments.types import Authentication, Order, OrderKind


@dataclass(slots=True, kw_only=True, eq=False)
class DecidedPayment:
    """One payment that risk is asked about; `order_id` is the id of the decision."""

    order_id: uuid.UUID
    payer_account_id: int
    payee_account_id: int | None
    amount: Money
    kind: OrderKind
    authentication: Authentication
    #: Partners ask for these ways, and what they know of the payer's device stays with them.
    proof: identity.PresentedProof | None = None
    address: int | None = None
    facts: risk.PaymentFacts | None = None
    decision: risk.Decision | None = None
    #: The merchant that is paid, where the payment can be held as one of its own: none of these.
    merchant_id: uuid.UUID | None = None
    stop: StoppedPayment | None = None
    #: What the file pays whose line it is: a payroll is no person who pays often.
    file_purpose: str | None = None
    #: What rules are told of what is no order, such as a payment abroad.
    told_as: str | None = None

    @property
    def risk_kind(self) -> str:
        """What rules are told that it is."""
        return self.told_as or self.file_purpose or self.kind.value


class Decidable(Protocol):
    """What of an order is decided about."""

    @property
    def id(self) -> uuid.UUID:
        """The id of the decision in the end."""
        ...

    @property
    def payee_account_id(self) -> int | None:
        """Who is paid, or our own account in the middle."""
        ...

    @property
    def amount(self) -> Money:
        """How much, in the currency that risk counts in."""
        ...

    @property
    def kind(self) -> OrderKind:
        """How it is held, if it is."""
        ...


@asynccontextmanager
async def deciding(
    uow: UnitOfWork,
    decider: risk.PaymentDecider | None,
    order: Decidable,
    payer: Party,
    *,
    authentication: Authentication,
    attempt_id: uuid.UUID | None = None,
    told_as: str | None = None,
    now: datetime,
) -> AsyncIterator[risk.Action]:
    """Decide whether `payer` may pay `order`, and give what risk asks for to the posting inside.

    The decision has the order's id; one that refuses an order which others may still pay has
    `attempt_id`; rules are told its kind, or `told_as`. It is written and the payment counted when
    the block ends; a refusal, be it risk's or one from inside, leaves the decision alone. Without a
    `decider` all is allowed, and nothing written.

    Raises PaymentBlocked and PaymentNeedsStepUp, also for an id that was refused so before, and
    IdReused if that id was refused for another reason.
    """
    if decider is None:
        yield risk.Action.ALLOW
        return
    payment = DecidedPayment(
        order_id=attempt_id or order.id,
        payer_account_id=payer.account_id,
        payee_account_id=order.payee_account_id,
        amount=order.amount,
        kind=order.kind,
        authentication=authentication,
        told_as=told_as,
    )
    refused = await _assess(uow, decider, payment, payer, now)
    decision = payment.decision
    assert decision is not None
    try:
        if refused is not None:
            raise refused
        yield decision.action
    except Refusal as refusal:
        refusal.leaves = (*refusal.leaves, *risk.make_records([decision], keeps_known=True))
        raise
    decision.id = order.id
    try:
        await uow.write(list_decisions([payment], []))
    except asyncpg.UniqueViolationError as error:
        # Another command with this id was refused in the same moment.
        raise _id_reused(order.id) from error


async def _assess(
    uow: UnitOfWork,
    decider: risk.PaymentDecider,
    payment: DecidedPayment,
    payer: Party,
    now: datetime,
) -> Refusal | None:
    """Ask risk, and set the payment's facts and decision; returns what it refuses."""
    await refuse_again(uow, payment)
    connection = await uow.driver()
    payee = payment.payee_account_id
    assert payee is not None
    parties = await customers.find_parties(connection, [payee])
    # Our own account in the middle of a withdrawal is nobody's.
    parties.setdefault(payee, Party(account_id=payee, currency=payment.amount.currency))
    parties[payer.account_id] = payer
    (refused,) = await assess_payments(connection, decider, [payment], [None], parties, now=now)
    return refused


async def refuse_again(uow: UnitOfWork, payment: DecidedPayment) -> None:
    """Raise what an earlier try under the same id was refused with; what was paid never is here."""
    try:
        payment.decision = await risk.get_decision(uow, payment.order_id)
    except risk.DecisionNotFound:
        return
    raise refuse(payment) or _id_reused(payment.order_id)


def _id_reused(decision_id: uuid.UUID) -> IdReused:
    shown = risk.show_decision(decision_id)
    return IdReused(
        f"{shown} was decided about and refused; ask again under a new id",
        field="id",
        context={"decision": shown},
    )


async def count_pay_in(uow: UnitOfWork, order: Order, *, now: datetime) -> None:
    """Count money that came in from a bank as received; nobody is asked whether it may.

    It leaves no account of ours, the bank that pays has decided about its own customer, and what
    has come cannot be kept out any more. What it is used for is decided when it leaves again, and
    for that it must be known.
    """
    assert order.payer_account_id is not None
    assert order.payee_account_id is not None
    facts = risk.PaymentFacts(
        payer_account_id=order.payer_account_id,
        payee_account_id=order.payee_account_id,
        amount=order.amount.minor,
        kind=order.kind.value,
        is_pay_in=True,
    )
    await uow.write([risk.make_update([facts], at=now)])
